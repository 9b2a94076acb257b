"""Many requests in JupyterLab: the table while it goes on, what is saved, and what another page and kernel see."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from ..many.asked import ENDPOINT, Asked, serving
from .lab import Notebook, Server, notebook

HOSTILE = "<img src=x onerror=window.hacked=1><b>bold</b>"
CELLS = [
    "import fal_notebook as fal\nurl = '{url}'",
    f"rows = [*(f'row {{n}}' for n in range(40)), *[{HOSTILE!r}] * 20]\n"
    f"run = fal.map('{ENDPOINT}', rows, to='page.fal', base_url=url, hold=True, cost=0.01)\nrun",
    f"run = fal.map('{ENDPOINT}', rows[:40], to='killed.fal', base_url=url, pause=0.4)\nrun",
    "import fal_notebook as fal\nfal.attach('killed.fal')",
]


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
