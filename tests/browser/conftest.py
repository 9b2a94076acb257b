"""The browser and the Jupyter servers, which all browser tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from fal_notebook.local.server import LocalServer

from .lab import Server, jupyter, launch, notebook


@pytest.fixture(scope="package")
def driver() -> Iterator[Playwright]:
    expect.set_options(timeout=20_000)  # milliseconds: two cores can be busy for a while
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(driver: Playwright) -> Iterator[Browser]:
    running = launch(driver)
    yield running
    running.close()


@pytest.fixture(scope="package")
def loud_browser(driver: Playwright) -> Iterator[Browser]:
    """A browser that plays sound without a click."""
    running = launch(driver, "--autoplay-policy=no-user-gesture-required")
    yield running
    running.close()


@pytest.fixture(scope="package")
def lab(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab, whose kernels use the tests' gateway."""
    with jupyter(_folder(tmp_path_factory, "lab"), {"FAL_NOTEBOOK_URL": server.url}) as running:
        yield running


@pytest.fixture(scope="package")
def notebook7(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Notebook 7, whose kernels use the tests' gateway."""
    with jupyter(_folder(tmp_path_factory, "notebook"), {"FAL_NOTEBOOK_URL": server.url}, "notebook") as running:
        yield running


@pytest.fixture(scope="package", params=["lab", pytest.param("notebook7", marks=pytest.mark.front_end)])
def jupyter_server(request: pytest.FixtureRequest) -> Server:
    """Each of the two front ends in turn."""
    running: Server = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="package")
def usual_errors(browser: Browser, jupyter_server: Server) -> set[str]:
    """The errors that the page of an empty notebook logs."""
    with notebook(browser, jupyter_server, ["1"], "empty.ipynb") as empty:
        return set(empty.errors)


def _folder(factory: pytest.TempPathFactory, name: str) -> Path:
    folder = factory.mktemp(name) / "notebooks"
    folder.mkdir()
    return folder
