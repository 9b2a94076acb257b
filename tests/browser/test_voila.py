"""A notebook as a page of Voilà, which runs the cells before the page opens."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PageTimeout

from fal_notebook.display.outputs import UNFINISHED
from fal_notebook.local.server import LocalServer

from .lab import SECONDS, end, free_port, wait_for

ANSWER = "get_ipython().run_line_magic('falstream', f'test/paced/stream prompt=x count:={n} rate:=40')"
CELLS = [
    "%load_ext fal_notebook\nimport fal_notebook\nfrom ipywidgets import *",
    "%falstream test/paced/stream prompt=x count:=30 rate:=40",
    "%falstream test/paced/stream prompt=x count:=150 rate:=15 -b",
    "out = Output()\nwith out:\n    %falstream test/paced/stream prompt=x count:=30 rate:=40\nout",
    "behind = Output()\nwith behind:\n    %falstream test/paced/stream prompt=x count:=150 rate:=15 -b\nbehind",
    f"@interact(n=(30, 40))\ndef _(n=30):\n    {ANSWER}",
    f"late, go, n = Output(), Button(description='Go'), 30\n@go.on_click\n@late.capture()\ndef _(_):\n    {ANSWER}\n"
    "VBox([go, late])",
    "%falstream test/paced/stream prompt=x count:=30 rate:=40 --models a,b",
    "%falstream test/tone/stream prompt=x seconds:=1 speed:=2 --play",
    "fal_notebook.PromptWidget('test/echo/stream')",
    "heard, hear = Output(), Button(description='Hear')\n@hear.on_click\n@heard.capture()\ndef _(_):\n"
    "    get_ipython().run_line_magic('falstream', 'test/tone/stream prompt=x seconds:=9 speed:=6 --play')\n"
    "VBox([hear, heard])",
    "fal_notebook.PromptWidget('test/paced/stream', {'text': 'an answer', 'rate': 9.0625},"
    " system='a secret system', compact=True)",
]
ENDS = {1: "0029", 2: "0149", 3: "0029", 4: "0149", 5: "0029", 6: "0029"}


@pytest.fixture(scope="module")
def page(browser: Browser, server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("voila")
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "page.ipynb")
    port = free_port()
    command = [sys.executable, "-m", "voila", "page.ipynb", "--no-browser", f"--port={port}", "--show_tracebacks=True"]
    environment = {**os.environ, "FAL_NOTEBOOK_URL": server.url}
    output = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/voila/templates/lab/static/voila.js", process)
        opened = browser.new_page(viewport={"width": 1100, "height": 1400})
        try:
            opened.goto(f"http://127.0.0.1:{port}", timeout=SECONDS * 1000, wait_until="domcontentloaded")
        except PageTimeout:
            # nbclient runs the cells. While it awaits the reply of one with an Output widget, it sends over the same
            # ZeroMQ socket, and so seldom misses the reply and waits for ever.
            opened.goto(f"http://127.0.0.1:{port}", timeout=2 * SECONDS * 1000, wait_until="domcontentloaded")
        opened.get_by_role("button", name="Go").wait_for(timeout=2 * SECONDS * 1000)
        yield opened
        opened.close()
    finally:
        end(process)


def cell(page: Page, number: int) -> Locator:
    return page.locator(f"[cell-index='{number + 1}']")


def test_a_prompt_widget_answers(page: Page) -> None:
    box = cell(page, 9).locator(".fal-root")
    expect(box.locator(".fal-state")).to_have_text("ready")
    box.get_by_label("Prompt", exact=True).fill("asked in the page")
    box.get_by_role("button", name="Send").click()
    expect(box.locator(".fal-entry[data-end=done]")).to_contain_text("test/echo · ")


def test_a_compact_box_answers_and_its_page_does_not_know_what_answers(page: Page) -> None:
    box = cell(page, 11).locator(".fal-root")
    box.get_by_label("Prompt", exact=True).fill("asked by a visitor")
    box.get_by_role("button", name="Send").click()
    expect(box.locator(".fal-entry[data-end=done]")).to_contain_text("an answer")
    for control in ("Endpoint", "Model", "System prompt", "Play sound", "Remember", "Attach files"):
        expect(box.get_by_label(control)).to_be_hidden()
    assert "test/paced" not in cell(page, 11).inner_html()
    assert [secret for secret in ("9.0625", "secret system") if secret in page.content()] == []


def test_what_was_asked_before_the_page_came_or_in_a_callback_has_its_end(page: Page) -> None:
    page.get_by_role("button", name="Go").click()
    for number, last in ENDS.items():
        expect(cell(page, number)).to_contain_text(re.compile(rf"{last}\s+(?:Copy\s+)?test/paced · "))
    for column in cell(page, 7).locator("section").all():
        expect(column).to_contain_text(re.compile(r"0029\s+(?:Copy\s+)?test/paced · "))
    expect(cell(page, 8).locator("audio")).to_have_attribute("src", re.compile("^data:audio/wav"))
    for words in (UNFINISHED, "running in the background", "Error"):
        expect(page.locator("#rendered_cells")).not_to_contain_text(words)


def test_sound_goes_on_in_the_static_player(page: Page) -> None:
    page.get_by_role("button", name="Hear").click()
    shown = cell(page, 10)
    expect(shown.locator(".fal-player:visible")).to_contain_text("playing")
    is_heard = "each => !each.paused && !each.muted && each.currentTime > 0.5"
    page.wait_for_function(f"() => [...document.querySelectorAll('audio[data-fal-sound]')].some({is_heard})")
    expect(shown.locator("audio:visible, .fal-player:visible")).to_have_count(1)
