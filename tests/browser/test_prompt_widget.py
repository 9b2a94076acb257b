"""The prompt widget in a real page, by keyboard and mouse."""

import base64
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from fal_notebook.client.known_endpoints import MODELS

from .. import endpoints
from .lab import Notebook, Server, notebook
from .test_hostile_answers import EVIL
from .test_hostile_answers import HOSTILE as CORPUS

HOSTILE = (
    '<img src=x onerror="window.hacked=1"> <script>window.hacked=1</script> [a](javascript:window.hacked=1) '
    "![p](http://127.0.0.1:9/p.png) <style>body{display:none}</style>"
)
PICTURE = f"data:image/png;base64,{base64.b64encode(endpoints.PNG).decode()}"
SVG = f"data:image/svg+xml,<svg onload='window.hacked=1'><image href='{EVIL}.svg'/></svg>"
EVENTS = [
    {"images": [{"url": PICTURE}]},
    {"images": [{"url": SVG}]},
    {"output": HOSTILE, "reasoning": HOSTILE, "partial": True},
    {"progress": 0.25, "message": "step 1 <img src=x onerror=window.hacked=1>"},
]
CELLS = [
    "from fal_notebook import PromptWidget",
    "a = PromptWidget('test/echo/stream', {'model': 'm', 'temperature': 0.5}); a",
    "b = PromptWidget('test/paced/stream', {'count': 300, 'rate': 150}); b",
    "c = PromptWidget('test/endless/stream'); c",
    "d = PromptWidget('test/late/stream'); d",
    "e = PromptWidget('test/picture'); e",
    "f = PromptWidget('test/echo/stream'); f",
    "print('1 + 1 =', 1 + 1)",
    "g = PromptWidget('fal-ai/any-llm/stream', {'temperature': 1}, base_url='ws://127.0.0.1:9'); g",
    "[entry.arguments for entry in g._conversation.entries]",
    f"j = PromptWidget('test/failing', {{'status': 422, 'body': {{'detail': {CORPUS!r}}}}}); j",
    f"k = PromptWidget('test/body', {{'content_type': 'application/json', 'text': {json.dumps([CORPUS])!r}}}); k",
    "l = PromptWidget('test/echo/stream'); l",
    f"h = PromptWidget('test/held/stream', {{'events': {EVENTS!r}}}); h",
    "b.arguments = {'count': 100_000, 'rate': 150}",
    "m = PromptWidget('test/paced/stream', {'count': 5, 'rate': 150}); display(m); import time; time.sleep(3)",
]


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "prompt.ipynb") as opened:
        opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        opened.run(0)
        yield opened


def widget(page: Notebook, cell: int) -> Locator:
    """The widget of a cell, which is run when it has not been."""
    shown = page.output(cell).locator(".fal-root")
    if not shown.count():
        page.run(cell)
    expect(shown.locator(".fal-state")).to_have_text("ready")
    return shown


def box(shown: Locator) -> Locator:
    return shown.get_by_label("Prompt", exact=True)


def button(shown: Locator, name: str) -> Locator:
    return shown.get_by_role("button", name=name, exact=True)


def ask(shown: Locator, prompt: str) -> None:
    box(shown).fill(prompt)
    box(shown).press("Control+Enter")


def test_it_connects_when_it_is_shown(page: Notebook) -> None:
    expect(widget(page, 1).get_by_label("Endpoint")).to_have_value("test/echo/stream")
    expect(widget(page, 1).get_by_label("Model")).to_have_value("m")


def test_a_prompt_is_sent_by_keyboard_and_its_answer_is_formatted(page: Notebook) -> None:
    shown = widget(page, 1)
    ask(shown, "A **bold** word")
    expect(shown.locator(".fal-answer strong")).to_have_text("bold")
    expect(shown.locator(".fal-asked")).to_have_text("A **bold** word")
    expect(box(shown)).to_have_value("")
    expect(shown.locator(".fal-status")).to_contain_text("test/echo · ")


def test_the_model_is_chosen_from_suggestions_and_sent_only_where_one_stands(page: Notebook) -> None:
    page.run(8)
    shown = page.output(8).locator(".fal-root")
    model = shown.get_by_label("Model")
    expect(model).to_have_value("")
    model.click()
    suggested = shown.locator(".fal-choice[role=option]")
    expect(suggested.first).to_be_visible()
    assert set(MODELS) <= set(suggested.all_inner_texts())
    model.press("Escape")
    expect(suggested).to_have_count(0)
    model.press("ArrowDown")
    model.press("ArrowDown")
    chosen = suggested.first.inner_text()
    model.press("Enter")
    expect(model).to_have_value(chosen)
    model.fill("a/model")
    ask(shown, "x")
    expect(shown.locator(".fal-entry[data-end=failed]")).to_have_count(1)
    model.fill("")
    expect(model).to_be_visible()
    ask(shown, "x")
    expect(shown.locator(".fal-entry[data-end=failed]")).to_have_count(2)
    sent = page.run(9)[0]["data"]["text/plain"]
    assert sent == "[{'model': 'a/model', 'temperature': 1}, {'temperature': 1}]"


def test_copy_and_delete(page: Notebook) -> None:
    shown = widget(page, 1)
    button(shown, "Copy").first.click()
    expect(shown.locator(".fal-status")).to_have_text("copied")
    assert page.page.evaluate("navigator.clipboard.readText()") == "A **bold** word "
    ask(shown, "Another **bold** word")
    expect(shown.locator(".fal-answer strong")).to_have_count(2)
    button(shown, "Delete").first.click()
    expect(shown.locator(".fal-entry")).to_have_count(1)
    button(shown, "Undo").click()
    expect(shown.locator(".fal-entry")).to_have_count(2)
    expect(box(shown)).to_be_focused()
    button(shown, "Delete").first.click()
    expect(shown.locator(".fal-entry")).to_have_count(1)


def test_a_wrong_argument_is_marked_where_it_is_and_the_prompt_stays(page: Notebook) -> None:
    shown = widget(page, 1)
    shown.locator(".fal-arguments > summary").click()
    value = shown.get_by_label("Value", exact=True)
    value.fill("0.5.5")
    expect(shown.locator(".fal-row .fal-problem")).to_contain_text("not JSON")
    ask(shown, "kept")
    expect(shown.locator(".fal-row .fal-problem")).to_contain_text("temperature is not JSON")
    expect(value).to_be_focused()
    expect(value).to_have_attribute("aria-invalid", "true")
    expect(box(shown)).to_have_value("kept")
    value.fill("0.75")
    box(shown).press("Control+Enter")
    expect(shown.locator(".fal-entry")).to_have_count(2)
    expect(box(shown)).to_have_value("")


def test_words_appear_while_they_come_and_another_cell_runs_meanwhile(page: Notebook) -> None:
    shown = widget(page, 2)
    ask(shown, "count")
    expect(shown.locator(".fal-answer")).to_contain_text("0000 0001")
    assert "0299" not in shown.inner_text()
    expect(shown.locator(".fal-state")).to_have_text("streaming…")
    page.run(7)
    expect(page.output(7)).to_contain_text("1 + 1 = 2")
    expect(shown.locator(".fal-state")).to_have_text("streaming…")
    expect(shown.locator(".fal-answer")).to_contain_text("0298 0299")
    expect(shown.locator(".fal-state")).to_have_text("ready")


def test_what_is_asked_before_the_page_has_heard_of_the_arguments_is_sent_with_them(
    page: Notebook,
) -> None:
    page.start(len(CELLS) - 1)
    shown = page.output(len(CELLS) - 1).locator(".fal-root")
    ask(shown, "count")
    expect(shown.locator(".fal-answer")).to_contain_text("0003 0004")


@pytest.mark.parametrize("way", ["click", "Escape"])
def test_stop_keeps_the_words_and_says_so(page: Notebook, way: str) -> None:
    shown = widget(page, 3)
    ask(shown, "x")
    expect(shown.locator(".fal-entry.fal-streaming")).to_contain_text("first words")
    if way == "click":
        button(shown, "Stop").click()
    else:
        box(shown).press("Escape")
    expect(shown.locator(".fal-entry.fal-streaming")).to_have_count(0)
    expect(shown.locator(".fal-answer").last).to_contain_text("first words")
    expect(shown.locator(".fal-answer").last).to_contain_text("stopped")
    expect(shown.locator(".fal-state")).to_have_text("ready")


def test_an_error_is_shown_with_the_partial_answer(page: Notebook) -> None:
    shown = widget(page, 4)
    ask(shown, "x")
    expect(shown.locator(".fal-answer")).to_contain_text("ModelError")
    expect(shown.locator(".fal-answer")).to_contain_text("half an")


def test_a_picture_is_shown(page: Notebook) -> None:
    shown = widget(page, 5)
    ask(shown, "x")
    expect(shown.locator(".fal-answer img")).to_have_js_property("naturalWidth", 1)


def test_a_preview_and_progress_are_shown_while_it_streams_and_nothing_runs(page: Notebook) -> None:
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    shown = widget(page, 13)
    ask(shown, HOSTILE)
    expect(shown.locator("progress")).to_have_js_property("value", 0.25)
    expect(shown.locator(".fal-work")).to_contain_text("step 1 <img")
    picture = shown.locator("img.fal-preview")
    expect(picture).to_have_attribute("src", re.compile("^blob:"))
    expect(picture).to_have_js_property("naturalWidth", 1)
    button(shown, "Stop").click()
    expect(shown.locator(".fal-entry[data-end=stopped]")).to_have_count(1)
    expect(shown.locator(".fal-work, .fal-preview")).to_have_count(0)
    assert page.page.evaluate("window.hacked") is None
    assert not [url for url in asked if ":9/" in url or url.endswith("/x")]


def test_formulas_are_typeset_when_the_answer_has_ended(page: Notebook) -> None:
    shown = widget(page, 6)
    ask(shown, "so $x^2$ and $\\href{javascript:window.hacked=1}{y}$")
    expect(shown.locator(".fal-answer mjx-container")).to_have_count(1)
    assert shown.locator(".fal-answer a").count() == 0
    button(shown, "Clear").click()


def test_a_hostile_answer_stays_inert(page: Notebook) -> None:
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    shown = widget(page, 6)
    ask(shown, HOSTILE)
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
    assert shown.locator("img, script, iframe, .fal-answer style").count() == 0
    assert page.page.evaluate("window.hacked") is None
    assert not [url for url in asked if ":9/" in url or url.endswith("/x")]


@pytest.mark.parametrize("cell", [10, 11, 12], ids=["error", "JSON", "Markdown"])
def test_the_hostile_corpus_stays_inert_on_each_path(page: Notebook, cell: int) -> None:
    asked: list[str] = []
    page.page.on("request", lambda request: asked.append(request.url))
    shown = widget(page, cell)
    ask(shown, CORPUS)
    expect(shown.locator(".fal-entry[data-end]")).to_have_count(1)
    living = shown.locator(".fal-log :is(script, iframe, form, style, input, svg, img[src*=evil])")
    assert living.evaluate_all("found => found.map(each => each.outerHTML)") == []
    assert page.page.evaluate("window.owned") is None
    assert not [url for url in asked if EVIL in url]


def test_the_keyboard_alone_is_enough(page: Notebook) -> None:
    shown = widget(page, 6)
    shown.get_by_label("Endpoint").focus()
    for _ in range(20):
        page.page.keyboard.press("Tab")
        if box(shown).evaluate("element => element === document.activeElement"):
            break
    page.page.keyboard.type("by keys")
    page.page.keyboard.press("Tab")
    expect(button(shown, "Send")).to_be_focused()
    page.page.keyboard.press("Enter")
    expect(shown.locator(".fal-answer").last).to_contain_text("by keys")
    expect(box(shown)).to_be_focused()


def test_the_reader_who_scrolled_up_stays_where_he_is(page: Notebook) -> None:
    shown = widget(page, 2)
    page.run(len(CELLS) - 2)
    log, words = shown.locator(".fal-log"), shown.locator(".fal-entry.fal-streaming .fal-answer")
    ask(shown, "count")
    expect(words).to_contain_text("0100")
    log.evaluate("element => { element.scrollTop = 0; }")
    last = int(words.inner_text().split()[-1])
    expect(words).to_contain_text(f"{last + 100:04d}")
    assert log.evaluate("element => element.scrollTop") == 0
    button(shown, "Stop").click()
    expect(shown.locator(".fal-entry.fal-streaming")).to_have_count(0)


def test_the_live_widget_hides_its_transcript(page: Notebook) -> None:
    pieces = page.output(1).locator("details[data-fal-transcript]").all()
    assert pieces
    for piece in pieces:
        expect(piece).to_be_hidden()


def test_the_page_has_no_errors_but_those_of_an_empty_notebook(page: Notebook, usual_errors: set[str]) -> None:
    assert set(page.errors) <= usual_errors


def test_it_follows_the_theme(page: Notebook) -> None:
    shown = page.output(6).locator(".fal-root")
    page.theme("JupyterLab Light")  # another page may have changed the server's
    light = shown.evaluate("element => getComputedStyle(element).backgroundColor")
    page.theme("JupyterLab Dark")
    expect(shown).not_to_have_css("background-color", light)


def test_after_save_and_reopen_the_conversation_is_there(page: Notebook) -> None:
    saved = page.save()
    transcripts = [output for cell in saved.cells for output in cell.outputs if "Transcript" in str(output)]
    assert all(set(output.data) == {"text/plain", "text/html"} for output in transcripts)
    answers = [(1, "bold"), (3, "first words"), (4, "half an"), (6, "by keys")]
    for cell, words in answers:
        assert words in "".join(output.data.get("text/html", "") for output in saved.cells[cell].outputs)
    page.open()  # while the kernel lives, the widget comes back with its conversation
    expect(page.output(1).locator(".fal-answer strong").first).to_have_text("bold")
    page.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.open()
    for cell, words in answers:
        transcript = page.output(cell).locator("details[data-fal-transcript]").filter(has_text=words).first
        page.output(cell).evaluate("element => element.scrollIntoView()")  # what is out of sight is not laid out
        expect(transcript).to_be_visible()
        expect(transcript).not_to_contain_text("Error displaying widget")
