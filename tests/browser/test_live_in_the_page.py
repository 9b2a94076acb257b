"""What moves while a request streams, in a real page: pictures in place, a bar, a button that stops."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook

CELLS = [
    "%load_ext fal_notebook",
    "%falstream test/previews/stream prompt=x count:=60 rate:=10 'message=two $x$ <b>passes</b>'",
]


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS) as opened:
        opened.run(0)
        yield opened


def test_previews_replace_each_other_in_one_element_and_a_bar_moves(page: Notebook) -> None:
    page.start(1)
    picture = page.output(1).locator("img")
    expect(picture).to_have_count(1)
    first = picture.element_handle()
    source = picture.get_attribute("src")
    expect(picture).not_to_have_attribute("src", source or "")
    assert first is not None
    assert first.evaluate("image => image.isConnected && image.naturalWidth") == 1
    bar = page.output(1).locator(".progress-bar")
    width = bar.evaluate("bar => parseFloat(bar.style.width)")
    page.page.wait_for_function(
        "([bar, width]) => parseFloat(bar.style.width) > width", arg=[bar.element_handle(), width]
    )
    assert page.output(1).locator("input").input_value() == "two $x$ <b>passes</b>"
    (output,) = page.wait(1)
    assert set(output["data"]) == {"text/plain", "text/html"}
    expect(page.output(1).locator(".progress-bar")).to_have_count(0)
    expect(page.output(1).locator("img")).to_have_count(1)
