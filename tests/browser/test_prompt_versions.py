"""Versions of a turn in a real page: edit and go on, regenerate in place, retry, and walk between them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, box, button, widget

CELLS = [
    "from fal_notebook import PromptWidget",
    "a = PromptWidget('test/chat/completions'); a",
    "b = PromptWidget('test/failing', {'status': 503, 'body': {}}); b",
    "print('\\n'.join(message['content'] for message in a.chat.messages))",
]


@pytest.fixture(scope="module")
def page(browser: Browser, lab: Server) -> Iterator[Notebook]:
    with notebook(browser, lab, CELLS, "versions.ipynb") as opened:
        opened.run(0)
        yield opened


def prompts(shown: Locator) -> Locator:
    return shown.locator(".fal-asked")


def in_entry(shown: Locator, at: int, name: str) -> Locator:
    return button(shown.locator(".fal-entry").nth(at), name)


def ended(shown: Locator, count: int) -> None:
    expect(shown.locator(".fal-entry[data-end]")).to_have_count(count)
    expect(shown.locator(".fal-streaming")).to_have_count(0)


def test_an_earlier_prompt_is_edited_and_the_later_turns_come_back_with_the_version_before(page: Notebook) -> None:
    shown = widget(page, 1)
    for number, prompt in enumerate(("I am Ada.", "I am Bob.", "Who am I?"), start=1):
        ask(shown, prompt)
        ended(shown, number)
    box(shown).fill("a draft")
    in_entry(shown, 1, "Edit").click()
    editor = shown.get_by_label("Edited prompt", exact=True).locator("textarea")
    expect(editor).to_be_focused()
    expect(editor).to_have_value("I am Bob.")
    editor.press("Escape")
    expect(editor).to_have_count(0)
    expect(in_entry(shown, 1, "Edit")).to_be_focused()
    page.page.keyboard.press("Enter")
    editor.fill("I am Eve.")
    editor.press("Enter")
    ended(shown, 2)
    expect(prompts(shown)).to_have_text(["I am Ada.", "I am Eve."])
    expect(shown.locator(".fal-answer").last).to_contain_text("I know Ada Eve")
    expect(shown.locator(".fal-versions")).to_contain_text("2/2")
    expect(box(shown)).to_have_value("a draft")
    expect(box(shown)).to_be_focused()
    in_entry(shown, 1, "Older version").click()
    expect(prompts(shown)).to_have_text(["I am Ada.", "I am Bob.", "Who am I?"])
    expect(in_entry(shown, 1, "Newer version")).to_be_focused()
    said = page.run(3)[0]["text"].split("\n")[:-1]
    assert said == ["I am Ada.", "I know Ada", "I am Bob.", "I know Ada Bob", "Who am I?", "I know Ada Bob"]


def test_an_answer_is_regenerated_in_its_place(page: Notebook) -> None:
    shown = widget(page, 1)
    in_entry(shown, 2, "Regenerate").click()
    expect(in_entry(shown, 2, "Older version")).to_be_visible()
    ended(shown, 3)
    expect(shown.locator(".fal-entry").nth(2).locator(".fal-versions")).to_contain_text("2/2")
    page.page.keyboard.press("Tab")
    assert shown.locator(".fal-streaming").count() == 0


def test_a_reader_stays_where_he_is_when_he_walks(page: Notebook) -> None:
    shown = widget(page, 1)
    log = shown.locator(".fal-log")
    for count in (4, 5, 6):
        ask(shown, "I am Kim.\n" * 40)
        ended(shown, count)
    in_entry(shown, 0, "Edit").click()
    shown.get_by_label("Edited prompt", exact=True).locator("textarea").press("Enter")
    ended(shown, 1)
    in_entry(shown, 0, "Older version").click()
    ended(shown, 6)
    assert log.evaluate("each => each.scrollTop") == 0


def test_a_failure_is_retried_with_the_form_as_it_is_now(page: Notebook) -> None:
    shown = widget(page, 2)
    ask(shown, "kept")
    expect(shown.locator(".fal-entry[data-end=failed]")).to_have_count(1)
    endpoint = shown.get_by_label("Endpoint")
    endpoint.fill("test/echo/stream")
    endpoint.press("Tab")
    button(shown, "Retry").click()
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
    expect(shown.locator(".fal-entry")).to_have_count(1)
    expect(shown.locator(".fal-versions")).to_have_count(0)
    expect(shown.locator(".fal-answer")).to_contain_text("kept")


def test_after_a_reload_the_versions_are_there_and_the_transcript_has_the_shown_one(page: Notebook) -> None:
    saved = page.save()
    transcript = "".join(output.data.get("text/html", "") for output in saved.cells[1].outputs)
    assert "I am Bob." in transcript
    assert "Eve" not in transcript
    page.open()
    shown = page.output(1).locator(".fal-root")
    expect(shown.locator(".fal-versions").first).to_contain_text("1/2")
