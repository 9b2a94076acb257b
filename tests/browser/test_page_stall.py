"""What a long answer costs the page: the longest halt of its main thread, and the messages that reach it.

A halt is a gap between two turns of the event loop, and may be another process that had the processor. What the page
itself does without a break is a task, which the browser reports from 50 ms on (W3C Long Tasks API).
The measures are printed, with ``-s``; what is asserted also holds on a busy machine of two cores.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook

# Notes the longest time between two turns of the event loop, and what comes over WebSockets.
STALL = """
const fresh = () => ({longest: 0, tasks: [], messages: [], bytes: 0, last: performance.now()});
window.stall = {reset: () => Object.assign(stall, fresh())};
stall.reset();
const {port1, port2} = new MessageChannel();
port1.onmessage = () => {
  const now = performance.now();
  stall.longest = Math.max(stall.longest, now - stall.last);
  stall.last = now;
  setTimeout(() => port2.postMessage(0), 4);
};
port2.postMessage(0);
new PerformanceObserver(list => stall.tasks.push(...list.getEntries().map(({duration}) => duration)))
  .observe({entryTypes: ["longtask"]});
const Socket = WebSocket;
window.WebSocket = class extends Socket {
  constructor(...rest) {
    super(...rest);
    this.addEventListener("message", ({data}) => {
      stall.messages.push(performance.now() / 1000);
      stall.bytes += data.byteLength ?? data.size ?? data.length;
    });
  }
};
"""
TOKENS = [f"{number:04d}" for number in range(4000)]
CELLS = [
    "%load_ext fal_notebook",
    "%falstream test/paced/stream prompt=x count:=4000 rate:=1000 -o answer",
    "from fal_notebook import PromptWidget\nPromptWidget('test/paced/stream', {'count': 4000, 'rate': 1000})",
]
LONGEST = 1000  # milliseconds
MOST = 40  # messages a second; those that begin and end a run, and what the page asks, are fewer than two seconds'


@pytest.fixture
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "stall.ipynb", script=STALL) as opened:
        opened.run(0)
        yield opened


def _check(page: Notebook, what: str) -> None:
    longest, tasks, times, size = page.page.evaluate("[stall.longest, stall.tasks, stall.messages, stall.bytes]")
    seconds = times[-1] - times[0]
    print(  # noqa: T201 - the measurement
        f"\n{page.server.app}, {what}: longest halt {longest:.0f} ms, {len(tasks)} tasks of 50 ms or more"
        f" (longest {max(tasks, default=0):.0f} ms), {len(times)} messages and {size:,} bytes"
        f" in {seconds:.1f} s"
    )
    assert longest < LONGEST
    assert len(times) <= MOST * (seconds + 2)


def test_the_measure_sees_a_task_that_halts_the_page(page: Notebook) -> None:
    page.page.evaluate("stall.reset()")
    page.page.evaluate("setTimeout(() => { const end = performance.now() + 80; while (performance.now() < end); })")
    page.page.wait_for_function("() => stall.longest >= 80 && Math.max(...stall.tasks) >= 80")


def test_four_thousand_tokens_of_the_magic_do_not_halt_the_page(page: Notebook) -> None:
    page.page.evaluate("stall.reset()")
    (output,) = page.run(1)
    _check(page, "4,000 tokens of the magic")
    assert output["data"]["text/plain"].split()[: len(TOKENS)] == TOKENS


def test_twenty_kilobytes_in_the_prompt_widget_do_not_halt_the_page(page: Notebook) -> None:
    page.run(2)
    shown = page.output(2).locator(".fal-root")
    expect(shown.locator(".fal-state")).to_have_text("ready")
    page.page.evaluate("stall.reset()")
    shown.get_by_label("Prompt", exact=True).fill("x")
    shown.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1, timeout=60_000)
    _check(page, "20 kB in the prompt widget")
    assert shown.locator(".fal-answer").inner_text().split()[: len(TOKENS)] == TOKENS
