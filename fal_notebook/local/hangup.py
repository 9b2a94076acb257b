"""What happens to an application's work when its client hangs up: it is told, and soon after cancelled.

A WebSocket is read all the time, so that its end is seen. Plain HTTP servers tell of it only who asks, and an
application that computes one long answer does not: its client's end is watched for here, as soon as the application
has read the request's body.
"""

import asyncio
from typing import Any, Protocol

from fal_notebook.local.asgi import ASGIApp, Message, Receive, Scope, Send

_GRACE_SECONDS = 0.5


class Call(Protocol):
    """What an application is called with; ``complete`` when it has sent the last of its response."""

    scope: Scope
    complete: bool

    async def receive(self) -> Message:
        """Give the application what the client sent."""

    async def send(self, message: Message) -> None:
        """Pass a part of the response on."""

    def client_gone(self) -> None:
        """Learn that nobody waits for the response."""


async def run_while_wanted(app: ASGIApp, call: Call, gone: "asyncio.Future[Any]") -> "asyncio.Task[None]":
    """Run an application until it returns, or half a second longer than its client waits; return its ended task."""
    work = asyncio.create_task(_run(app, call))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() and not call.complete:
            call.client_gone()
            await asyncio.wait({work}, timeout=_GRACE_SECONDS)
            work.cancel()
        await asyncio.wait({work})
    finally:
        work.cancel()
    return work


async def _run(app: ASGIApp, call: Call) -> None:
    await app(call.scope, call.receive, call.send)


class PlainCall:
    """A plain HTTP request whose client is watched.

    Attributes:
        gone: done when the client is.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.complete = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._receive = receive
        self._send = send
        self._watch: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        """Give the application the body, and after it ``http.disconnect`` once the client is gone."""
        if self._watch is not None:
            await asyncio.wait({self.gone})
            return {"type": "http.disconnect"}
        message = await self._receive()
        if not message.get("more_body", False):
            self._watch = asyncio.create_task(self._until_gone())
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the response on."""
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.complete = True
        await self._send(message)

    def client_gone(self) -> None:
        """Nothing: who asks is told by `receive`."""

    def close(self) -> None:
        """Watch no more."""
        if self._watch is not None:
            self._watch.cancel()

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone.set_result(None)
