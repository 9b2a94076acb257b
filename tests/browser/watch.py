"""What a page notes of itself: its halts, its long tasks, what comes over WebSockets, and when words stand in a cell.

A halt is a gap between two turns of the event loop, and may be another process that had the processor. What the page
itself does without a break is a task, which the browser reports from 50 ms on (W3C Long Tasks API); its trace says how
much of the processor's time each took.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .lab import Notebook

# To be run in the page before everything else.
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
# Runs a cell, or the prompt box in its output, and looks at the output until the run has ended and the words `last@…`
# stand there, or time is up. They hold when they were sent, by the clock of this machine.
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
    """What the run of a cell was for the page, in milliseconds.

    Attributes:
        first: from Run to the first words.
        last: from the server's send of the last words until they stood in the page; None where they did not.
        ended: from Run to the end of the run; None where it did not end in time.
        longest: the longest halt.
        halts: all of them.
        tasks: of 50 ms or more.
        messages: when each came over a WebSocket, in seconds.
        bytes: of these.
        text: what the cell shows.
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
        """From the first message to the last."""
        return self.messages[-1] - self.messages[0]


def watched(page: Notebook, cell: int, begin: str, seconds: float, *, asks: bool = False) -> Watched:
    """Run a cell whose answer begins with these words and ends with `last@…`, and watch it for so long at the most.

    Args:
        page: the notebook.
        cell: the number of the cell.
        begin: the first words.
        seconds: after which it is watched no more.
        asks: whether the prompt box that the cell shows is run, and not the cell.
    """
    with traced(page) as tasks:
        seen: dict[str, Any] = page.page.evaluate(_RUN, [cell, begin, seconds * 1000, asks])
    return Watched(**seen, task=tasks[0])


@contextmanager
def traced(page: Notebook) -> Iterator[list[float]]:
    """Trace the page, which has to mark the begin by `performance.mark("watch")`.

    The list has at the end the processor time of the longest task from the mark on, in milliseconds.
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
    """The processor time of the page's longest task from the mark on, in milliseconds."""
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
