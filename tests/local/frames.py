"""A WebSocket client on a bare socket, that can break every rule: it shares no code with any library (RFC 6455)."""

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

SECONDS = 20.0
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


@dataclass(frozen=True)
class Frame:
    """One frame as it came."""

    opcode: int
    data: bytes
    final: bool = True


def frame(opcode: int, data: bytes = b"", *, final: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """The bytes of a frame; of a client that keeps the rules, unless it is told otherwise."""
    mask = os.urandom(4) if masked else b""
    return header(opcode, len(data), final=final, masked=masked, reserved=reserved) + mask + _xor(data, mask)


def header(opcode: int, length: int, *, final: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """The first bytes of a frame, up to its mask, whatever follows them."""
    first = (0x80 if final else 0) | reserved << 4 | opcode
    bit = 0x80 if masked else 0
    if length < 126:
        return struct.pack("!BB", first, bit | length)
    if length < 65_536:
        return struct.pack("!BBH", first, bit | 126, length)
    return struct.pack("!BBQ", first, bit | 127, length)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


class RawClient:
    """An open WebSocket."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._unread = b""

    def send(self, *parts: bytes) -> None:
        """Write bytes; a server that has closed already need not take them all."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(b"".join(parts))

    def frame(self) -> Frame:
        """The next frame.

        Raises:
            ConnectionError: there is none.
        """
        first, second = self._read(2)
        length = second & 0x7F
        assert not second & 0x80, "a server must not mask"
        assert not first & 0x70, "no extension was agreed on"
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        return Frame(first & 0x0F, self._read(length), final=bool(first & 0x80))

    def message(self) -> bytes:
        """The next message's bytes; pings are left unanswered."""
        data = b""
        while True:
            part = self.frame()
            if part.opcode in (CONT, TEXT, BINARY):
                data += part.data
                if part.final:
                    return data
            elif part.opcode == CLOSE:
                raise ConnectionError(f"closed with {part.data!r}")

    def answer(self) -> tuple[int, bytes]:
        """The status and the body of the next answer."""
        start = json.loads(self.message())
        assert start["type"] == "start"
        body = b""
        while b'"end"' not in (message := self.message()) or start["request_id"].encode() not in message:
            body += message
        return start["status"], body

    def close_code(self) -> int | None:
        """Read to the end, and say which code the server closed with: 1005 for none given, None without a close."""
        code = None
        try:
            while code is None:
                if (last := self.frame()).opcode == CLOSE:
                    code = struct.unpack("!H", last.data[:2])[0] if last.data else 1005
            assert self._read(1) == b"", "nothing follows a close"
        except ConnectionError:
            pass
        return code

    def _read(self, size: int) -> bytes:
        while len(self._unread) < size:
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionError("the connection is at its end")
            self._unread += data
        data, self._unread = self._unread[:size], self._unread[size:]
        return data


@contextmanager
def raw_client(url: str, path: str = "/", **headers: str) -> Iterator[RawClient]:
    """A client that has shaken hands."""
    with raw_socket(url) as connection:
        connection.sendall(handshake(path, **headers))
        client = RawClient(connection)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client._read(1)
        assert head.startswith(b"HTTP/1.1 101 "), head
        yield client


@contextmanager
def raw_socket(url: str) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=SECONDS) as connection:
        yield connection


def handshake(path: str = "/", **headers: str) -> bytes:
    named = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        **headers,
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _xor(data: bytes, mask: bytes) -> bytes:
    if not mask:
        return data
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")
