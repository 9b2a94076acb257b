"""What a long answer costs the page: the longest halt of its main thread, and the messages that it gets.

With ``-s`` the measured values are printed. The assertions leave a wide margin.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .lab import Notebook, Server, notebook
from .watch import WATCH

pytestmark = [pytest.mark.quiet, pytest.mark.front_end]  # other pages would slow this one down; it takes long
TOKENS = [f"{number:04d}" for number in range(4000)]
FLOOD = 100_000
LONG = 34_600  # tokens, of 200 kB
CELLS = [
    "%load_ext fal_notebook\nfrom fal_notebook import PromptWidget",
    "%falstream test/paced/stream prompt=x count:=4000 rate:=1000 -o answer",
    "PromptWidget('test/paced/stream', {'count': 4000, 'rate': 1000})",
    f"%falstream test/paced/stream prompt=x count:={FLOOD} rate:=1000000",
    f"PromptWidget('test/paced/stream', {{'count': {LONG}, 'rate': 20_000}})",
    "thought = ' '.join(f'{number:049d}' for number in range(4000))\n"
    "%falstream test/thinking/stream prompt='The answer' thought={{thought}} seconds:=4 rate:=2",
]
LONGEST = 1000  # milliseconds
ALIVE = 5000  # the limit where a page lays out hundreds of kilobytes
MOST = 40  # messages a second; those of a run's beginning and end and of the page itself are fewer than in two seconds


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "stall.ipynb", script=WATCH) as opened:
        opened.run(0)
        yield opened


def _check(page: Notebook, what: str, limit: int = LONGEST) -> int:
    """Check that the page had no long halt and few messages, and return the bytes that it got."""
    longest, tasks, times, size = page.page.evaluate("[watch.longest, watch.tasks, watch.messages, watch.bytes]")
    seconds = times[-1] - times[0]
    print(  # noqa: T201 - the measurement
        f"\n{page.server.app}, {what}: longest halt {longest:.0f} ms, {len(tasks)} tasks of 50 ms or more"
        f" (longest {max(tasks, default=0):.0f} ms), {len(times)} messages and {size:,} bytes"
        f" in {seconds:.1f} s"
    )
    assert longest < limit
    assert len(times) <= MOST * (seconds + 2)
    return int(size)


def _ask(page: Notebook, cell: int) -> Locator:
    """The prompt widget of a cell, after its answer has arrived."""
    page.run(cell)
    shown = page.output(cell).locator(".fal-root")
    expect(shown.locator(".fal-state")).to_have_text("ready")
    page.page.evaluate("watch.reset()")
    shown.get_by_label("Prompt", exact=True).fill("x")
    shown.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1, timeout=60_000)
    return shown


def test_the_measure_sees_a_task_that_halts_the_page(page: Notebook) -> None:
    page.page.evaluate("watch.reset()")
    page.page.evaluate("setTimeout(() => { const end = performance.now() + 80; while (performance.now() < end); })")
    page.page.wait_for_function("() => watch.longest >= 80 && Math.max(...watch.tasks) >= 80")


def test_four_thousand_tokens_of_the_magic_do_not_halt_the_page(page: Notebook) -> None:
    page.page.evaluate("watch.reset()")
    output, _ = page.run(1)
    size = _check(page, "4,000 tokens of the magic")
    assert output["data"]["text/plain"].split()[: len(TOKENS)] == TOKENS
    assert size <= 300_000


def test_twenty_kilobytes_in_the_prompt_widget_do_not_halt_the_page(page: Notebook) -> None:
    shown = _ask(page, 2)
    _check(page, "20 kB in the prompt widget")
    assert shown.locator(".fal-answer").inner_text().split()[: len(TOKENS)] == TOKENS


def test_two_hundred_kilobytes_in_the_prompt_widget_cost_less_than_three_times_as_many(page: Notebook) -> None:
    shown = _ask(page, 4)
    words = shown.locator(".fal-answer").inner_text()
    assert words.split()[:LONG] == [f"{number:04d}" for number in range(LONG)]
    assert _check(page, "200 kB in the prompt widget", ALIVE) <= 3 * len(words)


def test_a_hundred_thousand_tokens_at_once_are_all_shown_and_leave_the_page_alive(page: Notebook) -> None:
    page.page.evaluate("watch.reset()")
    output, _ = page.run(3)  # no output besides the answer: the server would report dropped messages in one
    _check(page, "100,000 tokens of the magic at once", ALIVE)
    assert output["data"]["text/plain"].split()[:FLOOD] == [f"{number:04d}" for number in range(FLOOD)]
    expect(page.output(3)).to_contain_text("first token")
    assert page.output(3).inner_text().split()[FLOOD - 1] == str(FLOOD - 1)


def test_two_hundred_kilobytes_of_reasoning_do_not_halt_the_page(page: Notebook) -> None:
    page.page.evaluate("watch.reset()")
    page.start(5)
    expect(page.output(5).locator("details.fal-thinking[open] .fal-newest")).to_be_visible()
    expect(page.output(5)).to_contain_text("The answer")
    page.wait(5)
    _check(page, "200 kB of reasoning")
