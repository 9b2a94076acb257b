"""A long conversation in the prompt widget of a real page: it opens at its end, and earlier turns come as they may."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, box, widget
from .watch import WATCH, traced

pytestmark = pytest.mark.front_end  # for what it takes

COUNT = 60
CELLS = [
    "from fal_notebook import PromptWidget",
    "words = '\\n\\n'.join([f'# Heading\\n\\n{\"some **bold** words \" * 30}\\n\\n- one\\n- two'] * 4)\n"
    "roles = {'user': 'Question?', 'assistant': words}\n"
    f"messages = [{{'role': role, 'content': said}} for _ in range({COUNT}) for role, said in roles.items()]\n"
    "a = PromptWidget('test/chat/completions', messages=messages); a",
    "b = PromptWidget('test/chat/completions', messages=messages); b",
    "import time; time.sleep(3)",
]
# Scrolls up a log step by step; in each it notes by how much what is in sight has moved against that.
_SCROLL_UP = """
log => new Promise(resolve => {
  const jumps = [];
  const step = () => {
    const top = log.getBoundingClientRect().top;
    const entry = [...log.querySelectorAll(".fal-entry")].find(each => each.getBoundingClientRect().bottom > top + 50);
    const mark = [...entry.querySelectorAll("h1, p, li")].find(each => each.getBoundingClientRect().top > top);
    const before = mark?.getBoundingClientRect().top, from = log.scrollTop;
    log.scrollTop -= 250;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (mark && from > 500) jumps.push(Math.abs(mark.getBoundingClientRect().top - before - 250));
      if (log.scrollTop > 0) step();
      else resolve(jumps);
    }));
  };
  step();
})
"""
_FLING = """
log => new Promise(resolve => {
  performance.mark("watch");
  const step = () => {
    log.scrollTop -= 400;
    if (log.scrollTop > 0) requestAnimationFrame(step);
    else resolve();
  };
  step();
})
"""


@pytest.fixture(scope="module")
def shown(browser: Browser, lab: Server) -> Iterator[tuple[Notebook, Locator]]:
    with notebook(browser, lab, CELLS, "long.ipynb", WATCH) as opened:
        opened.run(0)
        yield opened, widget(opened, 1)


def from_end(log: Locator) -> float:
    """How many pixels the reader is from the end of the log."""
    distance: float = log.evaluate("each => each.scrollHeight - each.scrollTop - each.clientHeight")
    return distance


def at_end(page: Notebook, box: int = 0) -> None:
    page.page.wait_for_function(
        "box => { const log = document.querySelectorAll('.fal-log')[box];"
        " return log.scrollTop > 0 && log.scrollHeight - log.scrollTop - log.clientHeight < 2; }",
        arg=box,
    )


def test_it_opens_at_its_end_and_lays_out_only_what_is_in_sight(shown: tuple[Notebook, Locator]) -> None:
    page, opened = shown
    expect(opened.locator(".fal-entry")).to_have_count(COUNT)
    at_end(page)
    is_laid_out = "each => each.querySelector('.fal-answer').checkVisibility({ contentVisibilityAuto: true })"
    count = opened.locator(".fal-entry").evaluate_all(f"all => all.filter({is_laid_out}).length")
    assert 0 < count < COUNT


@pytest.mark.parametrize("size", [(900, 600), (1100, 1000)], ids=["smaller", "larger"])
def test_a_log_that_was_at_its_end_stays_there_when_the_window_changes(
    shown: tuple[Notebook, Locator], size: tuple[int, int]
) -> None:
    page, _ = shown
    at_end(page)
    page.page.set_viewport_size({"width": size[0], "height": size[1]})
    page.page.wait_for_timeout(100)  # for the layout of the new size
    at_end(page)


def test_a_reader_in_its_midst_stays_there_when_the_window_changes(shown: tuple[Notebook, Locator]) -> None:
    page, opened = shown
    log = opened.locator(".fal-log")
    log.evaluate("each => { each.scrollTop = 0; }")
    page.page.wait_for_timeout(100)
    page.page.set_viewport_size({"width": 1100, "height": 800})
    page.page.wait_for_timeout(100)
    assert from_end(log) > 1_000
    ask(opened, "I am Ada.")
    expect(opened.locator(".fal-entry[data-end]")).to_have_count(COUNT + 1)  # refused as too long
    at_end(page)
    expect(box(opened)).to_be_focused()


def test_it_is_whole_in_the_notebook_once_whenever_it_is_saved(shown: tuple[Notebook, Locator]) -> None:
    page, _ = shown
    page.run(2)
    at_once = str(page.outputs(2))
    second = page.output(2).locator(".fal-root")
    expect(second.locator(".fal-entry").last).to_be_visible()
    expect(second.locator(".fal-entry")).to_have_count(COUNT)
    page.run(3)  # while it runs, the transcript is formatted
    page.page.wait_for_function(
        "wanted => JSON.stringify(jupyterapp.shell.currentWidget.content.widgets[2].model.outputs.toJSON())"
        ".split('<h1 ').length === wanted + 1",
        arg=4 * COUNT,
    )
    outputs = page.save().cells[2].outputs
    html = "".join(each.data.get("text/html", "") for each in outputs)
    for saved in (at_once, html):
        assert saved.count("Question?") >= COUNT
    assert html.count("<h1 ") == 4 * COUNT
    assert html.count("Question?") == COUNT
    expect(page.output(2).locator("[data-fal-transcript]").first).to_be_hidden()


def test_scrolling_up_neither_jumps_nor_halts(shown: tuple[Notebook, Locator]) -> None:
    page, _ = shown
    page.run(2)
    second = page.output(2).locator(".fal-root")
    expect(second.locator(".fal-entry")).to_have_count(COUNT)
    log = second.locator(".fal-log")
    jumps = log.evaluate(_SCROLL_UP)
    assert max(jumps) < 3
    log.evaluate("each => { each.scrollTop = each.scrollHeight; }")
    with traced(page) as longest:
        log.evaluate(_FLING)
    assert longest[0] < 50


def test_what_is_scrolled_to_comes_before_all_others_even_while_a_cell_runs(shown: tuple[Notebook, Locator]) -> None:
    page, _ = shown
    page.run(2)
    second = page.output(2).locator(".fal-root")
    at_end(page, 1)
    page.start(3)
    expect(page.page.get_by_text("[*]:")).to_be_visible()
    second.locator(".fal-log").scroll_into_view_if_needed()  # out of sight, nothing of a cell can be scrolled
    second.locator(".fal-log").evaluate("each => { each.scrollTop = 0; }")
    expect(second.locator(".fal-entry, .fal-place").first).to_have_class("fal-entry")
    top = "each.getBoundingClientRect().top"
    place = f"each => [each.scrollTop, each.querySelector('h1').getBoundingClientRect().top - {top}]"
    scrolled, below = second.locator(".fal-log").evaluate(place)
    assert scrolled == 0
    assert 0 < below < 200
    page.wait(3)
    expect(second.locator(".fal-entry")).to_have_count(COUNT)
