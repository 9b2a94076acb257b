import errno
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import PerMessageDeflate

from fal_notebook.local.asgi import Receive, Scope, Send
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .frames import TEXT, frame, raw_client
from .wire import SECONDS, ask, open_socket, read

STOP_SECONDS = 5.0


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def test_a_free_port_is_chosen_and_answers_at_once() -> None:
    with LocalServer(HTTPOverWebSocket(echo)) as server:
        assert server.url == f"ws://127.0.0.1:{server.port}"
        assert server.http_url == f"http://127.0.0.1:{server.port}"
        assert ask(server.url, {}).body == b"{}"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_address_is_written_in_brackets() -> None:
    with LocalServer(HTTPOverWebSocket(echo), host="::1") as server:
        assert server.url == f"ws://[::1]:{server.port}"
        assert ask(server.url, {}).body == b"{}"


def test_a_taken_port_is_an_error_where_it_is_asked_for() -> None:
    with LocalServer(echo) as first, pytest.raises(OSError, match="in use") as failed:
        LocalServer(echo, port=first.port)
    assert failed.value.errno == errno.EADDRINUSE


def test_the_port_is_free_again_afterwards() -> None:
    with LocalServer(HTTPOverWebSocket(echo)) as server:
        ask(server.url, {})
    with LocalServer(HTTPOverWebSocket(echo), port=server.port) as again:
        assert ask(again.url, {}).status == 200


def test_a_failed_start_is_an_error() -> None:
    @asynccontextmanager
    async def broken(_app: Starlette) -> AsyncIterator[None]:
        if not _app.routes:
            raise LookupError("no start today")
        yield

    with pytest.raises(RuntimeError, match="could not be started"), LocalServer(Starlette(lifespan=broken)):
        pass


def test_it_stops_fast_with_open_connections_and_streams() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"more"

    stream = StreamingResponse(endless())
    others = set(threading.enumerate())
    with ExitStack() as stack:
        server = stack.enter_context(LocalServer(HTTPOverWebSocket(stream)))
        with open_socket(server.url), open_socket(server.url) as busy:
            busy.send("{}")
            busy.recv(SECONDS)
            began = time.monotonic()
            stack.pop_all().close()
            assert time.monotonic() - began < STOP_SECONDS
    left = set(threading.enumerate()) - others
    assert not any(thread.name.startswith("local-server") for thread in left)


def test_messages_of_many_megabytes_are_accepted() -> None:
    with LocalServer(HTTPOverWebSocket(echo)) as server, open_socket(server.url) as client:
        client.send(b"x" * 40_000_000)
        assert len(read(client).body) == 40_000_000


def test_messages_are_compressed() -> None:
    with LocalServer(HTTPOverWebSocket(echo)) as server, open_socket(server.url) as client:
        assert [type(extension) for extension in client.protocol.extensions] == [PerMessageDeflate]


def test_small_messages_do_not_wait_for_acknowledgements() -> None:
    with LocalServer(HTTPOverWebSocket(echo)) as server, open_socket(server.url) as client:
        client.send("{}")
        read(client)
        began = time.monotonic()
        for _ in range(50):
            client.send("{}")
            read(client)
        assert (time.monotonic() - began) / 50 < 0.02


def test_importing_the_package_is_cheap() -> None:
    code = "import sys, fal_notebook.local; print(*sorted({'uvicorn', 'starlette', 'numpy'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_client_that_neither_reads_nor_answers_pings_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fal_notebook.local.connections.PATIENCE_SECONDS", 0.5)
    cancelled = threading.Event()

    async def flood(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            try:
                while True:
                    await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
            finally:
                cancelled.set()

    with LocalServer(HTTPOverWebSocket(flood)) as server, raw_client(server.url) as client:
        client.send(frame(TEXT, b"{}"))
        assert cancelled.wait(SECONDS)


def test_a_refused_handshake_is_no_failure_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    gateway = HTTPOverWebSocket(echo, key="made-up")
    with LocalServer(gateway) as server, pytest.raises(InvalidStatus), open_socket(server.url):
        pass
    assert caplog.text == ""
