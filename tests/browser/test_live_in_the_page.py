"""The live widgets in a real page: pictures that replace each other, a progress bar, a Stop button."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook

CELLS = [
    "%load_ext fal_notebook",
    "%falstream test/endless/stream prompt=x -o partial",
    "%falstream test/endless/stream prompt=x -o behind -b",
    "%falstream test/previews/stream prompt=x count:=600 rate:=10 'message=two $x$ <b>passes</b>'",
    "for word in 'abc':\n    get_ipython().run_line_magic('falstream', f'test/echo/stream prompt={word} -b')",
    "%falstream test/previews/stream prompt=x count:=10 rate:=10",
]


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS) as opened:
        opened.run(0)
        yield opened


def test_previews_replace_each_other_in_one_element_and_a_bar_moves(page: Notebook) -> None:
    page.start(3)
    # A part that is added above another makes the page draw the other one again, once.
    expect(page.output(3).get_by_role("button", name="Stop this request")).to_be_visible()
    picture = page.output(3).locator("img")
    expect(picture).to_have_count(1)
    first = picture.element_handle()
    source = picture.get_attribute("src")
    expect(picture).not_to_have_attribute("src", source or "")
    assert first is not None
    expect(picture).to_have_js_property("naturalWidth", 1)
    assert first.evaluate("image => image.isConnected")
    bar = page.output(3).locator(".progress-bar").element_handle()
    width = page.page.wait_for_function("bar => parseFloat(bar.style.width)", arg=bar).json_value()
    page.page.wait_for_function("([bar, width]) => parseFloat(bar.style.width) > width", arg=[bar, width])
    expect(page.output(3)).to_contain_text("two $x$ <b>passes</b>")
    page.command("notebook:interrupt-kernel")
    output, *_ = page.wait(3)
    check_static(page, 3, output)
    output, _ = page.run(5)
    check_static(page, 5, output)


def check_static(page: Notebook, cell: int, output: dict[str, Any]) -> None:
    """Check that the final output has the last picture and no progress bar."""
    assert set(output["data"]) == {"text/plain", "text/html"}
    expect(page.output(cell).locator(".progress-bar")).to_have_count(0)
    expect(page.output(cell).locator("img")).to_have_count(1)


def test_a_stop_button_is_seen_when_the_kernel_has_answered_and_ends_the_cell(page: Notebook) -> None:
    page.start(1)
    button = page.output(1).get_by_role("button", name="Stop this request")
    button.click()
    _, foot = page.wait(1)
    assert "stopped" in foot["data"]["text/plain"]
    expect(button).to_have_count(0)


def test_the_stop_button_of_a_background_run_stops_it_and_becomes_the_status_line(page: Notebook) -> None:
    page.run(2)
    expect(page.output(2)).to_contain_text("first words")
    page.output(2).get_by_role("button", name="Stop this request").click()
    expect(page.output(2)).to_contain_text("stopped ·")
    expect(page.output(2).get_by_role("button", name="Stop")).to_have_count(0)
    body, foot = page.outputs(2)
    assert body["data"]["text/plain"] == "first words"
    assert foot["data"]["text/plain"].startswith("test/endless/stream · stopped")
    assert "application/vnd.jupyter.widget-view+json" not in str(page.save())


def test_background_runs_that_end_at_once_leave_no_error_in_the_page(page: Notebook) -> None:
    page.errors.clear()
    page.run(4)
    expect(page.output(4)).to_contain_text("c ")
    expect(page.output(4).get_by_text(re.compile("^test/echo · "))).to_have_count(3)
    page.page.wait_for_timeout(500)  # if a button was closed too early, its view fails a little later
    assert page.errors == []
