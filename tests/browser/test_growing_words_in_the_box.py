"""Words of the prompt widget that are formatted while they stream: nothing that stands moves when the end comes.

With ``-s`` the measured values are printed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from .growing_texts import GROWING
from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, box, button
from .watch import WATCH

pytestmark = pytest.mark.front_end  # for what it takes

ROOT = Path(__file__).parents[2]
TEXTS = {
    **GROWING,
    "the README": (ROOT / "README.md").read_text(encoding="utf-8")[:16_000] + "\n\n",
}
LAST = "The last words"
LINE = 20  # pixels
AFTER = 2  # seconds
MOST = 40  # messages a second
SLOW = "Words.\n\n```python\nx = 1\n"
CELLS = [
    "from fal_notebook import PromptWidget",
    *(
        f"PromptWidget('test/paced/stream', {{'text': {text + LAST!r}, 'rate': 1000, 'after': {AFTER}}})"
        for text in TEXTS.values()
    ),
    f"PromptWidget('test/paced/stream', {{'text': {SLOW!r}, 'rate': 1000, 'after': 600}})",
]
HELD = len(CELLS) - 1
# The places of what stands in the words, as seen from their top.
PLACES = """words => {
  const top = words.getBoundingClientRect().top;
  return [...words.querySelectorAll("p, h2, li, pre, table, blockquote")].map(each => {
    const {top: from, bottom} = each.getBoundingClientRect();
    return [each.textContent.slice(0, 20), from - top, bottom - top];
  });
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "growing.ipynb", script=WATCH) as opened:
        opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        opened.run(0)
        yield opened


def shown_by(page: Notebook, cell: int) -> Locator:
    page.run(cell)
    shown = page.output(cell).locator(".fal-root")
    expect(shown.locator(".fal-state")).to_have_text("ready")
    page.page.evaluate("watch.reset()")
    return shown


def places(words: Locator) -> list[tuple[str, float, float]]:
    found: list[tuple[str, float, float]] = words.evaluate(PLACES)
    return found


@pytest.mark.front_end
@pytest.mark.parametrize("name", TEXTS)
def test_the_end_moves_nothing_and_takes_few_messages_and_bytes(page: Notebook, name: str) -> None:
    shown = shown_by(page, 1 + list(TEXTS).index(name))
    ask(shown, "x")
    words = shown.locator(".fal-words")
    expect(words).to_contain_text(LAST, timeout=60_000)
    tasks, times, size = page.page.evaluate("[watch.tasks, watch.messages, watch.bytes]")
    page.page.wait_for_timeout(700)  # a formula is typeset when the page finds time
    assert shown.locator(".fal-entry.fal-streaming").count() == 1
    before, log = places(words), shown.locator(".fal-log").evaluate("log => log.scrollHeight")
    words.evaluate("words => getSelection().selectAllChildren(words)")
    selected = page.page.evaluate("getSelection().toString()")
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
    page.page.wait_for_timeout(300)
    after, grew = places(words), shown.locator(".fal-log").evaluate("log => log.scrollHeight") - log
    text, seconds = TEXTS[name] + LAST, times[-1] - times[0]
    print(  # noqa: T201 - the measurement
        f"\n{page.server.app}, {name}: {len(times)} messages and {size:,} bytes for {len(text.encode()):,}"
        f" in {seconds:.1f} s, tasks of 50 ms or more: {[round(task) for task in tasks]};"
        f" at the end the log grew by {grew} px"
    )
    assert [each for each, _, _ in after] == [each for each, _, _ in before]
    moved = [abs(old - new) for a, b in zip(before, after, strict=True) for old, new in zip(a[1:], b[1:], strict=True)]
    assert max(moved) < 1
    assert grew < 2 * LINE  # the status line below the answer
    assert page.page.evaluate("getSelection().toString()") == selected
    assert len(times) <= MOST * (seconds + 1)


def test_code_that_is_still_open_is_monospaced_and_framed(page: Notebook) -> None:
    shown = shown_by(page, HELD)
    ask(shown, "x")
    code = shown.locator(".fal-words .fal-code code")
    expect(code).to_contain_text("x = 1")
    assert "monospace" in code.evaluate("code => getComputedStyle(code).fontFamily")


def test_the_words_so_far_are_copied_as_markdown(page: Notebook) -> None:
    shown = page.output(HELD).locator(".fal-root")
    button(shown, "Copy").click()
    expect(shown.get_by_role("status")).to_have_text("copied")
    assert page.page.evaluate("navigator.clipboard.readText()") == SLOW


def test_a_page_that_is_reloaded_in_mid_answer_shows_the_words_so_far(page: Notebook) -> None:
    page.save()
    page.open()
    shown = page.output(HELD).locator(".fal-root")
    expect(shown.locator(".fal-words .fal-code code")).to_contain_text("x = 1")
    expect(shown.locator(".fal-words p")).to_have_text("Words.")
    box(shown).press("Escape")
    expect(shown.locator(".fal-entry[data-end=stopped]")).to_have_count(1)
    expect(shown.locator(".fal-words .fal-code code")).to_have_text("x = 1")


def test_the_page_has_no_errors_but_those_of_an_empty_notebook(page: Notebook, usual_errors: set[str]) -> None:
    found: Any = set(page.errors)
    assert found <= usual_errors
