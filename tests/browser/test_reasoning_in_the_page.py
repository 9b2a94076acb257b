"""Reasoning in a real page: an open fold with the newest lines while the model thinks, a closed one afterwards."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .lab import Notebook, Server, notebook

pytestmark = pytest.mark.front_end  # for what it takes

HOSTILE = r"<img src=x onerror=window.owned=1> \href{javascript:window.owned=2}{x} $\unicode{<b>}$ **b** <b>words</b>"
LINES = "\\n".join(f"step {number}: two and two" for number in range(40))
CELLS = [
    "%load_ext fal_notebook",
    f"thought = '{LINES}'\n"
    "%falstream test/thinking/stream prompt='The answer is four' thought={{thought}} seconds:=3 rate:=2 -o thinking",
    "%falstream test/thinking/stream prompt='The answer is four' thought={{thought}} seconds:=3 tagged:=true rate:=1",
    "%falstream test/thinking/stream prompt='The answer is four' thought={{thought}} seconds:=2 -b rate:=2",
    "%falstream test/thinking/stream prompt='Four' thought={{thought}} seconds:=2 --models a,b rate:=2",
    f"hostile = {HOSTILE!r}\n"
    "%falstream test/thinking/stream prompt=x thought={{hostile}} seconds:=1 endless:=true -o stopped",
    "long = ('so ' * 20 + chr(10)) * 3_300\n"
    "event = {'choices': [{'delta': {'reasoning': long}}]}\n"
    "more = [{'choices': [{'delta': {'reasoning': 'the last line'}}]}]\n"
    "%falstream test/held/stream prompt=x events:={{[event, *more]}}",
    "from fal_notebook import PromptWidget\n"
    "PromptWidget('test/thinking/stream', {'thought': thought, 'seconds': 3, 'rate': 2})",
]


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS) as opened:
        opened.run(0)
        yield opened


def newest(output: Locator) -> Locator:
    return output.locator("details.fal-thinking .fal-newest")


def folded(output: Locator) -> Locator:
    """The lines above the folded reasoning of final answers."""
    return output.locator("details.fal-fold:not(.fal-thinking) > summary", has_text="thought for")


def is_at_end(lines: Locator) -> bool:
    """Whether the last line is in view."""
    return bool(lines.evaluate("box => Math.abs(box.scrollTop) < 2 && box.scrollHeight > box.clientHeight + 2"))


@pytest.mark.parametrize("cell", [1, 2])
def test_the_fold_is_open_while_the_model_thinks_and_closes_with_the_first_words(page: Notebook, cell: int) -> None:
    output = page.output(cell)
    page.start(cell)
    fold = output.locator("details.fal-thinking")
    expect(fold.locator("summary")).to_have_text(re.compile(r"thinking… [12] s"))
    expect(newest(output)).to_contain_text("step 20: two and two")
    expect(newest(output)).to_be_visible()
    assert is_at_end(newest(output))
    assert newest(output).evaluate("box => box.clientHeight") < 130
    assert "receiving" not in output.inner_text()
    expect(output).to_contain_text("The answer")
    expect(fold.locator("summary")).to_have_text(re.compile(r"thought for [2345] s"))
    expect(newest(output)).not_to_be_visible()
    page.wait(cell)
    expect(folded(output)).to_have_count(1)
    expect(folded(output)).to_have_text(re.compile(r"thought for [2345] s"))
    expect(output).to_contain_text("The answer is four")
    saved = str(page.save().cells[cell].outputs)
    assert "step 39" in saved
    assert "widget-view" not in saved


def test_a_fold_that_its_reader_has_opened_stays_open(page: Notebook) -> None:
    output = page.output(2)
    page.start(2)
    summary = output.locator("details.fal-thinking > summary")
    summary.click()
    expect(newest(output)).not_to_be_visible()
    summary.click()
    expect(summary).to_have_text(re.compile("thought for"))
    expect(newest(output)).to_be_visible()
    page.wait(2)


def test_a_background_run_shows_the_newest_lines_too(page: Notebook) -> None:
    page.run(3)
    output = page.output(3)
    expect(output).to_contain_text(re.compile(r"thinking… [012] s"))
    expect(output).to_contain_text("step 2")
    expect(output).to_contain_text("The answer is four")
    expect(folded(output)).to_have_text(re.compile(r"thought for [1234] s"))


def test_columns_show_the_newest_lines_too(page: Notebook) -> None:
    page.start(4)
    output = page.output(4)
    expect(output.locator("section").nth(1)).to_contain_text(re.compile(r"thinking… [012]"))
    expect(output.locator("section").nth(1)).to_contain_text("step 2")
    page.wait(4)
    expect(folded(output)).to_have_count(2)


def test_hostile_reasoning_is_words_while_it_streams(page: Notebook) -> None:
    page.start(5)
    expect(newest(page.output(5))).to_contain_text(HOSTILE)
    assert page.output(5).locator("img, b, mjx-container").count() == 0
    page.command("notebook:interrupt-kernel")
    page.wait(5)
    expect(folded(page.output(5))).to_have_count(1)
    assert page.page.evaluate("window.owned") is None


def test_of_long_reasoning_only_the_end_stands_in_the_page(page: Notebook) -> None:
    page.start(6)
    lines = newest(page.output(6))
    expect(lines).to_contain_text("the last line")
    assert len(lines.inner_text()) < 3_000
    assert is_at_end(lines)
    page.command("notebook:interrupt-kernel")
    page.wait(6)
    assert "the last line" in str(page.outputs(6))


def test_the_prompt_widget_shows_the_fold_above_the_answer_that_streams(page: Notebook) -> None:
    page.run(7)
    shown = page.output(7).locator(".fal-root")
    shown.get_by_label("Prompt", exact=True).fill("The answer is four")
    shown.get_by_label("Prompt", exact=True).press("Control+Enter")
    summary = shown.locator("details.fal-thinking > summary")
    expect(summary).to_have_text(re.compile(r"thinking… [12] s"))
    expect(newest(shown)).to_contain_text("step 2")
    assert is_at_end(newest(shown))
    expect(summary).to_have_text(re.compile(r"thought for [2345] s"))
    expect(newest(shown)).not_to_be_visible()
    expect(shown.locator(".fal-answer")).to_contain_text("The answer is four")
    expect(folded(shown)).to_have_text(re.compile(r"thought for [2345] s"))
