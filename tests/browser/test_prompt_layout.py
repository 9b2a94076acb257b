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
    "c = PromptWidget('fal-ai/any-llm/stream', {'temperature': 1}, base_url='ws://127.0.0.1:9', messages=["
    "{'role': role, 'content': f'{role} {n}'} for n in range(3) for role in ('user', 'assistant')]); c",
]
NAME = """
(() => {
  const at = document.activeElement;
  const label = at.labels?.[0]?.firstChild.textContent;
  return at.getAttribute("aria-label") ?? label ?? at.textContent.replace(/ \\(.*/, "");
})()
"""
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
        expect(each).to_be_in_viewport(ratio=0.95)
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(count + 1)
    for each in (box(shown), button(shown, "Send")):
        expect(each).to_be_in_viewport(ratio=0.95)
    log = shown.locator(".fal-log").bounding_box()
    assert log is not None
    assert log["height"] <= 0.45 * height + 1


def test_a_log_at_its_end_stays_there_when_the_window_shrinks(page: Notebook) -> None:
    log = page.output(1).locator(".fal-log")
    page.page.set_viewport_size({"width": 1280, "height": 800})
    left = "log => log.scrollHeight - log.scrollTop - log.clientHeight"
    log.evaluate("log => { log.scrollTop = log.scrollHeight; }")
    page.page.set_viewport_size({"width": 700, "height": 500})
    expect(log).to_have_css("max-height", "120px")
    page.page.wait_for_function(
        "log => log.scrollHeight - log.scrollTop - log.clientHeight < 2", arg=log.element_handle()
    )
    log.evaluate("log => { log.scrollTop = 0; }")
    page.page.set_viewport_size({"width": 1280, "height": 800})
    assert log.evaluate(left) > 100


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


def test_tab_goes_from_the_endpoint_over_the_log_to_the_prompt_with_one_stop_for_all_answers(page: Notebook) -> None:
    page.page.set_viewport_size({"width": 1280, "height": 800})
    page.run(3)
    shown = page.output(3).locator(".fal-root")
    expect(shown.locator(".fal-entry")).to_have_count(3)
    shown.get_by_label("Endpoint").focus()
    stops = []
    for _ in range(6):
        page.page.keyboard.press("Tab")
        stops.append(page.page.evaluate(NAME))
    newest = shown.locator(".fal-entry").last.get_by_role("button").first.inner_text()
    assert stops == ["Model", "Arguments", "Conversation", newest, "Prompt", "Send"]


def test_arrow_keys_move_among_the_buttons_of_answers(page: Notebook) -> None:
    shown = page.output(3).locator(".fal-root")
    buttons = [each.get_by_role("toolbar").get_by_role("button") for each in shown.locator(".fal-entry").all()]
    buttons[2].first.focus()
    page.page.keyboard.press("ArrowRight")
    expect(buttons[2].nth(1)).to_be_focused()
    page.page.keyboard.press("End")
    expect(buttons[2].last).to_be_focused()
    page.page.keyboard.press("ArrowRight")
    expect(buttons[2].first).to_be_focused()
    page.page.keyboard.press("ArrowUp")
    expect(buttons[1].first).to_be_focused()
    page.page.keyboard.press("Tab")
    expect(box(shown)).to_be_focused()
    page.page.keyboard.press("Shift+Tab")
    expect(buttons[1].first).to_be_focused()


def test_tab_stops_at_the_newest_answer_when_another_one_has_come(page: Notebook) -> None:
    shown = page.output(3).locator(".fal-root")
    shown.locator(".fal-entry").first.get_by_role("button").first.focus()
    box(shown).fill("x")
    box(shown).press("Enter")  # nothing listens there
    expect(shown.locator(".fal-entry")).to_have_count(4)
    expect(shown.locator(".fal-streaming")).to_have_count(0)
    box(shown).press("Shift+Tab")
    expect(shown.locator(".fal-entry").last.get_by_role("button").first).to_be_focused()


def test_in_forced_colours_and_with_reduced_motion_everything_is_told_apart(page: Notebook) -> None:
    shown = page.output(3).locator(".fal-root")
    page.page.emulate_media(forced_colors="active", reduced_motion="reduce")
    try:
        for part in (".fal-asked", ".fal-light", ".fal-log", ".fal-send", ".fal-prompt"):
            expect(shown.locator(part).first).to_have_css("border-top-style", "solid")
        moving = "all => all.some(each => getComputedStyle(each).animationName !== 'none')"
        assert not shown.locator("*").evaluate_all(moving)
    finally:
        page.page.emulate_media(forced_colors="none", reduced_motion="no-preference")


@pytest.mark.parametrize("size", SIZES)
def test_with_the_arguments_open_the_input_and_its_button_are_in_view(page: Notebook, size: str) -> None:
    shown = page.output(3).locator(".fal-root")
    width, height = SIZES[size]
    page.page.set_viewport_size({"width": width, "height": height})
    if shown.locator(".fal-arguments[open]").count() == 0:
        shown.locator(".fal-arguments > summary").click()
    for _ in range(3):
        button(shown, "Add argument").click()
    box(shown).click()
    for each in (box(shown), button(shown, "Send")):
        expect(each).to_be_in_viewport(ratio=0.95)
    arguments = shown.locator(".fal-arguments").bounding_box()
    assert arguments is not None
    assert arguments["height"] <= 0.31 * height


def test_a_box_whose_kernel_was_restarted_says_so_and_keeps_the_prompt(page: Notebook) -> None:
    shown = page.output(3).locator(".fal-root")
    box(shown).fill("a draft")
    page.restart()
    expect(shown.locator(".fal-state")).to_have_text("offline")
    expect(shown).to_contain_text("the kernel was restarted: run the cell of this box again")
    box(shown).press("Enter")
    expect(box(shown)).to_have_value("a draft")
