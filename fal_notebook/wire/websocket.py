"""An open WebSocket: hands over its messages and its close, sends messages, and tells how much of them has left.

The messages that one read of the socket completes are handed over together, by a plain call: a task switch for each
message would cost more than decoding a token. Plain messages are split off before the websockets library sees them;
every other frame is left to the library.

Bytes to be sent are given to the socket in small pieces, each when the one before has left. So nearly all of a large
message that the server does not read stays here, where it can be dropped and its progress can be seen.
"""

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.protocol import Event, State

from .frames import FrameSplitter, Kind, Piece

CLOSE_SECONDS = 0.5
"""How long a server may take to answer a close."""
_PIECE_BYTES = 65_536
"""How many bytes are given to the socket at once, and about how many unsent bytes the operating system holds."""
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
"""The value of ``SO_LINGER`` that makes a socket discard its unsent bytes when it is closed."""
_PONG = b"\x8a"
"""The first byte of a pong (RFC 6455, 5.2)."""

Message = str | bytes
"""A text message, or a binary one. Binary messages that came together may be joined into one."""
Closed = ConnectionClosed
"""The error that says how a WebSocket ended, with the close frames of both sides."""


class WebSocket(ClientConnection):
    """A WebSocket that calls the functions set with `attach` when messages come and when it has closed.

    Args:
        max_size: the most bytes that a message may have.
        args, options: the arguments that websockets gives to every connection.

    Attributes:
        heard_at: when the last bytes came, in seconds since the epoch.
        queued: how many bytes it was given to send, frame headers and handshake included.
        head: the first bytes of the response to the handshake.
        failure: the error that was raised while received bytes were taken; the socket was cut then.
    """

    def __init__(self, max_size: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.heard_at = time.time()
        self.queued = 0
        self.head = b""
        self._unwritten: deque[memoryview] = deque()
        self._pong = memoryview(b"")
        self._given = 0  # how many bytes asyncio's transport was given
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
        """Set the functions to call with new messages, and with how the WebSocket closed."""
        self._on_messages, self._on_close = on_messages, on_close
        self._hand_over()

    @property
    def is_open(self) -> bool:
        """Whether messages can go both ways, as far as this side knows."""
        return self.state is State.OPEN

    @property
    def written(self) -> int:
        """How many of the `queued` bytes the operating system has taken; it may be too high if the socket is lost."""
        return self._given - self.transport.get_write_buffer_size()

    def send_message(self, text: str) -> int:
        """Begin to send a text message, and return the value that `written` has once the whole message is sent."""
        self.protocol.send_text(text.encode())
        self.send_data()
        return self.queued

    async def answers(self, seconds: float) -> bool:
        """Whether the server answers a ping within a number of seconds."""
        try:
            async with asyncio.timeout(seconds):
                await (await self.ping())
        except (TimeoutError, ConnectionClosed):
            return False
        return True

    def cut(self) -> None:
        """Close at once. The server receives none of the bytes that have not reached it by now."""
        self._unwritten.clear()
        with contextlib.suppress(OSError, AttributeError):  # the socket may be lost already
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._abort()

    async def shut(self) -> None:
        """Close with a close frame, and wait a short time for the server's answer."""
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
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _PIECE_BYTES)

    def send_data(self) -> None:
        """Send the bytes that websockets has made, now or once the socket can take them; websockets calls it."""
        for data in self.protocol.data_to_send():
            piece = memoryview(data)
            if data[:1] == _PONG:
                if self._unwritten and self._unwritten[-1] is self._pong:
                    self.queued -= len(self._unwritten.pop())  # a pong answers earlier pings, too (RFC 6455, 5.5.3)
                self._pong = piece
            self.queued += len(data)
            self._unwritten.append(piece)
        if self._unwritten and len(self._unwritten[0]) > _PIECE_BYTES:
            self.loop.call_later(0, self._write)  # lets the loop first read what the server has sent meanwhile
        else:
            self._write()

    def resume_writing(self) -> None:
        """Write on; asyncio calls it when the socket can take more."""
        super().resume_writing()
        self._write()

    def eof_received(self) -> None:
        """Note that the server sends no more; asyncio calls it, and closes the socket once everything is written."""
        super().eof_received()
        if self.written < self.queued:  # the server may not read any more either, and asyncio would wait for ever
            self.loop.call_later(CLOSE_SECONDS, self._abort)

    def data_received(self, data: bytes) -> None:
        """Take the bytes of one read of the socket; asyncio calls it."""
        try:
            self._receive(data)
        except Exception as exc:  # noqa: BLE001 - asyncio would also cut the socket, but print a traceback
            self._break_off(exc)

    def _receive(self, data: bytes) -> None:
        self.heard_at = time.time()
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
        """Take a frame that is not a plain message, or the handshake's response; websockets calls it."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
        elif self._is_broken:
            return  # frames behind a text that was not UTF-8
        else:
            self._take_fragment(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report how the WebSocket closed; asyncio calls it when the socket is closed or lost."""
        super().connection_lost(exc)
        if self._on_close:
            self._on_close(self.protocol.close_exc)

    def _break_off(self, exc: Exception) -> None:
        """Close, because received bytes could not be taken. The parser may have stopped, and would see no end."""
        self.failure = exc
        if self.state is State.CONNECTING and not self.protocol.eof_sent:
            self.protocol.send_eof()
        self.protocol.fail(CloseCode.ABNORMAL_CLOSURE)
        self._abort()

    def _abort(self) -> None:
        """Cut the socket. If it is lost already with unsent bytes, asyncio's transport raises AttributeError."""
        with contextlib.suppress(AttributeError):
            self.transport.abort()

    def _write(self) -> None:
        while self._unwritten and not (self.paused or self.transport.is_closing()):
            data = self._unwritten.popleft()
            if len(data) > _PIECE_BYTES:
                self._unwritten.appendleft(data[_PIECE_BYTES:])
            self._given += len(data[:_PIECE_BYTES])
            if data:
                self.transport.write(data[:_PIECE_BYTES])
            else:  # websockets gives empty bytes when the socket is to be closed
                self.transport.close()

    def _begin_to_split(self, data: bytes) -> None:
        """Begin to split frames, if this read ended with the handshake's response and nothing will be compressed."""
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


def is_incoming_too_big(closed: Closed) -> bool:
    """Whether this side closed the WebSocket because a message of the server had more than ``max_size`` bytes."""
    return closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG and not closed.rcvd_then_sent


def violation_words(closed: Closed) -> str:
    """How the server broke the WebSocket protocol, if this side closed the WebSocket for that; else empty."""
    if closed.sent is None or closed.rcvd_then_sent:
        return ""
    is_wrong = closed.sent.code in (CloseCode.PROTOCOL_ERROR, CloseCode.INVALID_DATA)
    return closed.sent.reason or "broken data" if is_wrong else ""


def is_outgoing_too_big(closed: Closed) -> bool:
    """Whether the server closed the WebSocket because a message had more bytes than it takes.

    A close is answered with the same code (RFC 6455, 5.5.1), so only the order of the two tells which side closed.
    """
    is_first = closed.sent is None or closed.rcvd_then_sent
    return closed.rcvd is not None and closed.rcvd.code == CloseCode.MESSAGE_TOO_BIG and bool(is_first)
