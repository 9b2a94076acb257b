"""JupyterLab with the oldest supported ipykernel, one in between, and the newest."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, expect

from fal_notebook.local.server import LocalServer

from ..conftest import IPYKERNELS
from ..kernels import ipykernel
from .lab import Notebook, jupyter, notebook

pytestmark = pytest.mark.front_end  # for what it takes

CELLS = [
    "%load_ext fal_notebook\nimport ipykernel; ipykernel.__version__",
    "%falstream test/paced/stream prompt=x count:=300 rate:=200",
    "%falstream test/endless/stream prompt=x --background",
    "%falstream stop",
    "%falstream test/endless/stream --widget",
    "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)",
    "from fal_notebook import PromptWidget\nw = PromptWidget('test/endless/stream'); w._control = ''; w",
    "%falstream test/endless/stream prompt=x",
]
WITHOUT_SUBSHELLS = "6.31.0"
"""In this version a message to a widget always waits until the running cell has ended."""


@pytest.fixture(scope="module", params=IPYKERNELS)
def page(
    request: pytest.FixtureRequest, browser: Browser, server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("kernel") / "notebooks"
    folder.mkdir()
    environment = {"FAL_NOTEBOOK_URL": server.url, **ipykernel(request.param)}
    with jupyter(folder, environment) as lab, notebook(browser, lab, CELLS) as opened:
        (version,) = opened.run(0)
        assert version["data"]["text/plain"] == repr(request.param)
        yield opened


def test_a_cell_streams_and_its_output_becomes_static(page: Notebook) -> None:
    page.start(1)
    expect(page.output(1)).to_contain_text("0000 0001")
    assert "0299" not in page.output(1).inner_text()
    output, _ = page.wait(1)
    assert set(output["data"]) == {"text/plain", "text/html", "text/markdown"}
    expect(page.output(1)).to_contain_text("0298 0299")


def test_a_background_run_streams_into_its_own_cell_until_it_is_stopped(page: Notebook) -> None:
    page.run(2)
    expect(page.output(2)).to_contain_text("first words")
    page.run(3)
    expect(page.output(3)).to_contain_text("stopped 1 request")
    expect(page.output(2)).to_contain_text("stopped ·")
    expect(page.output(2)).to_contain_text("first words")


@pytest.mark.parametrize("way", ["click", "Escape"])
def test_a_prompt_widget_answers_and_its_stop_is_heard_while_a_cell_blocks(page: Notebook, way: str) -> None:
    _ask(page, 4)
    with _blocked(page):
        _stop(page, 4, way)
        expect(page.output(4).locator(".fal-entry[data-end=stopped]")).to_have_count(1)
    expect(_state(page, 4)).to_have_text("ready")
    expect(page.output(4)).to_contain_text("first words")


def test_a_stop_that_waits_for_the_running_cell_says_so_until_it_is_heard(page: Notebook) -> None:
    if page.outputs(0)[0]["data"]["text/plain"] != repr(WITHOUT_SUBSHELLS):
        pytest.skip("this kernel may hear a message to a widget on a thread of its own")
    _ask(page, 6)
    with _blocked(page):
        _stop(page, 6, "click")
        expect(page.output(6).locator(".fal-status")).to_contain_text("stopping… (waits for the running cell)")
        page.page.wait_for_timeout(1000)
        expect(page.output(6).locator(".fal-status")).to_contain_text("stopping… (waits for the running cell)")
    expect(page.output(6).locator(".fal-entry[data-end=stopped]")).to_have_count(1)
    expect(page.output(6).locator(".fal-status")).not_to_contain_text("stopping")


def test_a_cells_own_stop_button_ends_it(page: Notebook) -> None:
    page.start(7)
    page.output(7).get_by_role("button", name="Stop this request").click()
    _, foot = page.wait(7)
    assert "stopped" in foot["data"]["text/plain"]


def test_a_background_runs_stop_button_is_heard_while_a_cell_blocks(page: Notebook) -> None:
    page.run(2)
    button = page.output(2).get_by_role("button", name="Stop this request")
    expect(button).to_be_visible()
    with _blocked(page):
        button.click()
        expect(page.output(2)).to_contain_text("stopped ·")


def _state(page: Notebook, cell: int) -> Locator:
    return page.output(cell).locator(".fal-state")


def _ask(page: Notebook, cell: int) -> None:
    """Run the cell with a prompt widget, and start an answer that does not end."""
    page.run(cell)
    expect(_state(page, cell)).to_have_text("ready")
    page.output(cell).get_by_label("Prompt", exact=True).fill("x")
    page.output(cell).get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(page.output(cell)).to_contain_text("first words")


def _stop(page: Notebook, cell: int, way: str) -> None:
    if way == "click":
        page.output(cell).get_by_role("button", name="Stop", exact=True).click()
    else:
        page.output(cell).get_by_label("Prompt", exact=True).press("Escape")


@contextmanager
def _blocked(page: Notebook) -> Iterator[None]:
    """A block in which a running cell blocks the kernel."""
    blocking_ends = page.server.folder / "go"
    blocking_ends.unlink(missing_ok=True)
    page.start(5)
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[5].model.executionState === 'running'"
    )
    try:
        yield
    finally:
        blocking_ends.touch()
        page.wait(5)
