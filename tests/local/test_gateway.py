import asyncio
import json
import queue
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fal_notebook.local.asgi import ASGIApp, Message, Receive, Scope, Send
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from ..conftest import wait_until
from .frames import raw_socket
from .wire import SECONDS, Answer, ask, open_socket, read

KEY = "made-up-id:made-up-secret"
JSON = [(b"content-type", b"application/json")]
OCTETS = [(b"content-type", b"application/octet-stream")]


@contextmanager
def served(app: ASGIApp, **options: Any) -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(app, **options)) as server:
        yield server.url


def respond(*chunks: bytes, headers: Any = OCTETS, status: int = 200) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})

    return app


def answer_of(app: ASGIApp) -> Answer:
    with served(app) as url:
        return ask(url + "/some/app", {})


async def body_of(receive: Receive) -> bytes:
    body: bytes = (await receive())["body"]
    return body


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await respond(await body_of(receive))(scope, receive, send)


def test_a_response_is_a_start_the_body_and_an_end() -> None:
    answer = answer_of(respond(b"one", b"two", status=201))
    assert answer.start["status"] == 201
    assert answer.start["headers"] == {"content-type": "application/octet-stream"}
    assert answer.messages == [b"one", b"two"]
    assert set(answer.end) == {"type", "request_id", "status", "time_to_first_byte_seconds"}
    assert answer.end["status"] == 201
    assert 0 <= answer.end["time_to_first_byte_seconds"] < SECONDS


def test_start_and_end_carry_the_same_new_uuid() -> None:
    with served(echo) as url, open_socket(url) as socket:
        socket.send("{}")
        socket.send("{}")
        first, second = read(socket), read(socket)
    assert str(uuid.UUID(first.start["request_id"])) == first.end["request_id"]
    assert first.start["request_id"] != second.start["request_id"]


@pytest.mark.parametrize("message", ['{"a":  1, "ü": "✓"}', b'{"a":  1}', "no JSON at all", ""])
def test_the_arguments_are_forwarded_as_they_are(message: str | bytes) -> None:
    with served(echo) as url, open_socket(url) as socket:
        socket.send(message)
        assert read(socket).body == (message.encode() if isinstance(message, str) else message)


def test_the_application_sees_an_ordinary_post() -> None:
    seen: queue.SimpleQueue[Scope] = queue.SimpleQueue()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.put(scope)
        await echo(scope, receive, send)

    with served(app) as url:
        headers = {"Authorization": "Key x", "X-Own": "1", "Accept-Encoding": "gzip", "X-Fal-Request-Id": "forged"}
        answer = ask(url + "/a/b%20c?d=e", {"f": 1}, additional_headers=headers)
    scope = next(scope for scope in iter(seen.get_nowait, None) if scope["type"] == "http")
    assert (scope["method"], scope["scheme"]) == ("POST", "http")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a/b c", b"/a/b%20c", b"d=e")
    given = dict(scope["headers"])
    assert len(given) == len(scope["headers"])
    assert set(given) == {
        *(b"host", b"user-agent", b"authorization", b"x-own"),
        *(b"content-type", b"content-length", b"x-fal-request-id"),
    }
    assert (given[b"content-type"], given[b"content-length"]) == (b"application/json", b"8")
    assert given[b"x-fal-request-id"].decode() == answer.start["request_id"]


def test_early_requests_are_answered_in_order_and_one_at_a_time() -> None:
    working = 0
    overlaps = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal working
        if scope["type"] != "http":
            return
        working += 1
        overlaps.append(working > 1)
        body = await body_of(receive)
        for _ in range(10 - int(body)):
            await asyncio.sleep(0)
        await respond(body)(scope, receive, send)
        working -= 1

    with served(app) as url, open_socket(url) as socket:
        for number in range(10):
            socket.send(str(number))
        assert [read(socket).body for _ in range(10)] == [str(number).encode() for number in range(10)]
    assert not any(overlaps)


def test_repeated_headers_become_a_list() -> None:
    headers = [(b"Set-Cookie", b"a=1"), (b"X-One", b"1"), (b"Set-Cookie", b"b=2")]
    assert answer_of(respond(headers=headers)).start["headers"] == {"Set-Cookie": ["a=1", "b=2"], "X-One": "1"}


def test_json_comes_as_text() -> None:
    headers = [(b"content-type", b"Application/JSON; charset=utf-8")]
    assert answer_of(respond('{"ü":1}'.encode(), headers=headers)).messages == ['{"ü":1}']


def test_json_that_is_cut_inside_a_character_comes_as_binary() -> None:
    whole = '{"ü":1}'.encode()
    assert answer_of(respond(whole[:3], whole[3:], headers=JSON)).messages == [whole[:3], whole[3:]]


@pytest.mark.parametrize("kind", [b"text/event-stream", b"text/plain", b"audio/wav", b"application/jsonlines"])
def test_everything_else_comes_as_binary(kind: bytes) -> None:
    assert answer_of(respond(b"data", headers=[(b"content-type", kind)])).messages == [b"data"]


def test_a_body_without_a_type_comes_as_binary() -> None:
    assert answer_of(respond(b"{}", headers=[])).messages == [b"{}"]


def test_empty_pieces_are_not_sent() -> None:
    assert answer_of(respond(b"", b"a", b"", b"b")).messages == [b"a", b"b"]
    assert answer_of(respond()).messages == []


def test_a_piece_of_five_megabytes_is_one_message_either_way() -> None:
    large = bytes(range(256)) * 20_000
    with served(echo) as url, open_socket(url) as socket:
        socket.send(large)
        assert read(socket).messages == [large]


def test_pieces_arrive_while_the_application_is_still_at_work() -> None:
    go_on = threading.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.to_thread(go_on.wait, SECONDS)
        yield b"second"

    with served(StreamingResponse(pieces(), media_type="text/plain")) as url, open_socket(url) as socket:
        socket.send("{}")
        assert [json.loads(socket.recv(SECONDS))["type"], socket.recv(SECONDS)] == ["start", b"first"]
        go_on.set()
        assert socket.recv(SECONDS) == b"second"


def run_until_left(work: Callable[[Receive], Any]) -> tuple[str, int]:
    """Leave an application in mid-response; say how its work ended and how many requests it was given."""
    endings: queue.SimpleQueue[str] = queue.SimpleQueue()
    requests = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal requests
        if scope["type"] != "http":
            return
        requests += 1
        await body_of(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            endings.put((await work(receive))["type"])
        except asyncio.CancelledError:
            endings.put("cancelled")
            raise

    with served(app) as url:
        with open_socket(url) as socket:
            for _ in range(3):
                socket.send("{}")
            assert json.loads(socket.recv(SECONDS))["type"] == "start"
        return endings.get(timeout=SECONDS), requests


def test_an_application_that_listens_hears_that_the_client_is_gone() -> None:
    async def listen(receive: Receive) -> Message:
        return await receive()

    assert run_until_left(listen) == ("http.disconnect", 1)


def test_an_application_that_does_not_listen_is_cancelled() -> None:
    async def sleep_on(receive: Receive) -> Message:
        await asyncio.Event().wait()
        return await receive()

    assert run_until_left(sleep_on) == ("cancelled", 1)


def test_a_stream_of_starlette_ends_with_its_client() -> None:
    steps = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal steps
        while True:
            steps += 1
            yield b"more"
            await asyncio.sleep(0.001)

    def takes_no_step() -> bool:
        before = steps
        time.sleep(0.3)
        return steps == before

    with served(StreamingResponse(endless())) as url:
        with open_socket(url) as socket:
            socket.send("{}")
            socket.recv(SECONDS)
            assert not takes_no_step()
        wait_until(takes_no_step)


def test_an_application_that_only_sends_is_cancelled_too() -> None:
    cancelled = threading.Event()

    async def flood(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"more", "more_body": True})
        finally:
            cancelled.set()

    with served(flood) as url:
        with open_socket(url) as socket:
            socket.send("{}")
            socket.recv(SECONDS)
        assert cancelled.wait(SECONDS)


def test_a_model_ends_with_its_client_over_plain_http_too() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def model(request: Request) -> JSONResponse:
        await request.body()
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return JSONResponse({})

    with served(Starlette(routes=[Route("/", model, methods=["POST"])])) as url:
        with raw_socket(url) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
            assert begun.wait(SECONDS)
        assert cancelled.wait(SECONDS)


def test_work_behind_a_plain_response_goes_on_when_its_client_has_left() -> None:
    left, done = threading.Event(), threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await echo(scope, receive, send)
            await asyncio.to_thread(left.wait, SECONDS)
            await asyncio.sleep(1)  # longer than an application's grace
            done.set()

    with served(app) as url:
        assert posted(url) == (200, {})
        left.set()
        assert done.wait(SECONDS)


def failing(*, after_start: bool) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if await body_of(receive) == b"well":
            await respond(b"well")(scope, receive, send)
            return
        if after_start:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError("a mistake of the application")

    return app


def test_a_failure_before_the_start_is_a_500_and_the_connection_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with served(failing(after_start=False)) as url, open_socket(url) as socket:
        socket.send("badly")
        socket.send("well")
        failed, good = read(socket), read(socket)
    assert (failed.status, failed.json) == (500, {"detail": "Internal Server Error"})
    assert (good.status, good.body) == (200, b"well")
    assert "LookupError: a mistake of the application" in caplog.text


def test_a_failure_after_the_start_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    with served(failing(after_start=True)) as url, open_socket(url) as socket:
        socket.send("badly")
        assert json.loads(socket.recv(SECONDS))["type"] == "start"
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    assert "LookupError" in caplog.text


def test_an_application_that_says_nothing_is_a_500() -> None:
    async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return

    assert answer_of(silent).status == 500


def test_an_application_that_stops_halfway_closes_with_1011() -> None:
    async def half(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})

    with served(half) as url, open_socket(url) as socket:
        socket.send("{}")
        socket.recv(SECONDS)
        with pytest.raises(ConnectionClosed, match="1011"):
            socket.recv(SECONDS)


def refusal_of(url: str, **options: Any) -> tuple[int, Any]:
    with pytest.raises(InvalidStatus) as refused, open_socket(url, **options):
        pass
    response = refused.value.response
    return response.status_code, json.loads(response.body or b"null")


@pytest.mark.parametrize("given", [None, "Key wrong", f"Bearer {KEY}", f"Key {KEY}x", f"key {KEY}", KEY, "Key ü"])
def test_a_refused_key_is_answered_with_401(given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    with served(echo, key=KEY) as url:
        status, body = refusal_of(url + "/fal-ai/any-llm", additional_headers=headers)
    assert status == 401
    assert body["detail"].startswith("Cannot access application 'fal-ai/any-llm'. Authentication is required")
    assert KEY not in body["detail"]


def test_the_right_key_is_admitted() -> None:
    with served(echo, key=KEY) as url:
        assert ask(url, {"a": 1}, additional_headers={"Authorization": f"Key {KEY}"}).json == {"a": 1}


def test_the_key_guards_plain_http_too() -> None:
    with LocalServer(HTTPOverWebSocket(echo, key=KEY)) as server:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(server.http_url, b"{}")
        with refused.value as response:
            assert response.code == 401
        headers = {"Authorization": f"Key {KEY}"}
        request = urllib.request.Request(server.http_url, b"{}", headers)
        with urllib.request.urlopen(request) as response:
            assert response.read() == b"{}"


def posted(url: str, **headers: str) -> tuple[int, Any]:
    """POST as a program, or a web page, does: status and JSON of the answer."""
    request = urllib.request.Request(url.replace("ws://", "http://"), b"{}", headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def waiting_app(go_on: threading.Event, begun: "queue.SimpleQueue[bytes]") -> ASGIApp:
    """An echo that answers when it is told to."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = await body_of(receive)
            begun.put(body)
            await asyncio.to_thread(go_on.wait, SECONDS)
            await respond(body)(scope, receive, send)

    return app


def test_requests_beyond_the_limit_are_refused_over_either_way_and_admitted_later() -> None:
    go_on, begun = threading.Event(), queue.SimpleQueue[bytes]()
    with served(waiting_app(go_on, begun), max_requests=1) as url, open_socket(url) as socket:
        socket.send('"first"')
        assert begun.get(timeout=SECONDS) == b'"first"'
        refused = ask(url, "second")
        assert (refused.status, refused.json["error_type"]) == (429, "concurrent_requests_limit")
        assert refused.headers["x-fal-error-type"] == "concurrent_requests_limit"
        assert posted(url) == (429, refused.json)
        go_on.set()
        assert read(socket).json == "first"
        assert ask(url, "third").json == "third"


def test_early_requests_beyond_the_limit_are_refused_in_their_turn() -> None:
    go_on, begun = threading.Event(), queue.SimpleQueue[bytes]()
    with served(waiting_app(go_on, begun), max_waiting=2) as url, open_socket(url) as socket:
        socket.send("0")
        begun.get(timeout=SECONDS)
        for number in range(1, 6):
            socket.send(str(number))
        assert socket.ping().wait(SECONDS)  # by now the gateway has read them all
        go_on.set()
        answers = [read(socket) for _ in range(6)]
        assert [answer.json if answer.status == 200 else answer.status for answer in answers] == [
            0,
            1,
            2,
            429,
            429,
            429,
        ]
        socket.send("6")
        assert read(socket).json == 6
    assert [begun.get() for _ in range(begun.qsize())] == [b"1", b"2", b"6"]


def test_a_flood_of_requests_closes_the_connection_and_stops_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fal_notebook.local.backlog._MAX_REFUSED", 10)
    stopped = threading.Event()

    async def app(scope: Scope, receive: Receive, _send: Send) -> None:
        if scope["type"] == "http":
            await body_of(receive)
            await receive()
            stopped.set()

    with served(app, max_waiting=1) as url, open_socket(url) as socket:
        with suppress(ConnectionClosed):
            for _ in range(100):
                socket.send("{}")
        with pytest.raises(ConnectionClosed, match="1008"):
            socket.recv(SECONDS)
        assert stopped.wait(SECONDS)


async def shout(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text((await socket.receive_text()).upper())
    await socket.close()


def test_own_websocket_routes_are_passed_through() -> None:
    app = Starlette(routes=[WebSocketRoute("/own", shout)])
    with served(app, websocket_paths=["/own"]) as url, open_socket(url + "/own") as socket:
        socket.send("hello")
        assert socket.recv(SECONDS) == "HELLO"


def test_own_websocket_routes_are_guarded_as_well() -> None:
    app = Starlette(routes=[WebSocketRoute("/own", shout)])
    with served(app, websocket_paths=["/own"], key=KEY) as url:
        assert refusal_of(url + "/own")[0] == 401


def test_http_and_lifespan_pass_straight_through() -> None:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, str]]:
        yield {"greeting": "hello"}

    async def greet(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.greeting)

    app = Starlette(routes=[Route("/", greet, methods=["GET", "POST"])], lifespan=lifespan)
    with LocalServer(HTTPOverWebSocket(app)) as server:
        with urllib.request.urlopen(server.http_url) as response:
            assert response.read() == b"hello"
        assert ask(server.url, {}).body == b"hello"


def test_it_works_as_a_middleware_inside_starlette() -> None:
    async def double(request: Request) -> JSONResponse:
        return JSONResponse(2 * (await request.json())["number"])

    app = Starlette(routes=[Route("/double", double, methods=["POST"])])
    app.add_middleware(HTTPOverWebSocket)
    with LocalServer(app) as server:
        assert ask(server.url + "/double", {"number": 21}).messages == ["42"]
