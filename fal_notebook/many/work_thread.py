"""A thread that does blocking work for an event loop, one piece after the other."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")


class WorkThread:
    """Used by one event loop. It has to be closed.

    Args:
        name: the thread's name.
    """

    def __init__(self, name: str) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], Value]) -> "asyncio.Future[Value]":
        """Do some work behind that of earlier calls. Cancelling the future does not stop it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Value] = loop.create_future()

        def do() -> None:
            try:
                value = work()
            except BaseException as exc:  # noqa: BLE001 - it is raised where the work is awaited
                _tell(loop, done, done.set_exception, exc)
            else:
                _tell(loop, done, done.set_result, value)

        self._work.put(do)
        return done

    def close(self, seconds: float) -> None:
        """End the thread after the work that it has, and wait for so long until it has ended."""
        self._work.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _tell(
    loop: asyncio.AbstractEventLoop, done: "asyncio.Future[Any]", tell: Callable[[Any], None], value: Any
) -> None:
    def end() -> None:
        if not done.done():
            tell(value)

    try:
        loop.call_soon_threadsafe(end)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return
