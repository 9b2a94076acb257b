"""Follows a stream on a thread of its own, so that the kernel stays free.

Such a thread may show things only by comm messages and by updates of a display id, which name their widget or output.
``print`` and ``display`` would write into whichever cell runs at that moment.
"""

import threading
import time
from collections.abc import Callable, Sequence

from ..response.updates import Update
from .result import Result, show_safely
from .streaming import Stream, end_of

_REFRESHES = 10  # a second: looks steady to the eye, and is far below what Jupyter can carry
_IDLE_TICK = 0.25


def follow_in_thread(
    stream: Stream, show: Callable[[Sequence[Update]], None], finish: Callable[[Result], None]
) -> threading.Thread:
    """Read a stream to its end on a new thread.

    Args:
        stream: the request; nobody else may read it.
        show: called with the updates that have arrived: at once with the first and the last, otherwise at most 10 times
            a second. While nothing arrives it is called with an empty list, a few times a second.
        finish: called with the result, however the request ended. If ``show`` failed, that failure is the result's
            error. If ``finish`` fails, it is called once more; see `show_safely`.
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
    except Exception as exc:  # noqa: BLE001 - no failure may lose the answer
        failure = exc
    show_safely(end_of(stream, failure), finish)
