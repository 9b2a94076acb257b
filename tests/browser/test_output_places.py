"""Answers of every kind arrive and stay in every place where an Output widget can be."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from fal_notebook.display.outputs import UNFINISHED

from .lab import Notebook, Server, notebook

pytestmark = pytest.mark.front_end  # for what it takes
SETUP = """
%load_ext fal_notebook
import fal_notebook
from IPython.display import display
from ipywidgets import *

def ask(line):
    get_ipython().run_line_magic("falstream", line)

def answers(*_, **__):
    ask("test/paced/stream prompt=x count:=32 rate:=20 -b")
    ask("test/paced/stream prompt=x count:=30 rate:=60")
    ask("test/echo/stream prompt=whole")
    ask("test/paced/stream prompt=x count:=31 rate:=60 --models a,b")
    ask("test/tone/stream prompt=x seconds:=1 speed:=5 --play")
    fal_notebook.AudioPlayer.play(fal_notebook.stream("test/tone/stream", seconds=1, speed=5))
    display(fal_notebook.stream("test/echo/stream", prompt="late").result())
    print("printed")

start = Button(description="Start")
out, other = Output(), Output()
"""
PLACES = {
    "with": "display(out)\nwith out: answers()",
    "capture": "display(out)\nout.capture()(answers)()",
    "capture that clears": "display(out)\nwith out: print('old')\nout.capture(clear_output=True, wait=True)(answers)()",
    "cleared before": "display(out)\nwith out:\n    print('old')\n    out.clear_output(wait=True)\n    answers()",
    "VBox": "display(VBox([out]))\nwith out: answers()",
    "Tab": "display(Tab([Label('first'), VBox([out])]))\nwith out: answers()",
    "nested": "display(out)\nwith out:\n    display(other)\n    with other: answers()",
    "displayed later": "with out: answers()\nout",
    "displayed twice": "display(out)\nwith out: answers()\nout",
    "interact": "interact(answers, n=(0, 3));",
    "interactive_output": "n = IntSlider()\ndisplay(n, interactive_output(answers, {'n': n}))",
    "interact_manual": "interact_manual(answers, n=(0, 3));",
    "callback": "display(start, out)\nstart.on_click(out.capture()(answers))",
    "callback with": "display(start, out)\n@start.on_click\ndef _(_):\n    with out: answers()",
}
NUMBERS = {place: number for number, place in enumerate(PLACES, start=1)}
ERROR, INTERRUPT, RELOAD = range(len(PLACES) + 1, len(PLACES) + 4)
OTHERS = [
    "display(out)\nwith out: ask('test/late/stream prompt=x')",
    "display(out)\nwith out: ask('test/endless/stream prompt=x')",
    "display(out)\nwith out: ask('test/paced/stream prompt=x count:=100 rate:=20')",
]
FRESH = "start, out, other = Button(description='Start'), Output(), Output()\n"


@pytest.fixture(scope="module")
def page(browser: Browser, lab: Server) -> Iterator[Notebook]:
    cells = [SETUP, *(FRESH + cell for cell in [*PLACES.values(), *OTHERS])]
    with notebook(browser, lab, cells, "outputs.ipynb") as opened:
        opened.run(0)
        yield opened


def test_a_page_that_comes_back_in_mid_stream_shows_the_end_and_those_before(page: Notebook) -> None:
    page.run(NUMBERS["interact"])
    has_them_all(page.output(NUMBERS["interact"]))
    page.start(RELOAD)
    expect(page.output(RELOAD)).to_contain_text("0020")
    page.save()
    page.open()
    page.output(RELOAD).evaluate("element => element.scrollIntoView()")
    expect(page.output(RELOAD)).to_contain_text(re.compile(r"0099\s+(?:Copy\s+)?test/paced · "))
    page.output(NUMBERS["interact"]).evaluate("element => element.scrollIntoView()")
    has_them_all(page.output(NUMBERS["interact"]))


@pytest.mark.parametrize("place", list(PLACES))
def test_every_kind_of_answer_arrives(place: str, page: Notebook) -> None:
    page.run(NUMBERS[place])
    shown = page.output(NUMBERS[place])
    if "callback" in place or "manual" in place:
        shown.get_by_role("button").click()
    if place == "Tab":
        shown.get_by_role("tab").last.click()
    has_them_all(shown)


def test_an_error_and_an_interrupt_leave_what_had_come(page: Notebook) -> None:
    page.run(ERROR)
    expect(page.output(ERROR)).to_contain_text(
        re.compile(r"half an\s+(?:Copy\s+)?failed · test/late · .*out\s+of\s+tokens", re.DOTALL)
    )
    page.start(INTERRUPT)
    expect(page.output(INTERRUPT)).to_contain_text("first words")
    page.command("notebook:interrupt-kernel")
    expect(page.output(INTERRUPT)).to_contain_text(
        re.compile(r"first words\s+(?:Copy\s+)?stopped · test/endless · .*KeyboardInterrupt: stopped after", re.DOTALL)
    )


def has_them_all(shown: Locator) -> None:
    for last in ("0029", "whole", "late", "0031"):
        expect(shown).to_contain_text(re.compile(rf"{last}\s+(?:Copy\s+)?test/\w+ · "))
    expect(shown).to_contain_text("printed")
    for number in range(2):
        expect(shown.locator("section").nth(number)).to_contain_text(re.compile(r"0030\s+(?:Copy\s+)?test/paced · "))
        expect(shown.locator("audio").nth(number)).to_have_attribute("src", re.compile("^data:audio/wav"))
    for words in (UNFINISHED, "in the background", "Error", "Loading", "old"):
        expect(shown).not_to_contain_text(words)
