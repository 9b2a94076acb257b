"""Runs blocking work on a thread, so that an event loop goes on meanwhile.

asyncio's own thread pool does not fit: it refuses work once the main thread has ended, although other threads may
still run, and the interpreter cannot exit before the pool's work is done.
"""

import asyncio
import concurrent.futures
import contextvars
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Value = TypeVar("Value")


async def on_thread(work: Callable[[], Value]) -> Value:
    """Call ``work()`` on a new thread and return its value. Cancelling does not stop the thread."""
    done: concurrent.futures.Future[Value] = concurrent.futures.Future()
    done.set_running_or_notify_cancel()
    thread = threading.Thread(target=_do, args=(work, done), name="fal_notebook work", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is exiting and starts no threads; blocking the loop does no harm then
        return work()
    return await asyncio.wrap_future(done)


def _do(work: Callable[[], Value], done: "concurrent.futures.Future[Value]") -> None:
    try:
        done.set_result(work())
    except BaseException as exc:  # noqa: BLE001 - it is raised where the work is awaited
        done.set_exception(exc)


class IOLoop(asyncio.SelectorEventLoop):
    """An event loop that resolves host names on new threads, and tolerates calls from other threads after its end."""

    def call_soon_threadsafe(  # type: ignore[override]  # the base takes what the callback takes
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Call back on the loop. Once it is closed, do nothing: the caller wants to stop what has already ended."""
        try:
            return super().call_soon_threadsafe(callback, *args, context=context)
        except RuntimeError:
            if not self.is_closed():
                raise
            return asyncio.Handle(callback, args, self, context)

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - asyncio's name
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """Resolve a host name as `socket.getaddrinfo` does; asyncio calls this when it opens a connection."""
        return await on_thread(lambda: socket.getaddrinfo(host, port, family, type, proto, flags))
