import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest
from websockets.exceptions import InvalidStatus

from fal_notebook.local.asgi import Receive, Scope, Send
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from ..conftest import wait_until
from .frames import PING, PONG, TEXT, Frame, close_frame, frame, handshake, raw_client, raw_socket
from .wire import ask

MB = 1024 * 1024
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo; an answer of 20 MB in one piece for ``large``."""
    if scope["type"] == "http":
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(20 * MB) if body == b"!!" else body})


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A gateway that loses its patience within two seconds."""
    monkeypatch.setattr("fal_notebook.local.connections.PATIENCE_SECONDS", 1.0)
    with LocalServer(HTTPOverWebSocket(app)) as server:
        yield server.url


def connections() -> int:
    """How many this process has as a server and as a client."""
    return sum(entry.status == "ESTABLISHED" for entry in psutil.Process().net_connections("tcp"))


UNUSED = {
    "nothing": b"",
    "half a request's head": b"POST / HT",
    "half a handshake": handshake()[:-4],
    "half of a second request's head": POST + b"{}" + b"POST / HT",
    "a refused request whose body does not come": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n",
    "an answer that is not read": POST + b"!!",
}


@pytest.mark.parametrize("data", UNUSED.values(), ids=UNUSED)
def test_a_connection_that_is_not_used_is_cut(url: str, data: bytes) -> None:
    before = connections()
    with raw_socket(url) as client:
        client.sendall(data)
        wait_until(lambda: connections() <= before + 1)  # the client's side is there until it closes


def test_a_head_that_comes_byte_by_byte_is_cut(url: str) -> None:
    def drip() -> None:
        for _ in range(100):
            client.sendall(b"a")
            time.sleep(0.1)

    with raw_socket(url) as client, pytest.raises(ConnectionError):
        drip()


def test_a_websocket_that_is_closed_and_not_read_is_cut(url: str) -> None:
    before = connections()
    with raw_client(url) as client:
        client.send(frame(TEXT, b"!!"))
        client.socket.recv(1)
        client.send(close_frame(1000))
        wait_until(lambda: connections() <= before + 1)


def test_a_client_that_reads_slowly_gets_its_whole_answer(url: str) -> None:
    with raw_socket(url) as client:
        client.sendall(POST.replace(b"Host", b"Connection: close\r\nHost") + b"!!")
        size = 0
        while data := client.recv(MB):
            size += len(data)
            time.sleep(0.15)  # some four seconds in all
    assert size > 20 * MB


def test_of_the_pings_of_a_client_that_does_not_read_the_last_are_answered() -> None:
    flood = frame(PING, bytes(125)) * 5_000
    with LocalServer(HTTPOverWebSocket(app)) as server, raw_client(server.url) as client:
        client.send(frame(TEXT, b"!!"))
        client.socket.recv(1, socket.MSG_PEEK)
        for _ in range(20):
            client.send(flood)
        client.send(frame(PING, b"last"))
        pongs = 0
        while (found := client.frame()) != Frame(PONG, b"last"):
            pongs += found.opcode == PONG
    assert pongs < 50_000


def test_connections_beyond_the_limit_are_told_so_and_others_are_admitted_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fal_notebook.local.connections.MAX_CONNECTIONS", 3)
    with LocalServer(HTTPOverWebSocket(app)) as server:
        with ExitStack() as clients:
            for _ in range(2):
                clients.enter_context(raw_client(server.url))
            assert ask(server.url, {}).status == 200
            idle = clients.enter_context(raw_socket(server.url))
            idle.sendall(POST + b"{}")
            assert idle.recv(1000).startswith(b"HTTP/1.1 200")
            with raw_socket(server.url) as client:
                assert client.recv(1000).startswith(b"HTTP/1.1 503 ")
                assert client.recv(1) == b""
        wait_until(lambda: _is_admitted(server.url))


def _is_admitted(url: str) -> bool:
    try:
        return ask(url, {}).status == 200
    except InvalidStatus:
        return False
