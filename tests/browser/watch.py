"""Records a page's halts, long tasks and WebSocket messages, and the times at which text appears in a cell.

A halt is a gap between two turns of the page's event loop; it may come from another process that used the processor. A
task is work that the page does without a break; the browser reports those of 50 ms and more (W3C Long Tasks API). The
browser's trace tells how much processor time each task took.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .lab import Notebook

# This script runs in the page before anything else.
WATCH = """
const fresh = () => ({longest: 0, halts: [], tasks: [], messages: [], bytes: 0, last: performance.now()});
window.watch = {reset: () => Object.assign(watch, fresh())};
watch.reset();
const {port1, port2} = new MessageChannel();
port1.onmessage = () => {
  const now = performance.now();
  watch.longest = Math.max(watch.longest, now - watch.last);
  watch.halts.push(now - watch.last);
  watch.last = now;
  setTimeout(() => port2.postMessage(0), 4);
};
port2.postMessage(0);
new PerformanceObserver(list => watch.tasks.push(...list.getEntries().map(({duration}) => duration)))
  .observe({entryTypes: ["longtask"]});
const Socket = WebSocket;
window.WebSocket = class extends Socket {
  constructor(...rest) {
    super(...rest);
    this.addEventListener("message", ({data}) => {
      watch.messages.push(performance.now() / 1000);
      watch.bytes += data.byteLength ?? data.size ?? data.length;
    });
  }
};
"""
# Runs a cell, or the prompt box in its output, and watches the output until the run has ended and it shows `last@…`, or
# until the time is up. That text contains the time when it was sent, by the clock of this machine.
_RUN = """
([cell, begin, limit, asks]) => new Promise(resolve => {
  const {content} = jupyterapp.shell.currentWidget;
  const area = content.widgets[cell].outputArea.node;
  const seen = {first: null, last: null, ended: null};
  const began = performance.now();
  const done = () => {
    look.disconnect();
    const {longest, halts, tasks, messages, bytes} = watch;
    resolve({...seen, longest, halts, tasks, messages, bytes, text: area.textContent});
  };
  const end = () => {
    seen.ended ??= performance.now() - began;
    settle();
  };
  const settle = () => seen.last !== null && seen.ended !== null && setTimeout(done, 300);
  const look = new MutationObserver(() => {
    const text = area.textContent;
    if (asks && area.querySelector("[data-end]")) end();
    if (seen.first === null && text.includes(begin)) seen.first = performance.now() - began;
    const at = text.lastIndexOf("last@");
    if (seen.last !== null || at < 0) return;
    seen.last = Date.now() - parseFloat(text.slice(at + 5, at + 24));
    settle();
  });
  look.observe(area, {childList: true, characterData: true, subtree: true});
  content.activeCellIndex = cell;
  setTimeout(done, limit);
  if (asks) area.querySelector(".fal-primary").click();
  else jupyterapp.commands.execute("notebook:run-cell").then(end);
  // What the page does by itself to begin any run is no part of this one.
  setTimeout(() => { watch.reset(); performance.mark("watch"); });
})
"""


@dataclass(frozen=True)
class Watched:
    """What the page recorded while a cell ran; times are in milliseconds.

    Attributes:
        first: from Run until the first words were shown.
        last: from the server's sending of the last words until they were shown; None if they were not.
        ended: from Run to the end of the run; None if it did not end in time.
        longest: the longest halt.
        halts: all halts.
        tasks: all tasks of 50 ms and more.
        messages: the time at which each WebSocket message came, in seconds.
        bytes: the bytes of these messages.
        text: the text that the cell shows.
        task: the processor time of the longest task.
    """

    first: float | None
    last: float | None
    ended: float | None
    longest: float
    halts: list[float]
    tasks: list[float]
    messages: list[float]
    bytes: int
    text: str
    task: float

    @property
    def seconds(self) -> float:
        """The time from the first message to the last."""
        return self.messages[-1] - self.messages[0]


def watched(page: Notebook, cell: int, begin: str, seconds: float, *, asks: bool = False) -> Watched:
    """Run a cell and watch its output.

    Args:
        page: the notebook.
        cell: the number of the cell.
        begin: the words with which its answer begins; it has to end with `last@…`.
        seconds: the longest time to watch it.
        asks: whether to run the prompt box that the cell shows, and not the cell.
    """
    with traced(page) as tasks:
        seen: dict[str, Any] = page.page.evaluate(_RUN, [cell, begin, seconds * 1000, asks])
    return Watched(**seen, task=tasks[0])


@contextmanager
def traced(page: Notebook) -> Iterator[list[float]]:
    """Trace the page, which has to call `performance.mark("watch")` at the beginning.

    After the block the list holds the processor time of the longest task since that mark, in milliseconds.
    """
    browser = page.page.context.browser
    if browser is None:
        raise RuntimeError("the page has no browser")
    longest: list[float] = []
    browser.start_tracing(page=page.page, categories=["toplevel", "blink.user_timing"])
    try:
        yield longest
    finally:
        longest.append(_longest_task(json.loads(browser.stop_tracing())["traceEvents"]))


def _longest_task(events: list[dict[str, Any]]) -> float:
    """The processor time of the page's longest task since the mark, in milliseconds."""
    mark = next(each for each in events if each["name"] == "watch")
    tasks = [
        each["tdur"]
        for each in events
        if each["name"].endswith("RunTask")
        and (each["pid"], each["tid"]) == (mark["pid"], mark["tid"])
        and each["ts"] > mark["ts"]
        and "tdur" in each
    ]
    return max(tasks, default=0) / 1000
