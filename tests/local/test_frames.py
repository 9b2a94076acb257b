"""The gateway, driven frame by frame by a client that is made of bytes and knows no library (RFC 6455)."""

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .test_gateway import echo
from .wire import ask

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FIN = 0x80


class Frames:
    """A connection after its handshake."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /a/b HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.file = self.socket.makefile("rb")
        assert self.file.readline().startswith(b"HTTP/1.1 101")
        while self.file.readline() != b"\r\n":
            pass

    def __enter__(self) -> "Frames":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, opcode: int, data: bytes = b"", *, first: int = FIN, mask: bytes = b"\1\2\3\4") -> None:
        head = bytes([first | opcode])
        size = bytes([FIN | len(data)]) if len(data) < 126 else bytes([FIN | 126]) + struct.pack("!H", len(data))
        self.socket.sendall(head + size + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))

    def read(self) -> tuple[int, bytes]:
        """The next frame; nothing where the server has hung up."""
        head = self.file.read(2)
        if len(head) < 2:
            return 0, b""
        size = head[1]
        if size == 126:
            (size,) = struct.unpack("!H", self.file.read(2))
        return head[0] & 0x0F, self.file.read(size)

    def answer(self) -> Any:
        """The metadata and the body of the next answer."""
        kinds = [self.read() for _ in range(3)]
        assert json.loads(kinds[0][1])["type"] == "start"
        assert json.loads(kinds[2][1])["type"] == "end"
        return kinds[1][1]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(HTTPOverWebSocket(echo)) as running:
        yield running


@pytest.fixture
def frames(server: LocalServer) -> Iterator[Frames]:
    with Frames(server.port) as connection:
        yield connection


def test_a_request_in_fragments_with_a_ping_between_them_is_one(frames: Frames) -> None:
    frames.send(TEXT, b'{"a"', first=0)
    frames.send(PING, b"there?")
    frames.send(0, b": 1}")
    assert frames.read() == (PONG, b"there?")
    assert frames.answer() == b'{"a": 1}'


def test_requests_that_come_in_one_piece_are_answered_in_order(frames: Frames) -> None:
    for number in range(20):
        frames.send(TEXT, str(number).encode())
    assert [frames.answer() for _ in range(20)] == [str(number).encode() for number in range(20)]


def test_a_close_is_answered_with_its_code(frames: Frames) -> None:
    frames.send(CLOSE, struct.pack("!H", 1000) + b"bye")
    assert frames.read() == (CLOSE, struct.pack("!H", 1000) + b"bye")


@pytest.mark.parametrize(
    ("opcode", "data", "first", "code"),
    [
        (3, b"", FIN, 1002),
        (TEXT, b"{}", FIN | 0x10, 1002),
        (0, b"{}", FIN, 1002),
        (PING, b"x", 0, 1002),
        (PING, bytes(126), FIN, 1002),
        (TEXT, b"\xff\xfe", FIN, 1007),
        (CLOSE, b"\x03", FIN, 1002),
    ],
)
def test_a_frame_that_is_none_closes_with_its_code(
    opcode: int, data: bytes, first: int, code: int, frames: Frames
) -> None:
    frames.send(opcode, data, first=first)
    kind, said = frames.read()
    assert kind == CLOSE
    assert struct.unpack("!H", said[:2]) == (code,)


@given(st.binary(max_size=60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_leave_the_gateway_at_work(server: LocalServer, data: bytes) -> None:
    with Frames(server.port) as frames:
        frames.socket.sendall(data)
    assert ask(server.url, {"a": 1}).json == {"a": 1}
