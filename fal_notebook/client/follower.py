"""A stream followed on a thread of its own, so that the kernel stays free.

What is shown from there has to be addressed: comm messages and display updates reach their widget and their output
from any thread, but ``print`` and ``display`` land in whichever cell runs just then.
"""

import threading
import time
from collections.abc import Callable, Sequence

from ..response.updates import Update
from .result import Result, shown
from .streaming import Stream, end_of

_REFRESHES = 10  # a second: what an eye takes as steady, and far below what Jupyter carries
_IDLE_TICK = 0.25


def follow_in_thread(
    stream: Stream, show: Callable[[Sequence[Update]], None], finish: Callable[[Result], None]
) -> threading.Thread:
    """Take a stream to its end on a thread.

    Args:
        stream: the request, which no one else takes from.
        show: called with what has come, at once with the first and the last and else at most 10 times a second; with
            nothing a few times a second while nothing comes.
        finish: called with the result, however the request ended; where ``show`` failed, that is its error. Where it
            fails, it is called once more; see `shown`.
    """
    thread = threading.Thread(target=_follow, args=(stream, show, finish), name="fal_notebook follow", daemon=True)
    thread.start()
    return thread


def _follow(stream: Stream, show: Callable[[Sequence[Update]], None], finish: Callable[[Result], None]) -> None:
    due = 0.0
    news: list[Update] = []
    failure: Exception | None = None
    try:
        while not stream.is_done:
            stream.wait(max(0.001, due - time.monotonic()) if news else _IDLE_TICK)
            news += stream.take()
            if time.monotonic() >= due or stream.is_done:
                show(news)
                due, news = time.monotonic() + 1 / _REFRESHES if news else due, []
    except Exception as exc:  # noqa: BLE001 - whatever it is, the answer is kept
        failure = exc
    shown(end_of(stream, failure), finish)
