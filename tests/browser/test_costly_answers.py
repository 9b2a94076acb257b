"""Answers of few bytes that could cost a page much work open, stream, reload and print without freezing the page.

The measure is the processor time of one task on the page's main thread, which other processes do not lengthen.
"""

import base64
import struct
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from ..endpoints import PNG
from .lab import Notebook, Server, notebook
from .test_prompt_widget import widget
from .watch import traced

pytestmark = pytest.mark.front_end  # for what it takes

LONGEST = 1000  # milliseconds
PRINTED = 2000  # printing also lays out what has never been visible
TURNED = 800  # printing a text that changes its direction at each letter
SVG = "<svg xmlns='http://www.w3.org/2000/svg' xmlns:l='http://www.w3.org/1999/xlink'><path id='a' d='M0 0h9'/>"
for before, name in zip("abcdefgh", "bcdefghi", strict=True):
    uses = f"<use l:href='#{before}'/>" * 10
    SVG += f"<g id='{name}'>{uses}</g>"
BOMB = base64.b64encode(f"{SVG}</svg>".encode()).decode()
HUGE = base64.b64encode(PNG[:16] + struct.pack(">II", 30_000, 30_000) + PNG[24:]).decode()
FILES = [
    {"url": f"data:image/svg+xml;base64,{BOMB}"},
    {"url": f"data:image/png;base64,{BOMB}", "content_type": "image/png"},
    {"url": f"data:image/png;base64,{HUGE}"},
]
# As Python literals with escapes, because the characters themselves would freeze the page's editor, too.
TEXTS = {
    "accents": r'"a" + "\u0301" * 199_000',
    "joined accents": r'"a" + ("\u0301" * 9 + "\u200b") * 19_000',
    "two directions": r'"a\u05d0" * 99_000',
    "many scripts": r'"a\u0431\u05d0\u03b1\u0639\u8a9e" * 30_000',
    "a million letters of two scripts": r'"a\u0431\n" * 330_000',
    "letters of mathematics": r'"\U0001d400" * 199_000',
    "a million lines": r'"a\n" * 499_000',
    "headings": r'"# x\n" * 9_900',
    "items": r'"- x\n" * 9_900',
    "formulas": r'"$x$ " * 49_000',
    "a few thousand formulas": r'"$x$ " * 4_500',
    "a long formula": r'"$" + "x+" * 95_000 + "x$"',
    "sizes": r'r"$\rule{100000em}{100000em}$ $" + r"\Huge" * 400 + r" x$ $\text{\hspace{9999in}}$"',
    "nested": r'"$" + r"\frac{1}{" * 300 + "x" + "}" * 300 + "$ $" + "{" * 1_000 + "x" + "}" * 1_000 + "$"',
    "styles": r'"$" + r"\tiny " * 1_000 + "x$ $" + r"\color{red}" * 400 + "x$"',
}
CELLS = [
    "%load_ext fal_notebook\nfrom fal_notebook import PromptWidget\n"
    f"texts = {{{', '.join(f'{name!r}: {text}' for name, text in TEXTS.items())}}}\nfiles = {FILES!r}",
    *(f"%falstream test/pieces/stream words={{{{texts[{name!r}]}}}}" for name in TEXTS),
    "%falstream test/failing status:=200 body={{{'images': files}}}",
    "%falstream test/pieces/stream words={{texts['two directions']}} --models a,b",
    "box = PromptWidget('test/pieces/stream', {}, 'words'); box",
]
FILES_CELL = len(TEXTS) + 1
WIDGET = len(CELLS) - 1
SETTLED = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))"
ALONE = """cell => document.querySelectorAll(".jp-Notebook .jp-Cell")
  .forEach((each, number) => { each.style.display = cell < 0 || number === cell ? "" : "none"; })"""
ASK = """code => new Promise(done => {
  const {kernel} = jupyterapp.shell.currentWidget.sessionContext.session;
  kernel.requestExecute({code}).done.then(() => done());
})"""


@pytest.fixture(scope="module")
def page(browser: Browser, lab: Server) -> Iterator[Notebook]:
    with notebook(browser, lab, CELLS, "dear.ipynb") as opened:
        opened.run(0)
        yield opened


def mark(page: Notebook) -> None:
    page.page.evaluate("() => performance.mark('watch')")


def check(tasks: dict[str, float], limit: int = LONGEST) -> None:
    print({name: round(task) for name, task in tasks.items()})  # noqa: T201 - the measurement
    assert {name: task for name, task in tasks.items() if task > limit} == {}


def test_no_answer_halts_the_page_while_it_streams(page: Notebook) -> None:
    tasks: dict[str, float] = {}
    for cell in range(1, WIDGET):
        with traced(page) as longest:
            mark(page)
            page.run(cell)
            page.output(cell).scroll_into_view_if_needed()
            page.page.evaluate(SETTLED)
        tasks[CELLS[cell]] = longest[0]
    check(tasks)
    assert page.output(FILES_CELL).locator("img").count() == 0
    expect(page.output(FILES_CELL)).to_contain_text("media[0].save(")


def test_none_halts_the_page_when_the_notebook_is_opened_again(page: Notebook) -> None:
    page.save()
    page.open()
    with traced(page) as longest:
        mark(page)
        for cell in range(1, WIDGET):
            page.output(cell).scroll_into_view_if_needed()
            page.page.evaluate(SETTLED)
    check({"opened again": longest[0]})


def test_none_halts_the_page_when_it_is_printed(page: Notebook) -> None:
    tasks: dict[str, float] = {}
    for name in ("accents", "two directions", "many scripts", "items", "a few thousand formulas"):
        page.page.evaluate(ALONE, 1 + list(TEXTS).index(name))
        with traced(page) as longest:
            mark(page)
            page.page.pdf()
        tasks[name] = longest[0]
    page.page.evaluate(ALONE, -1)
    check(tasks, PRINTED)
    check({name: tasks[name] for name in ("two directions", "many scripts")}, TURNED)


def test_no_answer_of_the_prompt_widget_halts_the_page(page: Notebook) -> None:
    box = widget(page, WIDGET)
    ended = box.locator(".fal-entry[data-end=done]")
    tasks: dict[str, float] = {}
    for count, name in enumerate(("two directions", "a few thousand formulas"), start=ended.count() + 1):
        with traced(page) as longest:
            mark(page)
            page.page.evaluate(ASK, f"box.run(texts[{name!r}])")
            expect(ended).to_have_count(count, timeout=60_000)
            page.page.evaluate(SETTLED)
        tasks[name] = longest[0]
    check(tasks)
