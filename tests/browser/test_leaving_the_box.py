"""What leaves the prompt widget in a real page: the conversation as a file, and a block of code as a new cell."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, button, widget

CODE = "words\n\n```python\nx = 1\nx + 1\n```\n\n```sh\nrm -r x\n```"
CELLS = [
    "from fal_notebook import PromptWidget; from ipywidgets import VBox",
    "a = PromptWidget('test/chat/completions'); a",
    f"b = PromptWidget('test/body', {{'text': {CODE!r}, 'content_type': 'text/markdown'}}); VBox([b])",
    "'the last cell'",
]


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "leaving.ipynb") as opened:
        opened.run(0)
        yield opened


def test_the_conversation_is_saved_as_a_file_and_what_it_used_is_told(page: Notebook) -> None:
    shown = widget(page, 1)
    expect(button(shown, "Export")).to_be_disabled()
    for count, prompt in enumerate(("I am Ada.", "Who am I?"), start=1):
        ask(shown, prompt)
        expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(count)
    expect(shown.locator(".fal-total")).to_have_text("14 tokens · $0.5 in all")
    for kind in ("Markdown", "JSON"):
        button(shown, "Export").click()
        with page.page.expect_download() as download:
            button(shown, kind).click()
        text = Path(download.value.path()).read_text("utf-8")
        if kind == "JSON":
            assert [message["role"] for message in json.loads(text)] == ["user", "assistant"] * 2
        else:
            assert text.endswith("## You\n\nWho am I?\n\n## test/chat/completions\n\nI know Ada\n")
    expect(button(shown, "Export")).to_be_focused()
    button(shown, "Export").press("Enter")
    page.page.keyboard.press("Escape")
    expect(button(shown, "Markdown")).to_be_hidden()


def test_a_block_of_code_becomes_a_new_cell_below_that_is_not_run(page: Notebook) -> None:
    shown = widget(page, 2)
    ask(shown, "code")
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
    python, shell = shown.locator(".fal-code").all()
    shell.hover()
    python.hover()
    expect(button(shell, "New cell below")).to_have_count(0)  # which the kernel would not understand
    button(python, "New cell below").click()
    expect(shown.locator(".fal-status")).to_have_text("a new cell has the code")
    cells = page.save().cells
    assert [cell.source for cell in cells[2:]] == [CELLS[2], "x = 1\nx + 1", CELLS[3]]
    assert cells[3].execution_count is None
    assert page.run(3)[0]["data"]["text/plain"] == "2"


def test_the_buttons_of_code_can_be_reached_by_keyboard(page: Notebook) -> None:
    shown = page.output(2).locator(".fal-root")
    shown.locator(".fal-code pre").first.focus()
    page.page.keyboard.press("Tab")
    labels = [page.page.evaluate("document.activeElement.textContent")]
    page.page.keyboard.press("Tab")
    labels.append(page.page.evaluate("document.activeElement.textContent"))
    assert sorted(labels) == ["Copy", "New cell below"]
