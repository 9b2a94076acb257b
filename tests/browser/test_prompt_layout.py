"""The prompt widget on small screens: the input and its button stay in view while the log fills."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook
from .test_prompt_widget import box, button, widget

WORDS = "\n\n".join(f"paragraph {number}" for number in range(60))
CELLS = [
    "from fal_notebook import PromptWidget",
    f"a = PromptWidget('test/paced/stream', {{'text': {WORDS!r}, 'rate': 300}}); a",
    "b = PromptWidget('test/endless/stream'); b",
]
SIZES = {"a laptop": (1280, 800), "a narrow window": (700, 800), "200 % zoom": (640, 400)}


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "layout.ipynb") as opened:
        opened.run(0)
        yield opened


@pytest.mark.parametrize("size", SIZES)
def test_the_input_and_its_button_are_in_view_while_the_log_fills_and_then(page: Notebook, size: str) -> None:
    shown = widget(page, 1)
    width, height = SIZES[size]
    page.page.set_viewport_size({"width": width, "height": height})
    box(shown).click()
    count = shown.locator(".fal-entry[data-end=done]").count()
    page.page.keyboard.type("count")
    page.page.keyboard.press("Enter")
    expect(shown.locator(".fal-answer").last).to_contain_text("paragraph 40")
    for each in (box(shown), shown.locator(".fal-send")):
        expect(each).to_be_in_viewport(ratio=0.99)
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(count + 1)
    for each in (box(shown), button(shown, "Send")):
        expect(each).to_be_in_viewport(ratio=0.99)
    log = shown.locator(".fal-log").bounding_box()
    assert log is not None
    assert log["height"] <= 0.45 * height + 1


def test_a_prompt_waits_and_is_withdrawn_by_keyboard(page: Notebook) -> None:
    shown = widget(page, 2)
    box(shown).click()
    page.page.keyboard.type("x")
    page.page.keyboard.press("Enter")
    expect(button(shown, "Stop")).to_be_visible()
    page.page.keyboard.type("one")
    page.page.keyboard.press("Shift+Enter")
    page.page.keyboard.type("two")
    page.page.keyboard.press("Enter")
    expect(shown.locator(".fal-waiting")).to_contain_text("one")
    expect(box(shown)).to_have_value("")
    page.page.keyboard.press("Escape")
    expect(shown.locator(".fal-entry[data-end=stopped]")).to_have_count(1)
    expect(box(shown)).to_have_value("one\ntwo")
    expect(shown.locator(".fal-waiting")).to_be_hidden()
    box(shown).fill("")
    page.page.keyboard.press("ArrowUp")
    expect(box(shown)).to_have_value("x")
