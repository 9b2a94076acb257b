"""Measures how long an interrupt may have to wait for Python to handle it, with a signal every millisecond."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def longest_interrupt_delay() -> Iterator[list[float]]:
    """The longest time of this thread, in seconds, without a handled signal. After the block it is the list's item."""
    gaps = [0.0]
    last = time.thread_time()

    def hear(_: int = 0, __: FrameType | None = None) -> None:
        nonlocal last
        now = time.thread_time()
        gaps[0], last = max(gaps[0], now - last), now

    before = signal.signal(signal.SIGALRM, hear)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        yield gaps
        hear()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
