"""Every rule of RFC 6455 that a client can break, and bytes at random, from a client of the tests' own."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .frames import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Frame,
    close_frame,
    frame,
    handshake,
    header,
    raw_client,
    raw_socket,
)
from .test_gateway import echo

MB = 1024 * 1024


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(echo)) as server:
        yield server.url


BROKEN = {
    "no mask": (1002, frame(TEXT, b"{}", masked=False)),
    "no mask and many bytes": (1002, frame(TEXT, bytes(8 * MB), masked=False)),
    "a reserved bit": (1002, frame(TEXT, b"{}", reserved=4)),
    "compressed without agreement": (1002, frame(TEXT, b"{}", reserved=4)),
    "a data opcode that is none": (1002, frame(3)),
    "a control opcode that is none": (1002, frame(11)),
    "a ping in fragments": (1002, frame(PING, final=False)),
    "a ping that is too long": (1002, frame(PING, bytes(126))),
    "a continuation of nothing": (1002, frame(CONT, b"{}")),
    "a message within a message": (1002, frame(TEXT, b"{", final=False) + frame(TEXT, b"}")),
    "text that is not UTF-8": (1007, frame(TEXT, b"\xff")),
    "text that ends within a character": (1007, frame(TEXT, b"\xc3")),
    "a character broken between fragments": (1007, frame(TEXT, b"\xc3", final=False) + frame(CONT, b"(")),
    "half a close code": (1002, frame(CLOSE, b"\x03")),
    "a close code that is never sent": (1002, close_frame(1005)),
    "a close code that is none": (1002, close_frame(999)),
    "a close reason that is not UTF-8": (1007, close_frame(1000, b"\xff")),
    "a frame above the limit": (1009, header(BINARY, 257 * MB) + bytes(4)),
    "a frame above the limit, with its bytes": (1009, header(BINARY, 257 * MB) + bytes(8 * MB)),
    "the longest frame that can be said": (1009, header(BINARY, 2**63 - 1) + bytes(4)),
    "HTTP": (1002, b"GET / HTTP/1.1\r\n\r\n"),
    "zeros": (1002, bytes(1000)),
}


@pytest.mark.parametrize("first", [b"", frame(TEXT, b"{}")], ids=["at once", "behind a request"])
@pytest.mark.parametrize(("code", "data"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_closes_with_its_code(url: str, code: int, data: bytes, first: bytes) -> None:
    with raw_client(url) as client:
        client.send(first, data)
        assert client.close_code() == code


def test_fragments_above_the_limit_close_with_1009(url: str) -> None:
    part = bytes(90 * MB)
    with raw_client(url) as client:
        client.send(frame(BINARY, part, final=False), *[frame(CONT, part, final=False)] * 2)
        assert client.close_code() == 1009


@pytest.mark.parametrize(
    ("code", "data"),
    [(1000, close_frame(1000)), (4000, close_frame(4000, b"bye")), (1005, frame(CLOSE))],
    ids=["normal", "an application's", "none"],
)
def test_a_close_is_answered_with_its_own_code(url: str, code: int, data: bytes) -> None:
    with raw_client(url) as client:
        client.send(data)
        assert client.close_code() == code


def test_fragments_are_one_request_wherever_they_are_cut_and_pings_between_them_are_answered(url: str) -> None:
    body = '{"ü": "✓"}'.encode()
    with raw_client(url) as client:
        parts = [frame(CONT if place else TEXT, body[place : place + 1], final=False) for place in range(len(body))]
        client.send(*parts, frame(PING, b"here?"), frame(PONG, b"unasked"), frame(CONT))
        assert client.frame() == Frame(PONG, b"here?")
        assert client.answer() == (200, body)


@pytest.mark.parametrize("lengths", [[125, 126, 127], [65_535, 65_536]])
def test_every_form_of_length_is_understood(url: str, lengths: list[int]) -> None:
    with raw_client(url) as client:
        for length in lengths:
            client.send(frame(BINARY, bytes(length)))
            assert client.answer() == (200, bytes(length))


@pytest.mark.parametrize(
    ("status", "request_bytes"),
    [
        (400, b"\x16\x03\x01\x02\r\n\r\n"),
        (400, handshake("/\xff")),
        (400, handshake(**{"Sec-WebSocket-Key": "short"})),
        (400, handshake(**{"Sec-WebSocket-Version": "12"})),
        (403, handshake(Origin="http://example.com")),
        (403, handshake(Origin="\xff")),
        (400, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n"),
        (400, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000),
    ],
)
def test_a_handshake_that_is_none_is_refused(url: str, status: int, request_bytes: bytes) -> None:
    with raw_socket(url) as client:
        client.sendall(request_bytes)
        assert client.recv(1000).startswith(f"HTTP/1.1 {status} ".encode())


OPCODES = st.sampled_from([CONT, TEXT, BINARY, CLOSE, PING, PONG, 3, 11])
ANY_FRAME = st.builds(
    frame, OPCODES, st.binary(max_size=200), final=st.booleans(), masked=st.booleans(), reserved=st.integers(0, 7)
)
CODES = {1000, 1002, 1005, 1007, 1009}


def assert_alive(url: str) -> None:
    with raw_client(url) as client:
        client.send(frame(TEXT, b'"alive"'))
        assert client.answer() == (200, b'"alive"')


@given(frames=st.lists(ANY_FRAME, max_size=8), count=st.integers(0, 3))
def test_whatever_frames_follow_requests_each_gets_its_own_answer_and_the_last_a_close(
    url: str, frames: list[bytes], count: int
) -> None:
    with raw_client(url) as client:
        for number in range(count):
            client.send(frame(TEXT, json.dumps(number).encode()))
            assert client.answer() == (200, json.dumps(number).encode())
        client.send(*frames, frame(TEXT, masked=False))  # which ends it, if nothing has before
        code = client.close_code()
        assert code in CODES or (code is not None and 3000 <= code < 5000)
    assert_alive(url)


@given(data=st.binary(max_size=300), shaken=st.booleans())
def test_whatever_bytes_come_others_are_served_on(url: str, data: bytes, *, shaken: bool) -> None:
    with raw_socket(url) as client, suppress(ConnectionResetError, BrokenPipeError):
        client.sendall(handshake() if shaken else b"")
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65_536):
            pass
    assert_alive(url)


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_a_client_that_vanishes_within_a_frame_or_a_handshake_leaves_nothing_in_the_log(
    url: str, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        with raw_client(url) as client:
            client.send(frame(TEXT, bytes(30))[:cut])
        with raw_socket(url) as unshaken:
            unshaken.sendall(handshake()[:cut])
        with raw_client(url) as client:
            client.send(frame(TEXT, b"{}"))
            assert client.answer() == (200, b"{}")
    assert caplog.text == ""
