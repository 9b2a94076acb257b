"""The user's own code clears the output in which an answer streams: nothing dead stays, and no answer is lost."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook

pytestmark = pytest.mark.front_end  # for what it takes

ASK = "%falstream test/paced/stream prompt=x count:=100 rate:=40"
LAST = "0099"
PLACES = {
    "cleared at once": f"late(clear_output)\n{ASK}",
    "cleared with the next output": f"late(clear_output, wait=True)\n{ASK}",
    "cleared before": f"print('old')\nclear_output(wait=True)\n{ASK}",
    "printed words": f"late(clear_output)\n{ASK} -f text",
    "columns": f"late(clear_output)\n{ASK} --models a,b",
    "the user's own widget": f"out = Output()\ndisplay(out)\nlate(out.clear_output)\nwith out:\n    {ASK}",
    "a loop of the user's": "text = ''\nfor update in fal.stream('test/paced/stream', {'count': 100, 'rate': 200}):\n"
    "    text += getattr(update, 'new', '')\n    clear_output(wait=True)\n    print(text)",
}
CELLS = [
    "%load_ext fal_notebook\nimport fal_notebook as fal\nimport threading, time\nfrom ipywidgets import Output\n"
    "from IPython.display import clear_output\nfrom pathlib import Path\n"
    "def late(act, **options): threading.Timer(1.2, act, kwargs=options).start()",
    *PLACES.values(),
    f"{ASK} -b\nwhile not Path('seen').exists(): time.sleep(0.02)\nclear_output()",
    f"{ASK} -b",
    "clear_output()\nprint('another cell')",
    "clear_output.__module__, vars(get_ipython().display_pub).get('clear_output')",
    "late(clear_output)\n%falstream test/paced/stream prompt=x count:=300 rate:=40",
]
BEHIND = len(PLACES) + 1
LONG = len(CELLS) - 1


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "cleared.ipynb") as opened:
        opened.run(0)
        yield opened


@pytest.mark.parametrize("name", PLACES)
def test_the_answer_stands_once_in_the_end(page: Notebook, name: str) -> None:
    cell = 1 + list(PLACES).index(name)
    page.run(cell)
    shown = page.output(cell)
    expect(shown).to_contain_text(LAST)
    expect(shown.locator(".fal-live, .fal-stop")).to_have_count(0)
    assert shown.inner_text().count(LAST) == (2 if name == "columns" else 1)
    assert "old" not in shown.inner_text()
    assert "unfinished" not in shown.inner_text()
    if name != "the user's own widget":
        assert "widget-view" not in str(page.outputs(cell))


def test_words_that_stream_come_back_after_their_output_was_cleared(page: Notebook) -> None:
    page.start(LONG)
    shown = page.output(LONG)
    expect(shown.locator(".fal-live")).to_contain_text("0010")
    page.page.wait_for_function("() => !document.querySelector('.fal-live')?.textContent.includes('0001')")
    expect(shown.locator(".fal-live")).to_contain_text("0070")
    expect(shown.locator(".fal-live")).to_contain_text("0001")
    page.wait(LONG)


def test_what_a_background_run_was_cleared_from_stays_empty_and_other_cells_do_not_clear_it(page: Notebook) -> None:
    page.start(BEHIND)
    expect(page.output(BEHIND)).to_contain_text("0001")
    (page.path.parent / "seen").touch()
    page.wait(BEHIND)
    page.run(BEHIND + 1)
    assert page.run(BEHIND + 2)[0]["text"] == "another cell\n"
    expect(page.output(BEHIND + 1)).to_contain_text("first token")
    expect(page.output(BEHIND + 1)).to_contain_text(LAST)
    assert page.output(BEHIND).inner_text().strip() == ""
    assert page.output(BEHIND + 2).inner_text().strip() == "another cell"
    assert "None" in page.run(BEHIND + 3)[0]["data"]["text/plain"]  # the display publisher is as it was
