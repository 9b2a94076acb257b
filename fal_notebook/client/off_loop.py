"""Work that would hold up an event loop, done on a thread while the loop goes on.

asyncio's own threads come from a pool that takes nothing any more once the main thread has ended, although other
threads may go on; and an interpreter that ends waits for what they do.
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
    """The value of ``work()``, called on a thread of its own. Cancelling leaves the thread to itself."""
    done: concurrent.futures.Future[Value] = concurrent.futures.Future()
    done.set_running_or_notify_cancel()
    thread = threading.Thread(target=_do, args=(work, done), name="fal_notebook work", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # an interpreter that ends begins no thread, and has nobody left to be held up
        return work()
    return await asyncio.wrap_future(done)


def _do(work: Callable[[], Value], done: "concurrent.futures.Future[Value]") -> None:
    try:
        done.set_result(work())
    except BaseException as exc:  # noqa: BLE001 - it is raised where the work is awaited
        done.set_exception(exc)


class IOLoop(asyncio.SelectorEventLoop):
    """An event loop that looks names up on threads of its own, and that other threads may outlive."""

    def call_soon_threadsafe(  # type: ignore[override]  # the base takes what the callback takes
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Call back on the loop. Once it has closed nothing is called: a wish to stop what has ended comes too late."""
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
        """What `socket.getaddrinfo` says; asyncio calls it when it opens a connection."""
        return await on_thread(lambda: socket.getaddrinfo(host, port, family, type, proto, flags))
