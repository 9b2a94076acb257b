"""What the local endpoints answer with: JSON, server-sent events, and streams that end when nobody reads."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

T = TypeVar("T")


class ClosingStream(StreamingResponse):
    """A streamed response that closes its source at once when the client goes away.

    Starlette leaves that to the garbage collector, and the computing thread would go on meanwhile.
    """

    def __init__(self, content: AsyncGenerator[bytes, None], media_type: str) -> None:
        super().__init__(content, media_type=media_type, headers={"Cache-Control": "no-store"})
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI asks."""
        async with aclosing(self._content):
            await super().__call__(scope, receive, send)


def event_stream(events: AsyncGenerator[bytes, None]) -> ClosingStream:
    """Answer with server-sent events, each made by ``event`` or ``fal_event``."""
    return ClosingStream(events, "text/event-stream")


def event(data: object) -> bytes:
    """Write one server-sent event in its shortest form."""
    return f"data: {json.dumps(data)}\n\n".encode()


def fal_event(data: object) -> bytes:
    """Write one server-sent event as fal's language models do: named, with CRLF."""
    return f"event: event\r\ndata: {json.dumps(data)}\r\n\r\n".encode()


async def primed(source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Wait for the first item, so that a failure before it can still be answered with a status of its own.

    Returns:
        The same stream, the first item included.
    """
    try:
        first = [await anext(source)]
    except StopAsyncIteration:
        first = []
    return _chain(first, source)


async def _chain(first: list[T], source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    async with aclosing(source):
        for item in first:
            yield item
        async for item in source:
            yield item
