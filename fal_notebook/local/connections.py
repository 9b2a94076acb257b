"""The server's side of a connection: uvicorn's classes, which here also cut off clients that hold one unused.

A client that sends half a request, reads nothing of its answer, or sends pings and reads nothing, takes memory and a
place for nothing. Its connection is cut when something is due from it and nothing has moved for some twenty to forty
seconds.

uvicorn would choose its implementations by what is installed; here they are fixed. h11 bounds a request's head, and
uvicorn's other class for `websockets` uses legacy parts of that library, which warn of their removal.
"""

import asyncio
from collections.abc import Hashable
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fal_notebook.local.asgi import Send

PATIENCE_SECONDS = 20.0  # between two looks at a client, between two pings, and until a pong has to come
MAX_CONNECTIONS = 1000
_FLUSH_SECONDS = 0.5

_FULL_BODY = b'{"detail": "Too many connections are open; try again later."}'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_FULL_BODY), _FULL_BODY)
)


class _WatchedConnection(asyncio.Protocol):
    """A connection that is cut when something is due from the client and nothing moves."""

    transport: asyncio.Transport
    _due: Hashable = None
    _times_relieved = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._look_later()

    def resume_writing(self) -> None:
        self._times_relieved += 1
        super().resume_writing()

    def due(self) -> Hashable:
        """Return a value that changes as the client does what is due from it; None if nothing is due."""
        unread = self.transport.get_write_buffer_size()
        return (unread, self._times_relieved) if unread else None

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._look)

    def _look(self) -> None:
        if self.transport.get_protocol() is not self or self._is_lost():
            return
        before, self._due = self._due, self.due()
        if self._due is not None and self._due == before:
            self.transport.abort()
        else:
            self._look_later()

    def _is_lost(self) -> bool:
        raise NotImplementedError


class _QuietTransport:
    """A transport that drops silently what is written when the client is gone; asyncio's own logs a line for each."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._write, self._is_closing = transport.write, transport.is_closing

    def write(self, data: bytes) -> None:
        if not self._is_closing():
            self._write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class HTTPConnection(_WatchedConnection, H11Protocol):
    """A connection for plain HTTP, until it becomes one for a WebSocket."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection, or tell it that there are too many."""
        super().connection_made(cast("asyncio.Transport", _QuietTransport(cast("asyncio.Transport", transport))))
        if len(self.connections) > MAX_CONNECTIONS:
            self.transport.write(_FULL)
            self.transport.close()

    def due(self) -> Hashable:
        """Return the same, where the rest of a request's head, or of a body that nobody reads, may be due, too."""
        theirs = self.conn.their_state
        half_a_head = theirs is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0])
        rest_of_body = theirs is h11.SEND_BODY and self.conn.our_state is h11.DONE
        return (theirs, self.cycle) if half_a_head or rest_of_body else super().due()

    def _is_lost(self) -> bool:
        return self not in self.connections


def cut(send: Send, *, flushed: bool = False) -> None:
    """Cut the connection that a plain HTTP request came over, in place of (the rest of) its answer.

    Args:
        send: the server's own, which the application was called with.
        flushed: whether what was sent before still reaches the client.
    """
    transport = cast("Any", send).__self__.transport
    if flushed:
        transport.close()
    else:
        transport.abort()


class WebSocketConnection(_WatchedConnection, WebSocketsSansIOProtocol):
    """A connection for a WebSocket."""

    _last_pongs = b""

    async def send(self, message: Any) -> None:
        """Send what an application sends."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # by a plain HTTP response

    def keepalive_timeout(self) -> None:
        """Cut the connection of a client that did not answer a ping."""
        super().keepalive_timeout()
        # Closing waits until all is written, which a client that does not read never lets happen.
        self.loop.call_later(_FLUSH_SECONDS, self.transport.abort)

    def handle_ping(self) -> None:
        """Answer a ping. A client that does not read gets the pong to its last ping only, and when it reads again."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self._last_pongs = b"".join(self.conn.data_to_send()) or self._last_pongs

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self._last_pongs:
            pongs, self._last_pongs = self._last_pongs, b""
            self.transport.write(pongs)

    def _is_lost(self) -> bool:
        return self.disconnected
