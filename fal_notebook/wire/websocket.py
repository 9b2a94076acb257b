"""A WebSocket to one target. The only client I/O, and the only place that knows websockets.

What one read of the socket completed is handed over together, by a plain call: a task's turn for each message would
cost more than decoding a token. Plain messages are split off before websockets sees them, which keeps all the rest.

What goes out is given to the socket in small pieces, each when the one before has left. So nearly all of a large
message that the server does not read stays here, where it can be taken back and its progress can be seen.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import socket
import ssl
import struct
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    ProtocolError,
    ProxyError,
    WebSocketException,
)
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.protocol import Event, State
from websockets.typing import ExtensionParameter

from ..errors import ConnectError, FalNotebookError, status_error
from ..safety.plain_text import excerpt, page_words
from .frames import FrameSplitter, Kind, Piece
from .target import Target

_PROXY_HINT = "HTTPS_PROXY, or what else names one here, is like http://host:8080"
_ADDRESS_HINT = "check the address and the network, whose login page may answer for it"
CLOSE_SECONDS = 0.5
"""How long a server may take to answer a close."""
_PIECE = 65_536
"""How many bytes are given to the socket at once, and about how many the system holds that it has not sent."""
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""The value of ``SO_LINGER`` by which a socket that is closed throws away what it has not sent."""
_PONG = b"\x8a"
"""The first byte of a pong (RFC 6455, 5.2)."""
PASSING = (502, 503, 504)
"""The statuses of a handshake that say nothing of the request: the same may succeed in a moment."""

PASSING_CODES = (
    CloseCode.GOING_AWAY,
    CloseCode.ABNORMAL_CLOSURE,
    CloseCode.INTERNAL_ERROR,
    CloseCode.SERVICE_RESTART,
    CloseCode.TRY_AGAIN_LATER,
    CloseCode.BAD_GATEWAY,
)
"""The codes of a close that say the same."""
_FURTHER_ADDRESS_SECONDS = 0.25
"""How long one address of a host is tried alone before the next is, too (RFC 8305, 5)."""
_TAIL = b"\x00\x00\xff\xff"
"""What stands behind each compressed message and is not sent (RFC 7692, 7.2.2)."""
_WINDOW = 32_768
"""How far back compressed data may refer."""

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
        queued: how many bytes have been given to it to be sent, frames and handshake included.
        head: how the response to the handshake begins.
        failure: what went wrong when something of it was taken, which has cut it.
    """

    def __init__(self, max_size: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.heard = time.time()
        self.queued = 0
        self.head = b""
        self._unwritten: deque[memoryview] = deque()
        self._pong = memoryview(b"")
        self._given = 0
        self.failure: Exception | None = None
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

    @property
    def written(self) -> int:
        """How many of the bytes `queued` the system has taken; of a socket that is lost, at least that many."""
        return self._given - self.transport.get_write_buffer_size()

    def send_message(self, text: str) -> int:
        """Begin to send a text message, and return how many bytes will have been `written` when it is sent whole."""
        self.protocol.send_text(text.encode())
        self.send_data()
        return self.queued

    async def answers(self, seconds: float) -> bool:
        """Whether the server answers a ping within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await (await self.ping())
        except (TimeoutError, ConnectionClosed):
            return False
        return True

    def cut(self) -> None:
        """Be closed at once: of what the server's system has not received by now, it receives nothing."""
        self._unwritten.clear()
        with contextlib.suppress(OSError, AttributeError):  # the socket may be lost already
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._abort()

    async def shut(self) -> None:
        """Close; a server that does not answer the close is not waited for long."""
        try:
            with contextlib.suppress(AttributeError, TimeoutError):  # AttributeError: as in _abort
                async with asyncio.timeout(CLOSE_SECONDS):
                    await (self.wait_closed() if self.transport.is_closing() else self.close())
        finally:
            self._abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket; asyncio calls it."""
        super().connection_made(transport)
        with contextlib.suppress(OSError, AttributeError):  # not every system has it
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _PIECE)

    def send_data(self) -> None:
        """Write what websockets has to send, now or when the socket takes it; websockets calls it."""
        for data in self.protocol.data_to_send():
            piece = memoryview(data)
            if data[:1] == _PONG:
                if self._unwritten and self._unwritten[-1] is self._pong:
                    self.queued -= len(self._unwritten.pop())  # the latest answers all pings (RFC 6455, 5.5.3)
                self._pong = piece
            self.queued += len(data)
            self._unwritten.append(piece)
        if self._unwritten and len(self._unwritten[0]) > _PIECE:
            self.loop.call_later(0, self._write)  # what the server has said meanwhile is heard first
        else:
            self._write()

    def resume_writing(self) -> None:
        """Go on to write; asyncio calls it when the socket has taken what it was given."""
        super().resume_writing()
        self._write()

    def eof_received(self) -> None:
        """Take the server's end of the conversation; asyncio calls it, and closes when all is written."""
        super().eof_received()
        if self.written < self.queued:  # a server that reads no more is not waited for
            self.loop.call_later(CLOSE_SECONDS, self._abort)

    def data_received(self, data: bytes) -> None:
        """Take what one read of the socket brought; asyncio calls it."""
        try:
            self._receive(data)
        except Exception as exc:  # noqa: BLE001 - asyncio would cut the socket, too, and print a traceback
            self._break_off(exc)

    def _receive(self, data: bytes) -> None:
        self.heard = time.time()
        if self._splitter is None:
            self.head = self.head or data[:20]
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

    def _break_off(self, exc: Exception) -> None:
        """End it, for what came could not be taken. What reads may have broken off, and would see no end."""
        self.failure = exc
        if self.state is State.CONNECTING and not self.protocol.eof_sent:
            self.protocol.send_eof()
        self.protocol.fail(CloseCode.ABNORMAL_CLOSURE)
        self._abort()

    def _abort(self) -> None:
        """Cut the socket, which may be lost already: asyncio's transport then has no loop if bytes were unsent."""
        with contextlib.suppress(AttributeError):
            self.transport.abort()

    def _write(self) -> None:
        while self._unwritten and not (self.paused or self.transport.is_closing()):
            data = self._unwritten.popleft()
            if len(data) > _PIECE:
                self._unwritten.appendleft(data[_PIECE:])
            self._given += len(data[:_PIECE])
            if data:
                self.transport.write(data[:_PIECE])
            else:  # websockets' sign that the conversation is over
                self.transport.close()

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


class _Deflate(PerMessageDeflate):
    """Compression that goes on behind a block that is marked as the last of all (RFC 7692, 7.2.3.4)."""

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Unpack a frame; websockets calls it."""
        frame = super().decode(frame, max_size=max_size)
        decoder = getattr(self, "decoder", None)  # there is none between messages that share nothing
        while decoder is not None and decoder.eof:
            rest, data = decoder.unused_data, bytes(frame.data)
            decoder = self.decoder = zlib.decompressobj(-self.remote_max_window_bits, zdict=data[-_WINDOW:])
            if rest not in (b"", _TAIL):
                frame = replace(frame, data=data + self._more(rest, max_size))
        return frame

    def _more(self, rest: bytes, max_size: int | None) -> bytes:
        try:
            more = self.decoder.decompress(rest, max_size or 0)
        except zlib.error as exc:
            raise ProtocolError("decompression failed") from exc
        if self.decoder.unconsumed_tail:
            raise ProtocolError("too much behind the last block")
        return more


class _DeflateFactory(ClientPerMessageDeflateFactory):
    """What offers it."""

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> PerMessageDeflate:
        """Take what the server agreed to; websockets calls it."""
        agreed = super().process_response_params(params, accepted_extensions)
        return _Deflate(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
            agreed.compress_settings,
        )


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
    made: list[WebSocket] = []

    def make(*args: Any, **options: Any) -> WebSocket:
        made.append(WebSocket(max_size, *args, **options))
        return made[-1]

    failure: FalNotebookError
    try:
        websocket = await _Connect(
            target.url,
            additional_headers=target.authorization.headers() if target.authorization else None,
            open_timeout=open_timeout,
            ping_interval=None,  # pings of our own also tell how long the server has been silent
            close_timeout=CLOSE_SECONDS,
            max_size=max_size,
            proxy=_proxy(target),
            logger=_Logger(logging.getLogger(__name__), {}),
            create_connection=make,  # type: ignore[arg-type]  # documented as any factory
            extensions=[_DeflateFactory(compress_settings={"memLevel": 5})],
            happy_eyeballs_delay=None if target.is_local else _FURTHER_ADDRESS_SECONDS,
        )
    except InvalidStatus as exc:
        response = exc.response
        failure = _refusal(response.status_code, bytes(response.body or b""), response.headers.raw_items(), target)
    except InvalidMessage as exc:
        failure = _broken_refusal(made[-1], target) or _no_connection(exc, target)
    except (OSError, EOFError, ValueError, ImportError, WebSocketException) as exc:  # a SOCKS proxy wants a package
        failure = _no_connection(exc, target)
    else:
        assert isinstance(websocket, WebSocket)  # noqa: S101 - the type that create_connection makes
        _forget_handshake(websocket)
        return websocket
    # Raised out here, it has no context: the frames of the handshake hold the key.
    raise failure


def _forget_handshake(websocket: WebSocket) -> None:
    """Let go of its headers: the request's hold the key, and the response's may repeat it."""
    for each in (websocket.request, websocket.response):
        if each is not None:
            each.headers.clear()


async def closed_at_once(websocket: WebSocket, target: Target) -> ConnectError:
    """The error that tells how a WebSocket closed over which nothing was sent."""
    await websocket.wait_closed()
    if websocket.failure is not None:
        message = f"the handshake of {target.url} could not be taken: {type(websocket.failure).__name__}"
        return ConnectError(message, hint="nothing was sent")
    code, reason = websocket.close_code, websocket.close_reason
    said = f", code {code}" + (f" {reason}" if reason else "")
    message = target.redact(f"{target.url} closed the connection as soon as it was open{said}")
    return ConnectError(message, hint="nothing was sent", may_pass=code in PASSING_CODES)


def is_too_big(closed: Closed) -> bool:
    """Whether a WebSocket was closed here because a message of the server had more than ``max_size`` bytes."""
    return closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG and not closed.rcvd_then_sent


def what_was_wrong(closed: Closed) -> str:
    """Why a WebSocket was closed here, where what the server sent was none of a WebSocket's; else nothing."""
    if closed.sent is None or closed.rcvd_then_sent:
        return ""
    is_wrong = closed.sent.code in (CloseCode.PROTOCOL_ERROR, CloseCode.INVALID_DATA)
    return closed.sent.reason or "broken data" if is_wrong else ""


def is_refused_as_too_big(closed: Closed) -> bool:
    """Whether the server closed it because a message had more bytes than it takes.

    Its close is answered with the same code (RFC 6455, 5.5.1), so that the order tells who closed.
    """
    is_first = closed.sent is None or closed.rcvd_then_sent
    return closed.rcvd is not None and closed.rcvd.code == CloseCode.MESSAGE_TOO_BIG and bool(is_first)


def _refusal(status: int, body: bytes, fields: Iterable[tuple[str, str]], target: Target) -> FalNotebookError:
    """A handshake that the server answered with an HTTP status. The request was not sent."""
    if status < HTTPStatus.MULTIPLE_CHOICES:
        message = f"{target.url} answered with status {status}: it does not speak WebSocket"
        return ConnectError(message, hint=_ADDRESS_HINT)
    if status < HTTPStatus.BAD_REQUEST:
        message = f"{target.url} answered with a redirect ({status}), which is not followed"
        return ConnectError(message, hint=_ADDRESS_HINT)
    headers = {target.redact(name.lower()): target.redact(value) for name, value in fields}
    return status_error(
        status,
        _detail(body, headers.get("content-type", ""), target),
        endpoint=target.endpoint,
        request_id=headers.get("x-fal-request-id"),
        headers=headers,
        in_handshake=True,
    )


def _broken_refusal(websocket: WebSocket, target: Target) -> FalNotebookError | None:
    """The same where no more than the status could be read: the rest is too long, or broke off."""
    found = re.match(rb"HTTP/1\.1 ([2-5]\d\d)\b", websocket.head)
    return _refusal(int(found[1]), b"", [], target) if found else None


def _detail(body: bytes, label: str, target: Target) -> Any:
    try:
        value = target.redaction.value(json.loads(body))
    except (ValueError, RecursionError):
        return excerpt(target.redact(_decoded(body, label)))
    detail = value.get("detail", value) if isinstance(value, dict) else value
    return page_words(detail) if isinstance(detail, str) else detail


def _decoded(body: bytes, label: str) -> str:
    charset = re.search(r"charset=[\"']?([\w.:-]{1,40})", label, re.IGNORECASE)
    try:
        return body.decode(charset[1] if charset else "utf-8")
    except (LookupError, ValueError):  # there is no such charset, or it is another
        return body.decode("utf-8", "replace")


def _proxy(target: Target) -> str | Literal[True] | None:
    """What websockets is told of proxies: it looks for one itself (True), but not at ``ALL_PROXY``."""
    if target.is_local:
        return None
    parts, found = urlsplit(target.url), getproxies()
    nearer = ("wss", "socks", "https") if parts.scheme == "wss" else ("ws", "socks", "https", "http")
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    if "all" not in found or any(name in found for name in nearer):
        return True
    return None if proxy_bypass(f"{parts.hostname}:{port}") else found["all"]


def _no_connection(exc: Exception, target: Target) -> ConnectError:
    hint = "is the gateway running? `fal-notebook serve` starts one" if target.is_local else "check network and proxy"
    if isinstance(exc, TimeoutError):
        return ConnectError(f"{target.url} did not answer in time", hint=hint, may_pass=True)
    if _blames_proxy(exc, target):
        return ConnectError(f"no connection to {target.url}: the proxy cannot be used", hint=_PROXY_HINT)
    if isinstance(exc, InvalidProxyStatus) and exc.response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        hint = "give it a name and a password: http://NAME:PASSWORD@HOST:PORT"
    message = target.redact(f"no connection to {target.url}: {_reason(exc)}")
    return ConnectError(message, hint=hint, may_pass=_may_pass(exc, target))


def _blames_proxy(exc: Exception, target: Target) -> bool:
    """Whether a proxy's address may be what cannot be used. What says so may quote it, with its password."""
    is_value = isinstance(exc, ValueError) and not isinstance(exc, OSError)  # which errors of certificates are, too
    return isinstance(exc, InvalidProxy) or (is_value and not target.is_local and bool(getproxies()))


def _reason(exc: Exception) -> str:
    if isinstance(exc, InvalidProxyStatus):
        return f"the proxy answered with status {exc.response.status_code}"
    if isinstance(exc, InvalidProxyMessage):
        return "the proxy broke off, or is none"
    if isinstance(exc, InvalidHandshake) and not isinstance(exc, ProxyError):
        return "it does not speak WebSocket"
    return str(exc) or type(exc).__name__


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
