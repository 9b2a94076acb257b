"""A queue that fails on purpose: late, cut, refusing, or with an answer that is lost after the work was done.

It stands before a queue and shares nothing with it but the form of the URLs. Faults are armed one by one, or strike at
random with a seed, so that a run can be repeated.
"""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from fal_notebook.local.asgi import ASGIApp, Message, Receive, Scope, Send
from fal_notebook.local.connections import cut
from fal_notebook.local.plain_http import until_gone


class Operation(StrEnum):
    """What a client asks of a queue."""

    SUBMIT = "submit"
    STATUS = "status"
    RESULT = "result"
    CANCEL = "cancel"
    LIST = "list"


class QueueFault(StrEnum):
    """What goes wrong."""

    LATE = "the answer comes late"
    CUT = "the connection is cut, and nothing is done"
    LOST = "it is done, and the connection is cut in place of the answer"
    HALF = "it is done, and the connection is cut in the middle of the answer"
    REFUSED = "it is refused with a status, and nothing is done"


@dataclass(frozen=True)
class _Armed:
    fault: QueueFault
    seconds: float
    status: int
    share: float


@dataclass
class FaultyQueue:
    """An ASGI application before a queue. `arm` and `at_random` are usable from any thread.

    Attributes:
        queue: the queue.
        seed: what chance begins with.
        struck: how often each fault has happened to each operation.
    """

    queue: ASGIApp
    seed: int = 0
    struck: "Counter[tuple[Operation, QueueFault]]" = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311  # chance that is meant to be repeatable
        self._once: dict[Operation, list[_Armed]] = {each: [] for each in Operation}
        self._often: dict[Operation, list[_Armed]] = {each: [] for each in Operation}

    def arm(
        self, operation: Operation, fault: QueueFault, *, times: int = 1, seconds: float = 1.0, status: int = 503
    ) -> None:
        """Let the next requests of one kind fail.

        Args:
            operation: which requests.
            fault: how.
            times: how many of them.
            seconds: how late, for `QueueFault.LATE`.
            status: with which status, for `QueueFault.REFUSED`.
        """
        self._once[operation] += [_Armed(fault, seconds, status, 1.0)] * times

    def at_random(
        self, operation: Operation, fault: QueueFault, share: float, *, seconds: float = 1.0, status: int = 503
    ) -> None:
        """Let a share of all requests of one kind fail, until `mend`; the rest as in `arm`."""
        self._often[operation].append(_Armed(fault, seconds, status, share))

    def mend(self) -> None:
        """Let nothing fail any more."""
        for armed in (*self._once.values(), *self._often.values()):
            armed.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or fail."""
        operation = _operation(scope) if scope["type"] == "http" else None
        armed = operation and self._next(operation)
        if not (operation and armed):
            await self.queue(scope, receive, send)
            return
        self.struck[operation, armed.fault] += 1
        if armed.fault is QueueFault.CUT:
            await _cut(receive, send)
        elif armed.fault is QueueFault.REFUSED:
            await _refuse(armed.status, send)
        else:
            await self._spoil(armed, scope, receive, send)

    def _next(self, operation: Operation) -> _Armed | None:
        if self._once[operation]:
            return self._once[operation].pop(0)
        return next((each for each in self._often[operation] if self._chance.random() < each.share), None)

    async def _spoil(self, armed: _Armed, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.queue(scope, receive, keep)
        if armed.fault is QueueFault.LATE:
            await asyncio.sleep(armed.seconds)
            for message in messages:
                await send(message)
            return
        if armed.fault is QueueFault.HALF:
            body = b"".join(message.get("body", b"") for message in messages)
            await send(messages[0])
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _cut(receive, send, flushed=armed.fault is QueueFault.HALF)


async def _cut(receive: Receive, send: Send, *, flushed: bool = False) -> None:
    """Cut the connection, and wait until the server knows it: it would answer 500 for an application that returns."""
    cut(send, flushed=flushed)
    await until_gone(receive)


async def _refuse(status: int, send: Send) -> None:
    body = json.dumps({"detail": "Refused on purpose"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _operation(scope: Scope) -> Operation | None:
    path, method = scope["path"], scope["method"]
    if path.endswith("/requests/by-endpoint"):
        return Operation.LIST
    if "/requests/" not in path:
        return Operation.SUBMIT if method == "POST" else None
    if path.endswith("/cancel"):
        return Operation.CANCEL
    return Operation.STATUS if path.endswith(("/status", "/status/stream")) else Operation.RESULT
