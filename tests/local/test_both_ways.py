"""The same requests over plain HTTP and over a WebSocket, on bare sockets: the outcome is the same."""

import asyncio
import http.client
import json
import queue
import socket
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fal_notebook.local.asgi import ASGIApp, Message, Receive, Scope, Send
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from ..conftest import wait_until
from .frames import TEXT, RawClient, frame, handshake, raw_client, raw_socket
from .wire import SECONDS, ask

KEY = "made-up-id:made-up-secret"
Ways = pytest.mark.parametrize("way", ["http", "websocket"])


class Echo:
    """An application that notes what reaches it."""

    def __init__(self) -> None:
        self.calls: queue.SimpleQueue[str] = queue.SimpleQueue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        self.calls.put(scope["method"])
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def url(echo: Echo) -> Iterator[str]:
    with served(echo) as running:
        yield running


@contextmanager
def served(app: ASGIApp, **options: Any) -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(app, **options)) as server:
        yield server.url


def request_head(method: str, headers: dict[str, str], length: int | None) -> bytes:
    lines = [f"{method} / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def asked(way: str, url: str, headers: dict[str, str], body: bytes = b"{}", method: str = "POST") -> tuple[int, bytes]:
    """Send a request, whose Host is the address unless the headers say otherwise: status and body of the answer."""
    headers = {"Host": urlsplit(url).netloc, **headers}
    with raw_socket(url) as connection:
        if way == "http":
            connection.sendall(request_head(method, headers, len(body)) + body)
            return _response(connection, method)
        connection.sendall(handshake(**headers))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        if not head.startswith(b"HTTP/1.1 101 "):
            return int(head.split()[1]), connection.makefile("rb").read()
        client = RawClient(connection)
        client.send(frame(TEXT, body))
        return client.answer()


def _response(connection: socket.socket, method: str = "POST") -> tuple[int, bytes]:
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return response.status, response.read()


OF_OTHERS = {
    "a rebound name": {"Host": "evil.example:{port}"},
    "a rebound name's own page": {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
    "a rebound name's picture": {"Host": "evil.example:{port}", "Sec-Fetch-Site": "same-origin"},
    "a name that begins as ours": {"Host": "localhost.evil.example:{port}"},
    "a name that ends as ours": {"Host": "evil-localhost"},
    "a name made of our address": {"Host": "127.0.0.1.nip.io:{port}"},
    "every address": {"Host": "0.0.0.0:{port}"},
    "an address that is another machine's": {"Host": "192.168.0.2:{port}"},
    "a user before the host": {"Host": "evil.example@127.0.0.1"},
    "a host that is none": {"Host": "127.0.0.1:{port}:1"},
    "an empty host": {"Host": ""},
    "a page from the net": {"Origin": "https://example.com"},
    "a page from the net that says all": {"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site"},
    "a page without an origin": {"Origin": "null"},
    "a sandboxed frame of ours": {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    "a page of another port": {"Origin": "http://127.0.0.1:8888", "Sec-Fetch-Site": "same-site"},
    "a page of another port, in an older browser": {"Origin": "http://127.0.0.1:8888"},
    "a page of another name of this machine": {"Origin": "http://localhost:{port}", "Sec-Fetch-Site": "cross-site"},
    "a page of the default port": {"Origin": "http://127.0.0.1"},
    "a page of a name that begins as ours": {"Origin": "http://127.0.0.1:{port}.example.com"},
    "an extension": {"Origin": "chrome-extension://127.0.0.1:{port}"},
    "a file": {"Origin": "file://"},
    "an origin without a scheme": {"Origin": "127.0.0.1:{port}"},
    "an origin that is no text": {"Origin": "\xff"},
    "a script of a page from the net": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "script"},
    "a script of a page of another port": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "script"},
    "a picture of a page of another port": {
        "Sec-Fetch-Site": "same-site",
        "Sec-Fetch-Dest": "image",
        "Referer": "http://127.0.0.1:8888/lab",
    },
    "a picture that lies about its page": {"Sec-Fetch-Site": "cross-site", "Referer": "http://127.0.0.1:{port}/"},
    "a link of a page from the net": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    "a relation that nobody knows yet": {"Sec-Fetch-Site": "nearby"},
    "a request whose own origin came by a detour": {
        "Origin": "http://127.0.0.1:{port}",
        "Sec-Fetch-Site": "cross-site",
    },
}
OF_THIS_MACHINE: dict[str, dict[str, str]] = {
    "a program": {},
    "a program that says the name": {"Host": "localhost:{port}"},
    "a program behind a forwarded port": {"Host": "localhost:9000"},
    "a program that says no port": {"Host": "127.0.0.1"},
    "a program with an address of version 6": {"Host": "[::1]:{port}"},
    "a name that browsers take for this machine": {"Host": "lab.localhost:{port}"},
    "our own page": {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
    "our own page by name": {"Host": "localhost:{port}", "Origin": "http://localhost:{port}"},
    "our own page's picture": {"Sec-Fetch-Site": "same-origin", "Referer": "http://127.0.0.1:{port}/docs"},
    "an address that the user typed": {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
}
OF_AN_ADMITTED_PAGE = {
    "its request": {"Origin": "http://localhost:8888", "Sec-Fetch-Site": "cross-site"},
    "its picture": {"Sec-Fetch-Site": "same-site", "Referer": "http://localhost:8888/lab/tree"},
}


def at_port(headers: dict[str, str], url: str) -> dict[str, str]:
    return {name: value.replace("{port}", str(urlsplit(url).port)) for name, value in headers.items()}


@Ways
@pytest.mark.parametrize("headers", OF_OTHERS.values(), ids=OF_OTHERS)
def test_what_comes_from_pages_of_others_is_refused_before_it_costs_work(
    way: str, headers: dict[str, str], echo: Echo, url: str
) -> None:
    for method in ["GET", "POST", "HEAD", "OPTIONS", "PUT"] if way == "http" else ["GET"]:
        status, body = asked(way, url, at_port(headers, url), method=method)
        assert status == 403
        assert method == "HEAD" or "refused" in json.loads(body)["detail"]
    assert echo.calls.empty()


@Ways
@pytest.mark.parametrize("headers", OF_THIS_MACHINE.values(), ids=OF_THIS_MACHINE)
def test_programs_and_the_gateways_own_pages_are_admitted(
    way: str, headers: dict[str, str], echo: Echo, url: str
) -> None:
    assert asked(way, url, at_port(headers, url), b'{"a": 1}') == (200, b'{"a": 1}')
    assert echo.calls.get() == "POST"


@Ways
@pytest.mark.parametrize("headers", OF_AN_ADMITTED_PAGE.values(), ids=OF_AN_ADMITTED_PAGE)
def test_pages_that_the_user_names_are_admitted(way: str, headers: dict[str, str]) -> None:
    with served(Echo(), origins=["http://localhost:8888"]) as url:
        assert asked(way, url, headers)[0] == 200
        assert asked(way, url, {**headers, "Host": "evil.example"})[0] == 403
        assert asked(way, url, {"Origin": "http://localhost:8889"})[0] == 403


@Ways
def test_with_a_key_the_gateway_has_any_name_and_no_page_of_others(way: str) -> None:
    key = {"Authorization": f"Key {KEY}", "Host": "models.lan:8000"}
    with served(Echo(), key=KEY) as url:
        assert asked(way, url, key)[0] == 200
        assert asked(way, url, {**key, "Origin": "http://evil.example"})[0] == 403
        assert asked(way, url, {**key, "Authorization": "Key other"})[0] == 401
        assert asked(way, url, {"Host": "evil.example", "Origin": "http://evil.example"})[0] == 401


def responding(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await receive()
            for message in messages:
                await send(message)

    return app


def raising(error: BaseException) -> ASGIApp:
    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        if scope["type"] == "http":
            raise error

    return app


async def _in_a_task_of_its_own(_scope: Scope, _receive: Receive, _send: Send) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    if _scope["type"] == "http":
        await asyncio.create_task(leave())


async def _in_a_thread(_scope: Scope, _receive: Receive, _send: Send) -> None:
    def leave() -> None:
        raise SystemExit(3)

    if _scope["type"] == "http":
        await asyncio.to_thread(leave)


async def _in_a_group(_scope: Scope, _receive: Receive, _send: Send) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    if _scope["type"] == "http":
        async with asyncio.TaskGroup() as group:
            group.create_task(leave())
            group.create_task(asyncio.sleep(SECONDS))


def _leave_a_callback(_scope: Scope, _receive: Receive, _send: Send) -> Any:
    def leave() -> None:
        raise KeyboardInterrupt

    async def app() -> None:
        if _scope["type"] == "http":
            asyncio.get_running_loop().call_soon(leave)
            await asyncio.sleep(0.01)
            raise LookupError

    return app()


START: Message = {"type": "http.response.start", "status": 200, "headers": []}
FAILING: dict[str, ASGIApp] = {
    "an error": raising(LookupError("a mistake")),
    "sys.exit": raising(SystemExit(3)),
    "an interrupt": raising(KeyboardInterrupt()),
    "a cancellation of its own": raising(asyncio.CancelledError()),
    "an error that is none of Python's": raising(BaseException("odd")),
    "sys.exit in a task": _in_a_task_of_its_own,
    "sys.exit in a thread": _in_a_thread,
    "sys.exit in a group of tasks": _in_a_group,
    "an interrupt in a callback": _leave_a_callback,
    "nothing": responding(),
    "a body without a start": responding({"type": "http.response.body", "body": b"{}"}),
}


@Ways
@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
def test_an_application_that_fails_is_a_500_in_fals_form_and_the_server_goes_on(
    way: str, failing: ASGIApp, caplog: pytest.LogCaptureFixture
) -> None:
    echo = Echo()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (failing if (b"x-fail", b"1") in scope.get("headers", ()) else echo)(scope, receive, send)

    with served(app) as url:
        for _ in range(3):
            assert asked(way, url, {"X-Fail": "1"}) == (500, b'{"detail": "Internal Server Error"}')
        assert asked(way, url, {}) == (200, b"{}")
    assert caplog.records
    assert {record.name for record in caplog.records} <= {"fal_notebook.local.gateway", "asyncio"}


@Ways
def test_sys_exit_in_a_stream_ends_that_response_and_not_the_server(way: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        raise SystemExit(3)

    async def endpoint(request: Request) -> Response:
        return StreamingResponse(pieces()) if b"fail" in await request.body() else JSONResponse({})

    with served(Starlette(routes=[Route("/", endpoint, methods=["POST"])])) as url:
        for _ in range(3):
            with pytest.raises((ConnectionError, http.client.IncompleteRead)):
                asked(way, url, {}, b'"fail"')
        assert asked(way, url, {}) == (200, b"{}")


@Ways
def test_a_response_that_starts_twice_has_no_end(way: str) -> None:
    with served(responding(START, START)) as url, pytest.raises((ConnectionError, http.client.IncompleteRead)):
        asked(way, url, {})


@Ways
def test_a_request_has_the_gateways_own_id(way: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            ids = [value for name, value in scope["headers"] if name == b"x-fal-request-id"]
            await responding(START, {"type": "http.response.body", "body": b",".join(ids)})(scope, receive, send)

    with served(app) as url:
        ids = [asked(way, url, {"X-Fal-Request-Id": "forged"})[1] for _ in range(2)]
        with urllib.request.urlopen(url.replace("ws", "http"), b"{}") as answer:
            assert answer.read().decode() == answer.headers["x-fal-request-id"]
    assert ids[0] != ids[1]
    assert [len(each) for each in ids] == [36, 36]


def test_a_body_above_the_limit_is_a_413_and_none_of_it_reaches_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fal_notebook.local.plain_http.MAX_BODY_BYTES", 1000)
    echo = Echo()
    with served(echo) as url:
        assert asked("http", url, {}, bytes(1000))[0] == 200
        for headers, body in [
            ({}, bytes(1001)),
            (
                {"Transfer-Encoding": "chunked"},
                b"1f4\r\n" + bytes(500) + b"\r\n1f5\r\n" + bytes(501) + b"\r\n0\r\n\r\n",
            ),
        ]:
            with raw_socket(url) as client:
                length = None if headers else len(body)
                client.sendall(request_head("POST", {"Host": "localhost", **headers}, length) + body)
                status, answer = _response(client)
                assert (status, json.loads(answer)) == (413, {"detail": "The body has more than 256 MB."})
    assert echo.calls.qsize() == 1


def test_a_body_that_does_not_come_is_a_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fal_notebook.local.plain_http._SILENCE_SECONDS", 0.2)
    echo = Echo()
    with served(echo) as url, raw_socket(url) as client:
        client.sendall(request_head("POST", {"Host": "localhost"}, 10) + b"{")
        assert _response(client)[0] == 408
        assert client.recv(1) == b""
    assert echo.calls.empty()


async def _hot_stream(scope: Scope, receive: Receive, send: Send) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"more"

    await StreamingResponse(pieces())(scope, receive, send)


async def _hot_sends(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    while True:
        await send({"type": "http.response.body", "body": b"more", "more_body": True})


async def _hot_sends_of_nothing(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    while True:
        await send({"type": "http.response.body", "body": b"", "more_body": True})


async def _hot_asking(_scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": b"more", "more_body": True})
    while True:
        await receive()


enough = threading.Event()


async def _hot_sends_that_nothing_stops(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    while not enough.is_set():
        with suppress(BaseException):
            await send({"type": "http.response.body", "body": b"more", "more_body": True})


async def _one_long_answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": b"more", "more_body": True})
    await asyncio.Event().wait()


HOT: dict[str, ASGIApp] = {
    "a hot stream of Starlette's": _hot_stream,
    "hot sends": _hot_sends,
    "hot sends of nothing": _hot_sends_of_nothing,
    "hot asking": _hot_asking,
    "hot sends that nothing stops": _hot_sends_that_nothing_stops,
    "one long answer": _one_long_answer,
}


@contextmanager
def sent(way: str, url: str, method: str = "POST", **headers: str) -> Iterator[socket.socket]:
    """A request that was sent."""
    if way == "http":
        with raw_socket(url) as connection:
            connection.sendall(request_head(method, {"Host": "localhost", **headers}, 2) + b"{}")
            yield connection
    else:
        with raw_client(url, **headers) as client:
            client.send(frame(TEXT, b"{}"))
            yield client.socket


def cpu_share(seconds: float) -> float:
    """How much of a core this process takes."""
    return psutil.Process().cpu_percent(seconds) / 100


@Ways
@pytest.mark.parametrize("hot", HOT.values(), ids=HOT)
def test_a_client_that_leaves_ends_the_work_and_others_are_answered_meanwhile(
    way: str, hot: ASGIApp, caplog: pytest.LogCaptureFixture
) -> None:
    echo, at_work = Echo(), []
    enough.clear()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if (b"x-hot", b"1") not in scope.get("headers", ()):
            await echo(scope, receive, send)
            return
        at_work.append(scope)
        try:
            await hot(scope, receive, send)
        finally:
            at_work.remove(scope)

    with served(app) as url:
        for _ in range(2):
            with sent(way, url, **{"X-Hot": "1"}) as client:
                assert client.recv(1000)
        assert ask(url, {}).status == 200
        if hot is _hot_sends_that_nothing_stops:
            time.sleep(1)  # until it was cancelled
        else:
            wait_until(lambda: not at_work)
        assert cpu_share(0.5) < 0.4
        assert ask(url, {}).status == 200
        assert caplog.text == ""
        enough.set()


@Ways
def test_a_client_that_leaves_before_its_answer_ends_the_work_of_an_application_that_reads_nothing(way: str) -> None:
    working, ended = threading.Event(), threading.Event()

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        if scope["type"] == "http":
            working.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    with served(app) as url:
        with sent(way, url, "GET"):
            assert working.wait(SECONDS)
        assert ended.wait(SECONDS)


@Ways
def test_work_that_is_cancelled_may_say_so_to_nobody_and_clean_up(way: str) -> None:
    working, clean = threading.Event(), threading.Event()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send(START)
            try:
                working.set()
                await asyncio.Event().wait()
            finally:
                await send({"type": "http.response.body", "body": b"cancelled"})
                clean.set()

    with served(app) as url:
        with sent(way, url):
            assert working.wait(SECONDS)
        assert clean.wait(SECONDS)


def test_a_client_that_leaves_ends_a_hot_websocket_route_of_the_applications_own() -> None:
    ended = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            try:
                while True:
                    await send({"type": "websocket.send", "text": "more"})
            finally:
                ended.set()
        else:
            await Echo()(scope, receive, send)

    with served(app, websocket_paths=["/own"]) as url:
        with raw_client(url, "/own") as client:
            assert client.message() == b"more"
        assert ended.wait(10)
        assert ask(url, {}).status == 200
