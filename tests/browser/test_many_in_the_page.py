"""Many requests in JupyterLab: the table while it goes on, what is saved, and what another page and kernel see."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, expect

from ..many.asked import ENDPOINT, Asked, serving
from .lab import Notebook, Server, notebook
from .watch import traced

HOSTILE = "<img src=x onerror=window.hacked=1><b>bold</b>"
CELLS = [
    "import fal_notebook as fal\nurl = '{url}'",
    f"rows = [*(f'row {{n}}' for n in range(40)), *[{HOSTILE!r}] * 20]\n"
    f"run = fal.map('{ENDPOINT}', rows, to='page.fal', base_url=url, hold=True, cost=0.01)\nrun",
    f"run = fal.map('{ENDPOINT}', rows[:40], to='killed.fal', base_url=url, pause=0.4)\nrun",
    "import fal_notebook as fal\nfal.attach('killed.fal')",
    f"run = fal.map('{ENDPOINT}', [f'row {{n}} ' + 'x' * 200 for n in range(1000)], base_url=url, pause=0.04)\nrun",
]
LONGEST = 50  # milliseconds of the processor for a task of the page
PERIOD = 0.5  # seconds between two updates of the table
# Notes when the output of a cell changes; changes of one moment are one.
CHANGES = """
cell => {
  const area = jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node;
  window.changes = [];
  new MutationObserver(() => {
    const now = performance.now() / 1000;
    if (!(now - changes.at(-1) < 0.1)) changes.push(now);
  }).observe(area, {childList: true, characterData: true, attributes: true, subtree: true});
  performance.mark("watch");
}
"""


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    with serving(max_requests=8) as found:
        yield found


@pytest.fixture(scope="module")
def page(browser: Browser, lab: Server, asked: Asked) -> Iterator[Notebook]:
    with notebook(browser, lab, [each.replace("{url}", asked.url) for each in CELLS], "many.ipynb") as opened:
        opened.run(0)
        yield opened


def test_the_table_is_live_then_static_and_survives_a_reload(page: Notebook, asked: Asked) -> None:
    page.run(1)
    expect(page.output(1)).to_contain_text("0 of 60 done")
    expect(page.output(1)).to_contain_text("waiting")
    asked.let_go()
    expect(page.output(1)).to_contain_text("60 of 60 done")
    expect(page.output(1)).to_contain_text("$0.6 spent")
    expect(page.output(1)).to_contain_text(HOSTILE)
    (saved,) = page.save().cells[1].outputs
    assert set(saved.data) == {"text/plain", "text/html"}
    assert "<script" not in saved.data["text/html"]
    page.open()
    expect(page.output(1)).to_contain_text("60 of 60 done")
    assert page.output(1).locator("progress").get_attribute("value") == "60"
    assert page.output(1).locator("img").count() == 0
    assert page.page.evaluate("window.hacked") is None
    assert not page.errors


def test_a_restarted_kernel_goes_on_and_no_row_is_sent_twice(page: Notebook, asked: Asked) -> None:
    asked.begin_anew()
    page.run(2)
    expect(page.output(2)).to_contain_text(re.compile(r"[5-9] of 40 done.* rows/s"))
    page.restart()
    page.run(3)
    expect(page.output(3)).to_contain_text("40 of 40 done")
    assert set(asked.bill.values()) == {1}


@pytest.mark.front_end
def test_a_thousand_rows_leave_the_page_alive(page: Notebook, asked: Asked) -> None:
    asked.begin_anew()
    with traced(page) as longest:
        page.page.evaluate(CHANGES, 4)
        page.run(4)
        expect(page.output(4)).to_contain_text("1,000 of 1,000 done", timeout=60_000)
    changes: list[float] = page.page.evaluate("changes")
    between = [after - before for before, after in pairwise(changes)]
    print(f"longest task {longest[0]:.0f} ms, {len(changes)} changes in {changes[-1] - changes[0]:.1f} s")  # noqa: T201 - the measurement
    assert longest[0] <= LONGEST
    assert len(changes) <= (changes[-1] - changes[0]) / PERIOD + 3  # the first one, the last one, and the cell's number
    assert sorted(between)[len(between) // 2] >= 0.8 * PERIOD
    assert not page.errors
