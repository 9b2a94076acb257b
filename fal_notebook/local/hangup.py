"""What happens to an application's work when its client hangs up: the application is told, and soon cancelled.

It is the same for plain HTTP and for a WebSocket. An application that computes one long answer does not ask whether its
client is there. One that sends without a pause lets no other task run, so that nobody would notice the client's end: so
every `send` yields now and then. An application that goes on after it was cancelled is slowed down.
"""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from typing import Any

from fal_notebook.local.asgi import ASGIApp, Message, Scope

_GRACE_SECONDS = 0.5
_TURN_SECONDS = 0.005
_ABANDONED_SECONDS = 0.1


class Yielder:
    """Lets other tasks run now and then, which a server's ``send`` does not always do."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    async def yield_if_due(self) -> None:
        """Let other tasks run, if the last time is long ago."""
        now = time.perf_counter()
        if now - self._last > _TURN_SECONDS:
            await asyncio.sleep(0)
            self._last = now


class Call(ABC):
    """A request, its response so far, and the ``receive`` and ``send`` that an application is called with.

    The state is small: *started* when the application has sent its status, *complete* when it has sent the last
    of its body, *over* when nothing may be sent any more, be it that the response is complete or that the client
    is gone.

    Args:
        scope: the request.
        body: all of its body.

    Attributes:
        status: the response's, once it has started.
        complete: whether the application has sent the last of its response.
    """

    def __init__(self, scope: Scope, body: bytes) -> None:
        self.scope = scope
        self.status: int | None = None
        self.complete = False
        self._body: bytes | None = body
        self._over = asyncio.Event()
        self._abandoned = False
        self._yielder = Yielder()

    async def receive(self) -> Message:
        """Give the application the body, and after it ``http.disconnect`` once the call is over."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._over.wait()
        await self._yield()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass a part of the application's response on, or drop it silently once the call is over.

        Raises:
            RuntimeError: the response has not started, or has started already.
        """
        if self._over.is_set():
            await self._yield()
            return
        kind = message["type"]
        if kind == ("http.response.body" if self.status is None else "http.response.start"):
            raise RuntimeError(f"The application sent {kind!r} out of place")
        if kind == "http.response.start":
            self.status = message["status"]
        try:
            await self._pass_on(message)
        except OSError:  # how an ASGI server says that the client has gone
            self._over.set()
        await self._yielder.yield_if_due()

    def client_gone(self) -> None:
        """Tell the application that nobody waits for its response."""
        self._over.set()

    def abandon(self) -> None:
        """Slow down an application that was cancelled and goes on sending or receiving regardless."""
        self._over.set()
        self._abandoned = True

    async def close(self) -> None:
        """Bring the response to an end that the client understands, when the application has returned."""
        if self.complete:
            return
        if self.status is not None:
            await self._break_off()
            return
        body = json.dumps({"detail": "Internal Server Error"}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    @abstractmethod
    async def _pass_on(self, message: Message) -> None:
        """Send a part of the response to the client, and set ``complete`` at its end."""

    @abstractmethod
    async def _break_off(self) -> None:
        """Let the client see that the rest of the response is missing."""

    async def _yield(self) -> None:
        """Let other tasks run, among them the one that cancels this application."""
        await asyncio.sleep(_ABANDONED_SECONDS if self._abandoned else 0)


async def run_while_wanted(app: ASGIApp, call: Call, gone: "asyncio.Future[Any]") -> "asyncio.Task[None]":
    """Run an application until it returns, or half a second longer than its client waits; return its ended task."""
    work = asyncio.create_task(_run(app, call))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() and not call.complete:
            call.client_gone()
            await asyncio.wait({work}, timeout=_GRACE_SECONDS)
            call.abandon()
            work.cancel()
        await asyncio.wait({work})
    finally:
        if not work.done():
            call.abandon()
            work.cancel()
    return work


async def _run(app: ASGIApp, call: Call) -> None:
    try:
        await app(call.scope, call.receive, call.send)
    except (SystemExit, KeyboardInterrupt) as error:
        # Raised out of a task, they would end the server's event loop.
        raise RuntimeError(f"The application raised {type(error).__name__}") from error
