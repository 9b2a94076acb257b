"""The prompt widget within other widgets: it connects, and its conversation stays in the notebook."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, button

pytestmark = pytest.mark.front_end  # for what it takes

PLACES = {
    "VBox": "VBox([PromptWidget('test/echo/stream')])",
    "HBox in VBox": "VBox([HBox([PromptWidget('test/echo/stream')])])",
    "Tab": "Tab([PromptWidget('test/echo/stream')])",
    "Accordion": "Accordion([PromptWidget('test/echo/stream')], selected_index=0)",
    "AppLayout": "AppLayout(center=PromptWidget('test/echo/stream'))",
    "display": "display(VBox([PromptWidget('test/echo/stream')])); print('below')",
    "Output": "out = Output(); display(out)\nwith out: display(PromptWidget('test/echo/stream'))",
    "callback": (
        "out, start = Output(), Button(description='Start')\n"
        "@start.on_click\n"
        "@out.capture()\n"
        "def _(_): display(PromptWidget('test/echo/stream'))\n"
        "VBox([start, out])"
    ),
    "made elsewhere": "VBox([made])",
}
FIRST = "from ipywidgets import *\nfrom fal_notebook import PromptWidget\nmade = PromptWidget('test/echo/stream')"
ALONE = "alone = PromptWidget('test/echo/stream'); alone"
CELLS = [FIRST, *PLACES.values(), ALONE]


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "places.ipynb") as opened:
        opened.run(0)
        yield opened


def widget(page: Notebook, cell: int) -> Locator:
    shown = page.output(cell).locator(".fal-root")
    if not shown.count():
        page.run(cell)
        if "start" in CELLS[cell]:
            page.output(cell).get_by_role("button", name="Start").click()
    expect(shown.locator(".fal-state")).to_have_text("ready")
    return shown


def answer(shown: Locator, prompt: str) -> None:
    count = shown.locator(".fal-entry[data-end=done]").count()
    ask(shown, prompt)
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(count + 1)


def transcripts(page: Notebook, cell: int) -> list[str]:
    """The transcripts in a cell's outputs, as words."""
    found = [output["data"]["text/plain"] for output in page.outputs(cell) if "Transcript" in str(output)]
    return ["".join(words) for words in found]


@pytest.mark.parametrize("place", list(PLACES))
def test_it_connects_where_it_stands_and_leaves_one_transcript_there(page: Notebook, place: str) -> None:
    cell = 1 + list(PLACES).index(place)
    shown = widget(page, cell)
    answer(shown, f"first of {place}")
    answer(shown, "second")
    transcript = page.output(cell).locator("details[data-fal-transcript]")
    expect(transcript).to_have_count(1)
    expect(transcript).to_contain_text("second")
    expect(transcript).to_be_hidden()
    (words,) = transcripts(page, cell)
    assert words.startswith(f"Transcript (2 answers)\n\n> first of {place}")
    assert not [each for each in range(len(CELLS)) if each > cell and transcripts(page, each)]


def test_what_is_deleted_goes_from_the_transcript(page: Notebook) -> None:
    button(widget(page, 1), "Delete").first.click()
    expect(page.output(1).locator("details[data-fal-transcript]")).to_contain_text("1 answer")
    button(widget(page, 2), "Clear").click()
    expect(page.output(2).locator("details[data-fal-transcript]")).to_have_count(0)


def test_an_answer_after_a_reload_is_in_the_transcript_too(page: Notebook) -> None:
    alone = len(CELLS) - 1
    answer(widget(page, alone), "before")
    page.save()
    page.open()
    for cell in (alone, 1):
        page.output(cell).evaluate("element => element.scrollIntoView()")  # what is out of sight is not laid out
        expect(page.output(cell).locator(".fal-root")).to_be_visible()  # else it would be run anew
        answer(widget(page, cell), "after the reload")
        expect(page.output(cell).locator("details[data-fal-transcript]")).to_contain_text("after the reload")
        assert len(transcripts(page, cell)) == 1
    expect(page.output(alone).locator("details[data-fal-transcript]")).to_contain_text("before")


@pytest.mark.parametrize("cell", [1, len(CELLS) - 1], ids=["in a box", "alone"])
def test_long_answers_that_take_several_outputs_are_each_there_once_and_in_order(page: Notebook, cell: int) -> None:
    shown = widget(page, cell)
    for number in range(9):
        answer(shown, f"long {number} " + "words " * 1_000)
    transcript = page.output(cell).locator("details[data-fal-transcript]")
    expect(transcript.last).to_contain_text("long 8")
    expect(transcript.filter(visible=True)).to_have_count(0)
    heights = page.output(cell).locator(".jp-OutputArea-child:has(> * > [data-fal-transcript])")
    assert heights.evaluate_all("found => found.reduce((sum, each) => sum + each.offsetHeight, 0)") == 0
    assert 1 < len(transcripts(page, cell)) < 7
    asked = re.findall(r"^> long (\d)", "\n".join(transcripts(page, cell)), re.MULTILINE)
    assert asked == [str(number) for number in range(9)]


def test_after_save_and_reopen_the_conversations_are_there(page: Notebook) -> None:
    page.save()
    page.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.open()
    for cell in (1, 3, 4, 5, 6, 7, 8, 9):
        page.output(cell).evaluate("element => element.scrollIntoView()")
        transcript = page.output(cell).locator("details[data-fal-transcript]")
        expect(transcript.filter(has_text="second")).to_be_visible()
