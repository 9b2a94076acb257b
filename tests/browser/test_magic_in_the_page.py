"""The output of `%%falstream` in a real page: while it streams, at its end, and when the notebook is opened again."""

import statistics
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook

CELLS = [
    "%load_ext fal_notebook",
    "%%falstream test/paced/stream count:=300 rate:=200\nx",
    "%%falstream test/echo/stream\nA **bold** word, `code` and $x^2$ for $5",
    "%%falstream test/endless/stream -o partial\nx",
    "%falstream test/picture prompt=x",
    "%%falstream test/late/stream\nx",
    *["%falstream test/paced/stream prompt=x count:=30 rate:=100"] * 12,
]
FIRST_TIMED = 6
# Measures the milliseconds from the command to run a cell until its first words are shown.
TO_FIRST_WORDS = """
cell => new Promise(resolve => {
  const {content} = jupyterapp.shell.currentWidget;
  const area = content.widgets[cell].node;
  content.activeCellIndex = cell;
  const begin = performance.now();
  const look = new MutationObserver(() => {
    if (!area.querySelector(".jp-Cell-outputArea").textContent.includes("0000")) return;
    look.disconnect();
    resolve(performance.now() - begin);
  });
  look.observe(area, {childList: true, characterData: true, subtree: true});
  jupyterapp.commands.execute("notebook:run-cell");
})
"""


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS) as opened:
        opened.run(0)
        yield opened


def test_words_appear_while_they_come_and_become_static(page: Notebook) -> None:
    page.start(1)
    expect(page.output(1)).to_contain_text("0000 0001")
    assert "0299" not in page.output(1).inner_text()
    output, _ = page.wait(1)
    assert "0299" in output["data"]["text/plain"]
    assert set(output["data"]) == {"text/plain", "text/html", "text/markdown"}
    expect(page.output(1)).to_contain_text("0298 0299")


def test_markdown_is_formatted_and_mathematics_is_typeset(page: Notebook) -> None:
    page.run(2)
    expect(page.output(2).locator("strong")).to_have_text("bold")
    expect(page.output(2).locator("mjx-container")).to_have_count(1)
    expect(page.output(2)).to_contain_text("for $5")


def test_an_interrupt_stops_keeps_the_words_and_says_so(page: Notebook) -> None:
    page.start(3)
    expect(page.output(3)).to_contain_text("first words")
    page.command("notebook:interrupt-kernel")
    expect(page.output(3)).to_contain_text("KeyboardInterrupt: stopped after")
    page.wait(3)
    expect(page.output(3)).to_contain_text("first words")
    expect(page.output(3)).to_contain_text("stopped")


def test_a_picture_is_shown(page: Notebook) -> None:
    page.run(4)
    expect(page.output(4).locator("img").first).to_have_js_property("naturalWidth", 1)


def test_an_error_keeps_the_partial_answer(page: Notebook) -> None:
    page.start(5)
    expect(page.output(5)).to_contain_text("ModelError")
    expect(page.output(5)).to_contain_text("half an")


def test_what_was_shown_is_there_after_save_and_reopen_with_no_dead_widget(page: Notebook) -> None:
    saved = page.save()
    outputs = [output for cell in saved.cells for output in cell.outputs]
    assert all("application/vnd.jupyter.widget-view+json" not in output.get("data", {}) for output in outputs)
    page.open()
    for cell, words in [(1, "0298 0299"), (2, "bold"), (3, "first words"), (5, "half an")]:
        expect(page.output(cell)).to_contain_text(words)
    expect(page.page.locator(".jp-Notebook")).not_to_contain_text("Error displaying widget")
    expect(page.output(4).locator("img")).to_have_count(1)


def test_the_page_has_no_errors_but_those_of_an_empty_notebook(page: Notebook, usual_errors: set[str]) -> None:
    assert set(page.errors) <= usual_errors


def test_the_first_words_come_soon_after_run(page: Notebook, record_property: Callable[[str, object], None]) -> None:
    times = []
    for cell in range(FIRST_TIMED, len(CELLS)):
        times.append(page.page.evaluate(TO_FIRST_WORDS, cell))
        page.wait(cell)
    median = statistics.median(times[2:])  # the first runs may include opening the connection
    record_property("milliseconds from Run to the first words", round(median, 1))
    print(f"{page.server.app}: Run to the first words {median:.1f} ms")  # noqa: T201 - the measurement
    assert median < 1000
