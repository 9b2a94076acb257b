"""Passes results of a thread to the event loop one by one, and tells the thread when nobody reads them any more.

Threads cannot be cancelled: they look at ``Outlet.closed`` at every step and stop by themselves. They come
from the loop's executor, which is waited for when the loop ends, so no native code is left running while
Python finishes.
"""

import asyncio
import enum
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _End(enum.Enum):
    END = enum.auto()


class Outlet(Generic[T]):
    """The thread's end of a stream."""

    def __init__(self, loop: asyncio.AbstractEventLoop, items: "asyncio.Queue[T | _End]") -> None:
        self._loop = loop
        self._items = items
        self.closed = False

    def put(self, item: T) -> None:
        """Hand one item to the event loop."""
        self._loop.call_soon_threadsafe(self._items.put_nowait, item)

    def is_closed(self) -> bool:
        """Tell whether nobody reads any more."""
        return self.closed


async def stream_from_thread(produce: Callable[[Outlet[T]], None]) -> AsyncGenerator[T, None]:
    """Run ``produce`` in a thread and yield what it puts into its outlet, as it comes.

    Leaving the generator early (by ``aclose`` or a cancelled task) closes the outlet.

    Raises:
        Exception: what ``produce`` raised, after the items that it put before.
    """
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[T | _End] = asyncio.Queue()
    outlet = Outlet(loop, items)
    work = loop.run_in_executor(None, produce, outlet)
    work.add_done_callback(lambda _: items.put_nowait(_End.END))
    try:
        while (item := await items.get()) is not _End.END:
            yield item
        await work
    finally:
        outlet.closed = True
