"""A page is saved and reloaded while an answer streams, and still gets the final answer; answers in Output widgets."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from fal_notebook.display.outputs import UNFINISHED

from .lab import Notebook, Server, notebook

WIDGET = "application/vnd.jupyter.widget-view+json"
CELLS = [
    "%load_ext fal_notebook",
    "%falstream test/paced/stream prompt=x count:=250 rate:=25 -o answer",
    "%falstream test/paced/stream prompt=x count:=250 rate:=25 -b -o behind",
    "import ipywidgets\nout, late = ipywidgets.Output(), ipywidgets.Output()\n"
    "ipywidgets.Tab([ipywidgets.VBox([out, late])])",
    "with out:\n    %falstream test/paced/stream prompt=x count:=60 rate:=40",
    "with late:\n    %falstream test/paced/stream prompt=x count:=80 rate:=40 -b",
]


@pytest.fixture
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "back.ipynb") as opened:
        opened.run(0)
        yield opened


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(1, id="a cell that waits"),
        pytest.param(2, id="a background run", marks=pytest.mark.front_end),
    ],
)
def test_a_page_that_comes_back_in_mid_stream_shows_the_end_and_saves_it(cell: int, page: Notebook) -> None:
    page.start(cell)
    expect(page.output(cell)).to_contain_text("0060")
    if cell == 1:
        expect(page.output(cell).get_by_text(UNFINISHED)).to_be_hidden()
    saved = page.save().cells[cell].outputs
    assert "0040" in saved[0].data["text/plain"]
    assert saved[0].data["text/plain"].endswith(UNFINISHED)
    page.open()
    expect(page.output(cell)).to_contain_text("0040")
    expect(page.output(cell)).to_contain_text(re.compile(r"0249\s+(?:Copy\s+)?test/paced · "))
    body, foot = page.save().cells[cell].outputs
    assert body.data["text/plain"].split() == [f"{number:04d}" for number in range(250)]
    assert foot.data["text/plain"].startswith("test/paced/stream · ")
    assert WIDGET not in {*body.data, *foot.data}


@pytest.mark.front_end
def test_answers_in_output_widgets_within_others_have_their_end(page: Notebook) -> None:
    page.run(3)
    page.run(4)
    page.run(5)
    expect(page.output(3)).to_contain_text(re.compile(r"0059\s+(?:Copy\s+)?test/paced · "))
    expect(page.output(3)).to_contain_text(re.compile(r"0079\s+(?:Copy\s+)?test/paced · "))
    expect(page.output(3)).not_to_contain_text(UNFINISHED)
