"""Tests in classic Notebook 6 with ipywidgets 7, the generation that Colab uses, in a real Chromium.

`tests.environments` runs them. The server and its kernels run in an environment with Colab's packages, and Playwright
runs in the present Python.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, expect, sync_playwright

from fal_notebook.display.outputs import UNFINISHED
from fal_notebook.local.server import LocalServer

from ..browser.lab import SECONDS, Notebook, Server, end, free_port, launch, stored, wait_for
from .matrix import NOTEBOOK6

WIDGET = "application/vnd.jupyter.widget-view+json"
CELLS = [
    "%load_ext fal_notebook",
    "%falstream test/paced/stream prompt=x count:=120 rate:=40",
    "%falstream test/endless/stream prompt=x",
    "%falstream test/endless/stream prompt=x -b",
    "%falstream test/echo/stream,test/paced/stream prompt=words count:=60 rate:=40",
    "%falstream test/echo/stream --widget",
    "%falstream test/paced/stream prompt=x count:=250 rate:=25",
    "%falstream test/picture prompt=x",
    "%falstream test/paced/stream text={{'One.\\n\\nTwo.\\n\\nThree.\\n\\nFour'}} rate:=20 after:=6",
    "%falstream test/thinking/stream prompt=Four thought=x seconds:=0.1 rate:=9",
]
_CELL = "Jupyter.notebook.get_cell(cell)"


class Notebook6(Notebook):
    """An open notebook in the page of classic Notebook."""

    def _load(self, seconds: float) -> None:
        self.page.goto(f"{self.server.url}/notebooks/{self.name}", wait_until="domcontentloaded")
        self.page.wait_for_function(
            "() => window.Jupyter?.notebook?._fully_loaded && Jupyter.notebook.kernel?.is_connected()"
            " && Jupyter.notebook.kernel.widget_manager",
            timeout=seconds * 1000,
        )

    def start(self, cell: int) -> None:
        self.page.evaluate(f"cell => {_CELL}.execute()", cell)

    def run(self, cell: int) -> list[dict[str, Any]]:
        self.start(cell)
        return self.wait(cell)

    def wait(self, cell: int) -> list[dict[str, Any]]:
        self.page.wait_for_function(
            f"cell => /\\d/.test({_CELL}.input_prompt_number) && !{_CELL}.element.hasClass('running')",
            arg=cell,
            timeout=SECONDS * 1000,
        )
        return self.outputs(cell)

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        outputs: list[dict[str, Any]] = self.page.evaluate(f"cell => {_CELL}.output_area.toJSON()", cell)
        return outputs

    def output(self, cell: int) -> Locator:
        return self.page.locator("#notebook .cell").nth(cell).locator(".output_wrapper .output").first

    def save(self) -> Any:
        self.page.evaluate("() => Jupyter.notebook.save_notebook()")
        return nbformat.read(self.path, as_version=4)


@contextmanager
def notebook6(folder: Path, gateway: str) -> Iterator[Server]:
    """Run classic Notebook on a free port of this machine."""
    port = free_port()
    command = [str(NOTEBOOK6.interpreter), "-m", "notebook", "--no-browser", "--allow-root", "--log-level=CRITICAL"]
    options = {
        "ip": "127.0.0.1",
        "port": port,
        "port_retries": 0,
        "token": "",
        "disable_check_xsrf": True,
        "notebook_dir": folder,
    }
    command += [f"--NotebookApp.{name}={value}" for name, value in options.items()]
    environment = {**os.environ, "FAL_NOTEBOOK_URL": gateway}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/api", process)
        yield Server(url, folder, "notebook")
    finally:
        end(process)


@pytest.fixture(scope="module")
def page(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook6]:
    expect.set_options(timeout=20_000)  # milliseconds: two cores can be busy for a while
    folder = tmp_path_factory.mktemp("notebooks")
    with notebook6(folder, server.url) as running, stored(running, CELLS, "test.ipynb"), sync_playwright() as driver:
        browser = launch(driver)
        opened = Notebook6(browser.new_page(viewport={"width": 1100, "height": 1000}), running, "test.ipynb")
        opened.open()
        opened.run(0)
        yield opened
        browser.close()


def test_words_appear_while_they_come_and_become_static(page: Notebook6) -> None:
    page.start(1)
    expect(page.output(1)).to_contain_text("0000 0001")
    assert "0119" not in page.output(1).inner_text()
    expect(page.output(1).get_by_text(UNFINISHED)).to_be_hidden()
    body, foot = page.wait(1)
    assert "0119" in body["data"]["text/plain"]
    assert WIDGET not in {*body["data"], *foot["data"]}
    expect(page.output(1)).to_contain_text(re.compile(r"0119\s+test/paced · "))


def test_an_interrupt_keeps_the_words_and_says_so(page: Notebook6) -> None:
    page.start(2)
    expect(page.output(2)).to_contain_text("first words")
    page.page.evaluate("() => Jupyter.notebook.kernel.interrupt()")
    expect(page.output(2)).to_contain_text("KeyboardInterrupt: stopped after")
    page.wait(2)
    expect(page.output(2)).to_contain_text("first words")


def test_a_background_run_streams_into_its_own_cell_until_its_stop_button_is_pressed(page: Notebook6) -> None:
    page.run(3)
    expect(page.output(3)).to_contain_text("first words")
    page.output(3).get_by_role("button", name="Stop this request").click()
    expect(page.output(3)).to_contain_text("stopped ·")
    expect(page.output(3)).to_contain_text("first words")


def test_columns_stand_side_by_side(page: Notebook6) -> None:
    page.run(4)
    first, second = (page.output(4).locator("section").nth(number) for number in (0, 1))
    expect(first).to_contain_text("words")
    expect(second).to_contain_text("0059")
    tops = [each.evaluate("each => each.getBoundingClientRect().top") for each in (first, second)]
    assert tops[0] == tops[1]


def test_a_prompt_widget_answers_and_its_transcript_is_saved(page: Notebook6) -> None:
    page.run(5)
    box = page.output(5)
    expect(box.locator(".fal-state")).to_have_text("ready")
    box.get_by_label("Prompt", exact=True).fill("some **bold** words")
    box.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(box.locator(".fal-entry strong").first).to_have_text("bold")
    saved = page.save().cells[5].outputs
    assert "bold" in saved[1].data["text/plain"]


def test_a_picture_is_shown(page: Notebook6) -> None:
    page.run(7)
    expect(page.output(7).locator("img").first).to_have_js_property("naturalWidth", 1)


def test_what_is_saved_in_mid_stream_is_there_when_the_notebook_is_opened_again(page: Notebook6) -> None:
    page.start(6)
    expect(page.output(6)).to_contain_text("0060")
    saved = page.save().cells[6].outputs
    assert "0030" in saved[0].data["text/plain"]
    assert saved[0].data["text/plain"].endswith(UNFINISHED)
    page.open()
    expect(page.output(6)).to_contain_text("0030")
    for cell, words in ((1, "0119"), (2, "first words"), (3, "first words"), (4, "0059"), (5, "bold")):
        expect(page.output(cell)).to_contain_text(words)


def test_blocks_that_stream_stand_as_close_as_in_the_end(page: Notebook6) -> None:
    page.start(8)
    tops = "each => [...each.querySelectorAll('p')].filter(p => p.offsetHeight).map(p => p.getBoundingClientRect().top)"
    live = page.output(8).locator(".fal-live")
    expect(live.get_by_text("Four")).to_be_visible()
    first, second, *_ = live.evaluate(tops)
    page.wait(8)
    expect(live).to_have_count(0)
    final_first, final_second, *_ = page.output(8).evaluate(tops)
    assert second - first == pytest.approx(final_second - final_first, abs=1)


def test_a_fold_has_a_triangle(page: Notebook6) -> None:
    page.run(9)
    expect(page.output(9).get_by_text(re.compile("thought for"))).to_have_css("display", "list-item")
