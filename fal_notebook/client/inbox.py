"""The queue by which the I/O thread hands what it receives to the thread or the event loop that waits for it.

Waking another thread costs more than decoding a token. So the consumer is woken once, for everything that has arrived
by the time it runs.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """A queue that any thread fills and one consumer empties, by blocking or by awaiting."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._filled = threading.Event()
        self._wake: Callable[[], None] | None = None

    def begin_anew(self) -> None:
        """Replace the lock in a forked process, where a thread that no longer exists may hold it."""
        self._filled = threading.Event()

    def put(self, *items: Item) -> None:
        """Add items; from any thread."""
        self._items.extend(items)
        if items and not self._filled.is_set():
            self._filled.set()
            if wake := self._wake:
                try:
                    wake()
                except BaseException:
                    self._filled.clear()  # so that the next `put` wakes the consumer
                    raise

    def take(self) -> list[Item]:
        """Remove and return all items, oldest first; never waits."""
        self._filled.clear()
        return [self._items.popleft() for _ in range(len(self._items))]

    def wait(self, timeout: float | None = None) -> None:
        """Block until there are items, or for ``timeout`` seconds. An interrupt ends the wait."""
        self._filled.wait(timeout)

    async def wait_async(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - a time-out is no error here
        """Like `wait`, on the running event loop; its other tasks go on."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        self._wake = lambda: _call(loop, woken)
        try:
            if not self._filled.is_set():
                await asyncio.wait({woken}, timeout=timeout)
        finally:
            self._wake = None


def _call(loop: asyncio.AbstractEventLoop, woken: "asyncio.Future[None]") -> None:
    with contextlib.suppress(RuntimeError):  # the consumer's loop has closed: nobody waits any more
        loop.call_soon_threadsafe(_wake_up, woken)


def _wake_up(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
