"""JupyterLab with the oldest kernel that is supported, one between, and the newest."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from fal_notebook.local.server import LocalServer

from ..kernels import IPYKERNELS, ipykernel
from .lab import Notebook, jupyter, notebook

pytestmark = pytest.mark.quiet  # on a loaded machine a kernel may not hear the page, as is said at the last test
CELLS = [
    "%load_ext fal_notebook\nimport ipykernel; ipykernel.__version__",
    "%falstream test/paced/stream prompt=x count:=300 rate:=200",
    "%falstream test/endless/stream prompt=x --background",
    "%falstream stop",
    "%falstream test/endless/stream --widget",
    "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)",
]
WITHOUT_SUBSHELLS = "6.31.0"
"""There a click waits for the cell that blocks; later kernels hear what the page began on a thread of its own."""


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


def _state(page: Notebook) -> Locator:
    return page.output(4).locator(".fal-state")


def test_a_cell_streams_and_its_output_becomes_static(page: Notebook) -> None:
    page.start(1)
    expect(page.output(1)).to_contain_text("0000 0001")
    assert "0299" not in page.output(1).inner_text()
    (output,) = page.wait(1)
    assert set(output["data"]) == {"text/plain", "text/html"}
    expect(page.output(1)).to_contain_text("0298 0299")


def test_a_background_run_streams_into_its_own_cell_until_it_is_stopped(page: Notebook) -> None:
    page.run(2)
    expect(page.output(2)).to_contain_text("first words")
    page.run(3)
    expect(page.output(3)).to_contain_text("stopped 1 request")
    expect(page.output(2)).to_contain_text("stopped ·")
    expect(page.output(2)).to_contain_text("first words")


# On a loaded machine ipykernel 7.4 sometimes reads nothing from the page until the cell that blocks has ended.
@pytest.mark.flaky(reruns=2)
def test_a_prompt_widget_answers_and_its_stop_is_heard_at_once_or_after_a_cell_that_blocks(page: Notebook) -> None:
    blocking_ends = page.server.folder / "go"
    blocking_ends.unlink(missing_ok=True)
    page.run(4)
    expect(_state(page)).to_have_text("ready")
    page.output(4).get_by_label("Prompt", exact=True).fill("x")
    page.output(4).get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(page.output(4)).to_contain_text("first words")
    page.start(5)
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[5].model.executionState === 'running'"
    )
    page.output(4).get_by_role("button", name="Stop", exact=True).click()
    try:
        if page.outputs(0)[0]["data"]["text/plain"] == repr(WITHOUT_SUBSHELLS):
            page.page.wait_for_timeout(1000)
            expect(_state(page)).to_have_text("streaming…")
        else:
            expect(_state(page)).to_have_text("ready")
    finally:
        blocking_ends.touch()
        page.wait(5)  # a further try takes the file away again
    expect(_state(page)).to_have_text("ready")
    expect(page.output(4)).to_contain_text("first words")
