"""Words that are formatted while they stream, in a real page: nothing that stands moves, and nothing flickers."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from .growing_texts import GROWING, MIXED
from .lab import Notebook, Server, notebook
from .watch import WATCH

ROOT = Path(__file__).parents[2]
TEXTS = {
    **GROWING,
    "the README": (ROOT / "README.md").read_text(encoding="utf-8"),
}
LAST = "The last words"
LINE = 20  # pixels
RATE = 1000  # tokens of four characters a second
AFTER = 2  # seconds
MOST = 40  # messages a second
CELLS = [
    "%load_ext fal_notebook",
    *(
        f"%%falstream test/paced/stream --raw\n{json.dumps({'text': text + LAST, 'rate': RATE, 'after': AFTER})}"
        for text in TEXTS.values()
    ),
]
SLOW = len(CELLS)
CELLS.append(f"%%falstream test/paced/stream --raw\n{json.dumps({'text': MIXED * 8 + LAST, 'rate': 150, 'after': 6})}")
PLAIN = len(CELLS)
CELLS.append(
    f"%%falstream test/paced/stream --raw -f text\n{json.dumps({'text': 'wonderful ' * 40, 'rate': 500, 'after': 2})}"
)
BESIDE = len(CELLS)  # a background run, and columns
for option in ("-b", "--models a/one,b/two"):
    arguments = json.dumps({"text": MIXED * 8 + LAST, "rate": 150, "after": 2})
    CELLS.append(f"%%falstream test/paced/stream --raw {option}\n{arguments}")
# Notes how high the words and the whole output are at each frame.
LOOK = """
cell => {
  const area = jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node;
  const seen = window.heights = {words: [], output: []};
  const look = () => {
    const places = [...area.querySelectorAll(".fal-live :is(.fal-answer, .fal-now-answer) *")]
      .filter(each => each.getClientRects().length).map(each => each.getBoundingClientRect());
    if (places.length) seen.words.push(Math.max(...places.map(each => each.bottom)) - places[0].top);
    if (places.length || seen.words.length) seen.output.push(area.getBoundingClientRect().height);
    requestAnimationFrame(look);
  };
  look();
}
"""
HEIGHT = """
answer => Math.max(...[...answer.querySelectorAll("*")].map(each => each.getBoundingClientRect().bottom))
  - answer.getBoundingClientRect().top
"""


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "growing.ipynb", script=WATCH) as opened:
        opened.run(0)
        yield opened


@pytest.mark.front_end
@pytest.mark.parametrize("name", TEXTS)
def test_words_that_stream_are_as_high_as_in_the_end_and_never_jump(page: Notebook, name: str) -> None:
    cell = 1 + list(TEXTS).index(name)
    page.page.evaluate("watch.reset()")
    page.page.evaluate(LOOK, cell)
    page.start(cell)
    expect(page.output(cell).locator(".fal-live")).to_contain_text(LAST, timeout=30_000)
    page.page.wait_for_timeout(1000)  # formulas are typeset when a page finds time
    words, output = page.page.evaluate("[heights.words.at(-1), heights.output.at(-1)]")
    page.wait(cell)
    tasks, times, size = page.page.evaluate("[watch.tasks, watch.messages, watch.bytes]")
    expect(page.output(cell).locator(".fal-live")).to_have_count(0)
    page.page.wait_for_timeout(1000)
    final = page.output(cell).locator(".fal-answer").first.evaluate(HEIGHT)
    heights = page.page.evaluate("heights")
    seconds = times[-1] - times[0] - AFTER
    print(  # noqa: T201 - the measurement
        f"\n{page.server.app}, {name}: {words:.1f} px, in the end {final:.1f} px; output {output:.1f} px,"
        f" {heights['output'][-1]:.1f} px; {len(times)} messages, {len(times) / seconds:.1f} a second, {size:,} bytes,"
        f" {size / len(TEXTS[name]):.1f} for each character; longest task {max(tasks, default=0):.0f} ms"
    )
    assert abs(words - final) < 1
    assert abs(output - heights["output"][-1]) < LINE
    if page.server.app != "lab":
        del heights["output"]  # Notebook 7 puts a long output into a box of its own that scrolls
    for seen in heights.values():
        assert max((before - after for before, after in pairwise(seen)), default=0) < LINE
        assert max(seen) < seen[-1] + LINE
    assert len(times) <= MOST * (seconds + 1.5)


def test_what_is_finished_stays_in_its_place_and_selected_while_more_comes(page: Notebook) -> None:
    page.start(SLOW)
    output = page.output(SLOW)
    expect(output.locator("h2").first).to_be_visible()
    heading = output.locator("h2").first.element_handle()
    heading.scroll_into_view_if_needed()
    heading.select_text()
    top = heading.bounding_box()
    stop = output.get_by_role("button", name="Stop this request")
    expect(stop).to_be_visible()
    beside = stop.bounding_box()
    widest = output.locator(".fal-live").evaluate(
        "each => Math.max(...[...each.querySelectorAll('p, h2')].map(p => p.getBoundingClientRect().right))"
    )
    assert beside is not None
    assert beside["x"] > widest - 1
    expect(output.locator("h2:visible").nth(5)).to_be_visible()
    assert heading.evaluate("each => each.isConnected")
    assert page.page.evaluate("getSelection().toString().trim()") == "A heading"
    now = heading.bounding_box()
    page.wait(SLOW)
    final = output.locator("h2").first.bounding_box()
    assert top is not None
    assert now is not None
    assert final is not None
    most = 1 if page.server.app == "lab" else LINE  # Notebook 7 puts a long output into a box of its own that scrolls
    assert abs(now["y"] - top["y"]) < most
    assert abs(final["y"] - top["y"]) < most


@pytest.mark.parametrize("cell", [BESIDE, BESIDE + 1], ids=["in the background", "in columns"])
def test_what_is_finished_stays_selected_and_typeset_beside_other_cells_and_answers(page: Notebook, cell: int) -> None:
    page.start(cell)
    output = page.output(cell)
    heading = output.locator("h2:visible").first.element_handle()
    heading.scroll_into_view_if_needed()
    heading.select_text()
    expect(output.locator("mjx-container:visible").first).to_be_visible()
    expect(output.locator("h2:visible").nth(5)).to_be_visible()
    assert heading.evaluate("each => each.isConnected")
    assert page.page.evaluate("getSelection().toString().trim()") == "A heading"
    width = output.locator("h2:visible").first.bounding_box()
    expect(output.locator(".fal-live")).to_have_count(0)
    expect(output.locator("h2:visible")).to_have_count(8 if cell == BESIDE else 16)
    final = output.locator("h2:visible").first.bounding_box()
    assert width is not None
    assert final is not None
    assert abs(final["x"] - width["x"]) < 1
    assert abs(final["y"] - width["y"]) < LINE


def test_no_word_of_printed_text_that_fits_its_line_is_broken(page: Notebook) -> None:
    page.start(PLAIN)
    shown = page.output(PLAIN).locator(".fal-live pre").last
    expect(shown).to_contain_text("wonderful " * 40)
    starts = shown.evaluate(
        "pre => { const node = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT).nextNode(), range = new Range();"
        " const top = at => (range.setStart(node, at), range.setEnd(node, at + 1), range.getBoundingClientRect().top);"
        " return [...node.data.matchAll(/w[a-z]+/g)].map(({index}) => top(index + 8) - top(index)); }"
    )
    assert set(starts) == {0}
    page.wait(PLAIN)
