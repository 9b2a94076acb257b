"""Floor 3: a WebSocket to one target. The only client I/O, and the only place that knows websockets.

What one read of the socket completed is handed over together, by a plain call: a task's turn for each message would
cost more than decoding a token. Plain messages are split off before websockets sees them, which keeps all the rest.
"""

import asyncio
import contextlib
import json
import logging
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    WebSocketException,
)
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.protocol import Event, State

from .errors import ConnectError, FalNotebookError, status_error
from .frames import FrameSplitter, Kind, Piece
from .target import Target

CLOSE_SECONDS = 0.5
"""How long a server may take to answer a close."""
PASSING = (502, 503, 504)
"""The statuses of a handshake that say nothing of the request: the same may succeed in a moment."""

Message = str | bytes
"""A text message, or binary ones: those that came together may be joined."""
Closed = ConnectionClosed
"""The error that says how a WebSocket ended, with what either side said of it."""


class WebSocket(ClientConnection):
    """An open WebSocket whose messages and end go to whom `attach` names.

    Args:
        max_size: the most bytes that a message may have.
        args, options: what websockets gives to every connection.

    Attributes:
        heard: when anything came last, in seconds since the epoch.
    """

    def __init__(self, max_size: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.heard = time.time()
        self._max_size = max_size
        self._messages: list[Message] = []
        self._fragments: bytearray | None = None
        self._is_text = False
        self._splitter: FrameSplitter | None = None
        self._is_opening = True
        self._is_broken = False
        self._on_messages: Callable[[list[Message]], None] | None = None
        self._on_close: Callable[[Closed], None] | None = None

    def attach(self, on_messages: Callable[[list[Message]], None], on_close: Callable[[Closed], None]) -> None:
        """Say who takes the messages, and who hears how the WebSocket closed."""
        self._on_messages, self._on_close = on_messages, on_close
        self._hand_over()

    @property
    def is_open(self) -> bool:
        """Whether, as far as is known here, messages can go both ways."""
        return self.state is State.OPEN

    async def answers(self, seconds: float) -> bool:
        """Whether the server answers a ping within so many seconds."""
        try:
            pong = asyncio.ensure_future(await self.ping())
        except ConnectionClosed:
            return False
        await asyncio.wait({pong}, timeout=seconds)
        return pong.done() and not pong.cancelled() and not pong.exception()

    async def shut(self) -> None:
        """Close; a server that does not answer the close is not waited for long."""
        try:
            with contextlib.suppress(AttributeError):  # as in _abort
                await self.close()
        finally:
            self._abort()

    def data_received(self, data: bytes) -> None:
        """Take what one read of the socket brought; asyncio calls it."""
        self.heard = time.time()
        if self._splitter is None:
            super().data_received(data)
            self._begin_to_split(data)
        else:
            self._take_pieces(self._splitter.feed(data))
        self._hand_over()
        if self.protocol.close_expected():
            self.loop.call_later(CLOSE_SECONDS, self._abort)

    def process_event(self, event: Event) -> None:
        """Take a frame that was no plain message, or the response to the handshake; websockets calls it."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
        elif self._is_broken:
            return  # what stands behind broken text
        else:
            self._take_fragment(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the socket; asyncio calls it."""
        super().connection_lost(exc)
        if self._on_close:
            self._on_close(self.protocol.close_exc)

    def _abort(self) -> None:
        """Cut the socket, which may be lost already: asyncio's transport then has no loop if bytes were unsent."""
        with contextlib.suppress(AttributeError):
            self.transport.abort()

    def _begin_to_split(self, data: bytes) -> None:
        """Split from the end of the handshake on, if that is where the read ended, and nothing will be compressed."""
        if self._is_opening and self.response is not None:
            self._is_opening = False
            if not self.protocol.extensions and data.endswith(b"\r\n\r\n"):
                self._splitter = FrameSplitter(self._max_size)

    def _take_pieces(self, pieces: list[Piece]) -> None:
        is_open = self.is_open
        for kind, piece in pieces:
            if kind is Kind.BINARY and is_open:
                self._messages.append(piece)
                continue
            if kind is Kind.TEXT and is_open:
                self._take_message(piece, is_text=True)
            else:
                super().data_received(piece)
            is_open = self.is_open

    def _take_fragment(self, frame: Frame) -> None:
        if self._fragments is None:
            self._fragments, self._is_text = bytearray(), frame.opcode is Opcode.TEXT
        self._fragments += frame.data
        if frame.fin:
            message, self._fragments = bytes(self._fragments), None
            self._take_message(message, is_text=self._is_text)

    def _take_message(self, message: bytes, *, is_text: bool) -> None:
        try:
            self._messages.append(str(message, "utf-8") if is_text else message)
        except UnicodeDecodeError:
            self._is_broken = True
            self.protocol.fail(CloseCode.INVALID_DATA, "text that is not UTF-8")
            self.send_data()

    def _hand_over(self) -> None:
        if self._messages and self._on_messages:
            messages, self._messages = self._messages, []
            self._on_messages(messages)


class _Connect(connect):
    """The opening of a connection to the address that was asked for and to no other.

    A redirect would carry the credentials along.
    """

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Logger(logging.LoggerAdapter[logging.Logger]):
    """A logger that has no DEBUG level: there websockets logs the handshake's headers, the key among them."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        return level > logging.DEBUG and super().isEnabledFor(level)


async def open_websocket(target: Target, *, max_size: int, open_timeout: float) -> WebSocket:
    """Open a WebSocket.

    Args:
        target: where to.
        max_size: the most bytes that a message may have.
        open_timeout: seconds for the handshake.

    Raises:
        StatusError: the server refused the handshake with an HTTP status.
        ConnectError: no connection came about.
    """
    try:
        websocket = await _Connect(
            target.url,
            additional_headers=target.authorization.headers() if target.authorization else None,
            open_timeout=open_timeout,
            ping_interval=None,  # pings of our own also tell how long the server has been silent
            close_timeout=CLOSE_SECONDS,
            max_size=max_size,
            proxy=None if target.is_local else True,
            logger=_Logger(logging.getLogger(__name__), {}),
            create_connection=partial(WebSocket, max_size),  # type: ignore[arg-type]  # documented as any factory
        )
    except InvalidStatus as exc:
        failure = _refusal(exc, target)
    except (OSError, EOFError, ValueError, ImportError, WebSocketException) as exc:  # a SOCKS proxy wants a package
        failure = _no_connection(exc, target)
    else:
        assert isinstance(websocket, WebSocket)  # noqa: S101 - the type that create_connection makes
        return websocket
    # Raised out here, it has no context: the frames of the handshake hold the key.
    raise failure


def is_too_big(closed: Closed) -> bool:
    """Whether a WebSocket was closed here because a message of the server had more than ``max_size`` bytes."""
    return closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG and not closed.rcvd_then_sent


def is_refused_as_too_big(closed: Closed) -> bool:
    """Whether the server closed it because a message had more bytes than it takes.

    Its close is answered with the same code (RFC 6455, 5.5.1), so that the order tells who closed.
    """
    is_first = closed.sent is None or closed.rcvd_then_sent
    return closed.rcvd is not None and closed.rcvd.code == CloseCode.MESSAGE_TOO_BIG and bool(is_first)


def _refusal(exc: InvalidStatus, target: Target) -> FalNotebookError:
    """A handshake that the server answered with an HTTP status. The request was not sent."""
    response = exc.response
    detail = _detail(bytes(response.body or b""), target)
    if response.status_code < 300:
        return ConnectError(f"{target.url} answered with status {response.status_code}: it does not speak WebSocket")
    if response.status_code < 400:
        return ConnectError(f"{target.url} answered with a redirect ({response.status_code}), which is not followed")
    headers = {name.lower(): target.redact(value) for name, value in response.headers.raw_items()}
    request_id = headers.get("x-fal-request-id")
    return status_error(
        response.status_code,
        detail,
        endpoint=target.endpoint,
        request_id=request_id,
        headers=headers,
        in_handshake=True,
    )


def _detail(body: bytes, target: Target) -> Any:
    text = target.redact(body.decode("utf-8", "replace"))
    try:
        value = json.loads(text)
    except ValueError:
        return text[:500]
    return value.get("detail", value) if isinstance(value, dict) else value


def _no_connection(exc: Exception, target: Target) -> ConnectError:
    hint = "is the gateway running? `fal-notebook serve` starts one" if target.is_local else "check network and proxy"
    if isinstance(exc, TimeoutError):
        return ConnectError(f"{target.url} did not answer in time", hint=hint, may_pass=True)
    reason = "it does not speak WebSocket" if isinstance(exc, InvalidHandshake) else str(exc) or type(exc).__name__
    message = target.redact(f"no connection to {target.url}: {reason}")
    return ConnectError(message, hint=hint, may_pass=_may_pass(exc, target))


def _may_pass(exc: Exception, target: Target) -> bool:
    """Whether the same handshake may succeed in a moment: it broke off, or no way led there."""
    if isinstance(exc, InvalidProxyStatus):
        return exc.response.status_code in PASSING
    if isinstance(exc, ssl.SSLError):  # a certificate, or no TLS at all; a cut is none of these
        return isinstance(exc, ssl.SSLEOFError)
    if isinstance(exc, socket.gaierror):
        return exc.errno == socket.EAI_AGAIN
    if isinstance(exc, OSError) and target.is_local:  # no other way than the one on which nobody listens
        return isinstance(exc, ConnectionResetError | ConnectionAbortedError | BrokenPipeError)
    return isinstance(exc, OSError | EOFError | InvalidMessage | InvalidProxyMessage)
