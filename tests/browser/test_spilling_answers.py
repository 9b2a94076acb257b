"""Answers that try to draw over the rest of a real page stay within their output."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .lab import Notebook, Server, notebook
from .test_hostile_answers import HOSTILE
from .test_prompt_widget import ask, widget

pytestmark = pytest.mark.front_end  # for what it takes

SPILLING = r"""
<div style="position:absolute;top:-500px;left:-500px;width:3000px;height:3000px;z-index:2147483647">over</div>

<div style="margin:-500px 0 0 -500px;padding:500px">over</div> <p style="transform:translate(-500px,-500px) scale(9)">x

| <span style="position:relative;top:-300px;z-index:9999">over</span> |
|:--------------------------------------------------------------------|
| <div style="float:left;margin-left:-900px">over</div>               |

$\kern-500px\rule{900px}{20px}$ $\hspace{-700px}\text{over the page}$ $\mspace{-2000mu}\text{over}$

$\rule[200px]{900px}{200px}$ $\raise 300px{\rule{300px}{20px}}$ $\lower 300px{\rule{300px}{20px}}$

$\llap{\rule{900px}{20px}}$ $\smash{\rule[-300px]{20px}{900px}}$ $\rlap{\rule{3000px}{20px}}$

$$\begin{array}{c}\\[-600px]\rule{900px}{50px}\end{array}$$

the last words
"""
OVER = "position:relative;top:-60px;height:50px;z-index:9;background:red"
CELLS = [
    f"%load_ext fal_notebook\nfrom fal_notebook import PromptWidget\nspilling = {{'prompt': {SPILLING!r}}}",
    "print('above')",
    "%falstream test/echo/stream --input spilling",
    "%falstream test/echo/stream --input spilling --models a,b",
    "%falstream test/echo/stream --input spilling -b",
    "PromptWidget('test/echo/stream')",
    "print('below')",
    f"""from IPython.display import HTML
HTML('<p style="position:fixed;inset:0;z-index:9">over everything</p><p style="{OVER}">over what is above</p>')""",
]
ALONE, COLUMNS, BEHIND, WIDGET, OVERLAY = 2, 3, 4, 5, 7
# Finds the parts of a box that a click beside the box would hit.
SPILT = """box => {
  const {left, top, right, bottom} = box.getBoundingClientRect();
  const hit = new Set();
  for (let x = 1; x < innerWidth; x += 6) for (let y = 1; y < innerHeight; y += 6) {
    if (left - 1 <= x && x <= right + 1 && top - 1 <= y && y <= bottom + 1) continue;
    for (const each of document.elementsFromPoint(x, y)) if (each !== box && box.contains(each)) hit.add(each);
  }
  return [...hit].map(each => each.outerHTML.slice(0, 200));
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "spilling.ipynb") as opened:
        for cell in (0, 1, 6):
            opened.run(cell)
        yield opened


def spilt(box: Locator) -> list[str]:
    """The parts of a box that are drawn outside of it."""
    box.evaluate("box => box.scrollIntoView({block: 'center'})")
    box.page.wait_for_function("box => box.getBoundingClientRect().height > 0", arg=box.element_handle())
    found: list[str] = box.evaluate(SPILT)
    return found


@pytest.mark.parametrize("cell", [ALONE, COLUMNS, BEHIND], ids=["alone", "side by side", "in the background"])
def test_an_answer_draws_nothing_beside_its_output(page: Notebook, cell: int) -> None:
    page.run(cell)
    output = page.output(cell)
    expect(output).to_contain_text("the last words")
    expect(output.locator("mjx-container").first).to_be_visible()
    assert spilt(output) == []


def test_an_answer_of_the_prompt_widget_draws_nothing_beside_the_conversation(page: Notebook) -> None:
    shown = widget(page, WIDGET)
    for count, words in enumerate((SPILLING, HOSTILE), start=1):
        ask(shown, words)
        expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(count)
        expect(shown.locator(".fal-answer mjx-container").first).to_be_visible()
        assert spilt(shown.locator(".fal-log")) == []
    assert spilt(shown.locator(".fal-answer").first) == []


def test_columns_draw_nothing_over_each_other(page: Notebook) -> None:
    for column in page.output(COLUMNS).locator("section").all():
        assert spilt(column) == []


def test_after_save_and_reopen_answers_still_draw_nothing_beside_their_outputs(page: Notebook) -> None:
    page.save()
    page.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.open()
    for cell in (ALONE, COLUMNS, BEHIND, WIDGET):
        expect(page.output(cell)).to_contain_text("the last words")
        assert spilt(page.output(cell)) == []
    first, second = page.output(WIDGET).locator("details[data-fal-transcript] > div").all()
    expect(first.locator("mjx-container").first).to_be_visible()
    expect(second).to_contain_text("[script]")
    assert spilt(first) == []


def test_what_is_drawn_beside_an_output_would_be_noticed(page: Notebook) -> None:
    page.run(OVERLAY)
    assert any("over " in each for each in spilt(page.output(OVERLAY)))
