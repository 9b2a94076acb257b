"""A long conversation in the prompt widget of a real page: what is out of sight is not laid out, and the end stays."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, box, widget

pytestmark = pytest.mark.front_end  # for what it takes

COUNT = 60
CELLS = [
    "from fal_notebook import PromptWidget",
    "words = '\\n\\n'.join([f'# Heading\\n\\n{\"some **bold** words \" * 30}\\n\\n- one\\n- two'] * 4)\n"
    "roles = {'user': 'Question?', 'assistant': words}\n"
    f"messages = [{{'role': role, 'content': said}} for _ in range({COUNT}) for role, said in roles.items()]\n"
    "a = PromptWidget('test/chat/completions', messages=messages); a",
]


@pytest.fixture(scope="module")
def shown(browser: Browser, lab: Server) -> Iterator[tuple[Notebook, Locator]]:
    with notebook(browser, lab, CELLS, "long.ipynb") as opened:
        opened.run(0)
        yield opened, widget(opened, 1)


def from_end(log: Locator) -> float:
    """How many pixels the reader is from the end of the log."""
    distance: float = log.evaluate("each => each.scrollHeight - each.scrollTop - each.clientHeight")
    return distance


def at_end(page: Notebook) -> None:
    page.page.wait_for_function(
        "() => { const log = document.querySelector('.fal-log');"
        " return log.scrollHeight - log.scrollTop - log.clientHeight < 2; }"
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
