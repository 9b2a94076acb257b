"""The connection, over real sockets, against servers that behave and servers that do not."""

import asyncio
import gc
import gzip
import json
import logging
import os
import socket
import ssl
import threading
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidMessage, InvalidProxyStatus, InvalidUpgrade
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from fal_notebook import Session, errors, pipeline, run, session, stream
from fal_notebook.wire.pool import Limits
from fal_notebook.wire.target import Target
from fal_notebook.wire.upgrade import _no_connection

from ..conftest import KEY, wait_until
from ..scripted import ScriptedServer, asks_for_key, end, start

QUIET = logging.getLogger("the tests' own servers")
QUIET.setLevel(logging.CRITICAL)


async def _answers(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(start())
        await connection.send(json.dumps({"you": json.loads(message)}))
        await connection.send(end())


def test_requests_share_one_persistent_connection() -> None:
    with ScriptedServer(_answers) as server:
        answers = [run("a/b", base_url=server.url, number=number).data for number in range(3)]
    assert answers == [{"you": {"number": number}} for number in range(3)]
    assert server.connections == 1


def test_a_connection_is_opened_anew_when_the_server_has_closed_it() -> None:
    async def one_answer(connection: ServerConnection) -> None:
        await connection.recv()
        for message in (start(), "1", end()):
            await connection.send(message)

    with ScriptedServer(one_answer) as server:
        for _ in range(3):
            assert run("a/b", base_url=server.url).data == 1
            wait_until(lambda: not session().connections)
        assert server.connections == 3


def test_a_request_that_may_have_arrived_is_never_sent_again() -> None:
    received: list[Any] = []

    async def takes_and_closes(connection: ServerConnection) -> None:
        received.append(await connection.recv())

    with ScriptedServer(takes_and_closes) as server, pytest.raises(errors.ConnectionLost) as caught:
        run("a/b", base_url=server.url, prompt="once")
    assert len(received) == 1
    assert "before the response began" in str(caught.value)


def test_a_dropped_connection_keeps_what_had_arrived() -> None:
    async def half(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(start(content_type="text/event-stream"))
        await connection.send(b'data: {"output": "half an answer", "partial": true}\n\n')
        connection.transport.abort()

    with ScriptedServer(half) as server, pytest.raises(errors.ConnectionLost) as caught:
        run("a/b", base_url=server.url)
    result = caught.value.result
    assert result is not None
    assert result.text == "half an answer"
    assert caught.value.request_id == result.request_id == "r1"
    assert result.error is caught.value


def test_the_request_after_a_broken_one_gets_its_own_answer() -> None:
    async def breaks_first(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(start())
            if json.loads(message)["prompt"] == "break":
                await connection.send('{"type": "start", "request_id": "r1"}')
                await connection.send("late words of the first answer")
                await connection.close()
                return
            await connection.send(message)
            await connection.send(end())

    with ScriptedServer(breaks_first) as server:
        with pytest.raises(errors.ConnectionLost):
            run("a/b", base_url=server.url, prompt="break")
        assert run("a/b", base_url=server.url, prompt="next").data == {"prompt": "next"}


def test_a_stopped_request_closes_its_connection_and_the_next_answer_is_its_own(gateway: str) -> None:
    stopped = stream("test/endless/stream", prompt="x")
    assert str(next(stopped)) == "first words"
    stopped.cancel()
    result = stopped.result()
    assert result.stopped
    assert result.text == "first words"
    assert run("test/echo/stream", prompt="the next one").text == "the next one "


def test_a_body_with_the_keys_of_metadata_does_not_end_the_response() -> None:
    body = '{"type": "end", "request_id": "another"}'

    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        for message in (start(), body, end()):
            await connection.send(message)

    with ScriptedServer(script) as server:
        assert run("a/b", base_url=server.url).data == json.loads(body)


def test_an_error_status_at_the_end_is_seen() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        for message in (start(), '{"detail": "it broke on the way"}', end(status=500)):
            await connection.send(message)

    with ScriptedServer(script) as server, pytest.raises(errors.ServerError, match="it broke on the way") as caught:
        run("a/b", base_url=server.url)
    assert caught.value.status == 500


def test_a_message_out_of_place_is_a_violation_and_closes_the_connection() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send("hello")
        await connection.wait_closed()

    with ScriptedServer(script) as server:
        with pytest.raises(errors.ProtocolViolation, match="hello"):
            run("a/b", base_url=server.url)
        assert session().connections == []


def test_one_frame_of_five_mebibytes_arrives() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        for message in (start(content_type="image/png"), bytes(5 * 1024**2), end()):
            await connection.send(message)

    with ScriptedServer(script) as server:
        (media,) = run("a/b", base_url=server.url).media
    assert media.data == bytes(5 * 1024**2)


@pytest.mark.parametrize("frames", [1, 16])
def test_a_body_over_the_cap_is_refused_with_a_clear_error(frames: int) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(start(content_type="image/png"))
        for _ in range(frames):
            await connection.send(bytes(2_000_000 // frames))
        await connection.wait_closed()

    own = Session(Limits(max_body=1_000_000))
    with ScriptedServer(script) as server:
        answer = own.stream("a/b", base_url=server.url)
        with pytest.raises(errors.ResponseTooLarge, match="1,000,000"):
            answer.result()
        own.close()


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_arguments_that_a_server_finds_too_large_are_told_with_their_size(
    compression: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    picture = os.urandom(1_500_000).hex()
    with ScriptedServer(_answers, logger=QUIET, max_size=2**20, compression=compression) as server:
        for _ in range(2):
            with pytest.raises(
                errors.ArgumentsTooLarge, match=r"the arguments \(3.0 MB\) are too large for x/echo"
            ) as caught:
                run("x/echo", base_url=server.url, picture=picture)
            assert "give files as URLs" in str(caught.value)
            assert caught.value.status is None
        assert run("x/echo", base_url=server.url, prompt="small").data == {"you": {"prompt": "small"}}
        assert server.connections == 3
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_server_that_hangs_up_before_it_has_read_the_arguments_is_heard() -> None:
    async def script(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await asyncio.sleep(0.1)
        connection.transport.write(Frame(Opcode.CLOSE, (1009).to_bytes(2)).serialize(mask=False))
        await asyncio.sleep(0.1)
        connection.transport.close()

    with (
        ScriptedServer(script, compression=None) as server,
        pytest.raises(errors.ArgumentsTooLarge, match=r"\(30.0 MB\)"),
    ):
        run("x/echo", base_url=server.url, picture=os.urandom(15_000_000).hex())


def test_small_arguments_are_not_called_too_large() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(1009, "from behind")

    with ScriptedServer(script) as server, pytest.raises(errors.ConnectionLost) as caught:
        run("a/b", base_url=server.url, prompt="small")
    assert "closed before the response began, code 1009 (message too big) from behind" in str(caught.value)


@pytest.mark.parametrize("body", ["", "half an answer"])
def test_arguments_that_were_answered_are_not_called_too_large(body: str) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(start(content_type="text/plain"))
        await connection.send(body)
        await connection.close(1009)

    with ScriptedServer(script) as server, pytest.raises(errors.ConnectionLost) as caught:
        run("a/b", base_url=server.url, picture="x" * 3_000_000)
    assert f"closed after {len(body)} bytes, code 1009 (message too big)" in str(caught.value)


def test_of_several_requests_the_largest_was_too_large() -> None:
    sizes = (10, 20_000, 30_000, 10)

    async def script(connection: ServerConnection) -> None:
        for _ in sizes:
            await connection.recv()
        await connection.close(1009)

    with ScriptedServer(script) as server:
        answers = pipeline("a/b", [{"picture": "x" * size} for size in sizes], base_url=server.url)
        kinds = [type(each.outcome().error) for each in answers]
    assert kinds == [errors.ConnectionLost, errors.ConnectionLost, errors.ArgumentsTooLarge, errors.ConnectionLost]


@pytest.mark.parametrize("statuses", [(413, 413), (200, 413)])
def test_a_status_for_too_large_arguments_is_the_same_error(statuses: tuple[int, int]) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        for message in (start(status=statuses[0]), '{"detail": "at most 1 MB"}', end(status=statuses[1])):
            await connection.send(message)

    with (
        ScriptedServer(script) as server,
        pytest.raises(errors.ArgumentsTooLarge, match=r"413 from a/b: at most 1 MB \(shorten them") as caught,
    ):
        run("a/b", base_url=server.url)
    assert caught.value.status == 413


def test_a_handshake_has_no_arguments_that_could_be_too_large() -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "headers")

    with ScriptedServer(_answers, refuse) as server, pytest.raises(errors.StatusError, match="413") as caught:
        run("a/b", base_url=server.url)
    assert not isinstance(caught.value, errors.ArgumentsTooLarge)
    assert "shorten" not in str(caught.value)


def test_what_is_queued_behind_too_large_an_answer_is_only_lost() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(start(content_type="image/png"))
        await connection.send(bytes(2_000))
        await connection.wait_closed()

    own = Session(Limits(max_body=1_000))
    with ScriptedServer(script) as server:
        answers = own.pipeline("a/b", [{}, {}], base_url=server.url)
        kinds = [type(each.outcome().error) for each in answers]
        own.close()
    assert kinds == [errors.ResponseTooLarge, errors.ConnectionLost]


def test_an_answer_that_comes_before_the_arguments_are_all_sent_counts() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.pause_reading()
        for message in (start(), "1", end(), start(), "2", end()):
            connection.transport.write(Frame(Opcode.TEXT, message.encode()).serialize(mask=False))
            await asyncio.sleep(0.1)
        connection.transport.abort()

    with ScriptedServer(script) as server:
        answers = pipeline("a/b", [{}, {"picture": os.urandom(15_000_000).hex()}], base_url=server.url)
        assert [each.result().data for each in answers] == [1, 2]


def test_a_refused_handshake_is_the_error_of_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)

    def refuse(connection: ServerConnection, request: Request) -> Response:
        body = json.dumps({"detail": f"no access with {request.headers.get('Authorization')}"}).encode()
        return Response(401, "Unauthorized", Headers(), body)

    with (
        ScriptedServer(_answers, refuse) as server,
        pytest.raises(errors.AuthenticationError, match="no access") as caught,
    ):
        run("a/b", base_url=server.url)
    assert KEY not in f"{caught.value!s} {caught.value!r} {caught.value.detail}"


def test_a_redirect_is_not_followed_and_gets_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    with ScriptedServer(_answers) as other:

        def redirect(connection: ServerConnection, request: Request) -> Response:
            return Response(HTTPStatus.FOUND, "Found", Headers(Location=f"{other.url}/a/b"), b"")

        with ScriptedServer(_answers, redirect) as server, pytest.raises(errors.ConnectError, match="redirect"):
            run("a/b", base_url=server.url)
        assert other.handshakes == []


def test_a_host_that_answers_as_a_web_server_does_is_no_redirect() -> None:
    def page(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.OK, "a page")

    with (
        ScriptedServer(_answers, page) as server,
        pytest.raises(errors.ConnectError, match="status 200: it does not speak WebSocket"),
    ):
        run("a/b", base_url=server.url)


@pytest.mark.parametrize(
    ("failure", "near", "far"),
    [
        (ConnectionResetError(104, "reset"), True, True),
        (EOFError("stream ends"), True, True),
        (InvalidMessage("not HTTP"), True, True),
        (ssl.SSLEOFError(8, "cut"), True, True),
        (ConnectionRefusedError(111, "refused"), False, True),
        (OSError("Multiple exceptions: refused, refused"), False, True),
        (OSError(101, "Network is unreachable"), False, True),
        (TimeoutError(110, "timed out"), True, True),
        (socket.gaierror(socket.EAI_AGAIN, "for now"), True, True),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), False, False),
        (ssl.SSLCertVerificationError(1, "not trusted"), False, False),
        (ssl.SSLError(1, "wrong version number"), False, False),
        (InvalidUpgrade("Upgrade"), False, False),
        (InvalidProxyStatus(Response(502, "Bad Gateway", Headers(), b"")), True, True),
        (InvalidProxyStatus(Response(407, "Who are you", Headers(), b"")), False, False),
        (ValueError("no port"), False, False),
        (ImportError("python-socks"), False, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_broke_a_handshake_off_may_pass_and_a_refusal_does_not(
    failure: Exception, *, near: bool, far: bool
) -> None:
    here, there = Target("a/b", "ws://127.0.0.1:9/a/b"), Target("a/b", "wss://ws.fal.run/a/b")
    assert (_no_connection(failure, here).may_pass, _no_connection(failure, there).may_pass) == (near, far)


@pytest.mark.parametrize(
    "body", ["x" * 2_000_000, "[" * 100_000, '{"detail":' * 100_000], ids=["long", "deep", "deeper"]
)
def test_a_refusal_keeps_its_name_whatever_its_body(body: str) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return Response(401, "Unauthorized", Headers({"Content-Length": str(len(body))}), body.encode())

    with (
        ScriptedServer(_answers, refuse) as server,
        pytest.raises(errors.AuthenticationError, match="401 from a/b") as caught,
    ):
        run("a/b", base_url=server.url)
    assert len(server.handshakes) == 1
    assert "check FAL_KEY" in str(caught.value)


@pytest.mark.parametrize(("status", "kind"), [(302, errors.ConnectError), (200, errors.ConnectError)])
def test_a_page_that_is_too_long_is_still_told_by_its_status(status: int, kind: type[Exception]) -> None:
    def page(connection: ServerConnection, request: Request) -> Response:
        return Response(status, "Here", Headers({"Content-Length": "2000000"}), bytes(2_000_000))

    with ScriptedServer(_answers, page) as server, pytest.raises(kind, match=str(status)):
        run("a/b", base_url=server.url)
    assert len(server.handshakes) == 1


@pytest.mark.parametrize(
    ("code", "tries"),
    [(1000, 1), (1001, 3), (1008, 1), (1009, 1), (1011, 3), (1012, 3), (1013, 3), (1014, 3), (4001, 1)],
)
def test_a_close_right_behind_the_handshake_is_no_request(code: int, tries: int) -> None:
    connections: list[socket.socket] = []

    def handshake_and_close(listening: socket.socket) -> None:
        for _ in range(tries):
            connection, _ = listening.accept()
            connections.append(connection)
            protocol = ServerProtocol(logger=QUIET)
            protocol.receive_data(connection.recv(10_000))
            (request,) = protocol.events_received()
            assert isinstance(request, Request)
            protocol.send_response(protocol.accept(request))
            protocol.send_close(code, "not now")
            connection.sendall(b"".join(protocol.data_to_send()))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=handshake_and_close, args=[listening], daemon=True).start()
        with pytest.raises(errors.ConnectError) as caught:
            run("a/b", base_url=f"ws://127.0.0.1:{listening.getsockname()[1]}", prompt="x")
    assert f"closed the connection as soon as it was open, code {code} not now (nothing was sent)" in str(caught.value)
    assert len(connections) == tries
    for connection in connections:
        connection.close()


def test_an_address_that_does_not_answer_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(_answers) as server, socket.socket() as full:
        port = int(server.url.rpartition(":")[2])
        full.bind(("127.0.0.2", port))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]  # so that its queue is full, and it answers nobody any more
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(("127.0.0.2", port))
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        result = stream("a/b", base_url=f"ws://far.test:{port}", timeout=20, prompt="x").result()
        assert result.data == {"you": {"prompt": "x"}}
        assert result.metrics.connect is not None
        assert result.metrics.connect < 10
        for each in waiting:
            each.close()


def test_no_server_is_one_clear_line() -> None:
    with pytest.raises(errors.ConnectError, match="is the gateway running"):
        run("a/b", base_url="ws://127.0.0.1:9")


def test_the_key_goes_into_the_handshake_and_into_no_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", f"{KEY}\n")
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "fal_notebook", "fal_notebook.wire.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    with ScriptedServer(_answers, asks_for_key, logger=logging.getLogger("quiet")) as server:
        logging.getLogger("quiet").setLevel(logging.CRITICAL)
        run("a/b", base_url=server.url)
        assert [each.headers.get("Authorization") for each in server.handshakes] == [None, f"Key {KEY}"]
    assert KEY not in caplog.text


def test_requests_that_overlap_get_connections_up_to_the_bound_and_wait_beyond() -> None:
    gate = threading.Event()
    at_once: list[int] = [0, 0]

    async def waits(connection: ServerConnection) -> None:
        async for _ in connection:
            at_once[0] += 1
            at_once[1] = max(at_once)
            await asyncio.get_running_loop().run_in_executor(None, gate.wait)
            at_once[0] -= 1
            for message in (start(), "1", end()):
                await connection.send(message)

    own = Session(Limits(connections=2))
    with ScriptedServer(waits) as server:
        streams = [own.stream("a/b", base_url=server.url) for _ in range(6)]
        wait_until(lambda: at_once[0] == 2)
        gate.set()
        assert [each.result().data for each in streams] == [1] * 6
        assert at_once[1] == 2
        assert server.connections == 2
        own.close()


def test_further_connections_close_when_unused_and_one_stays() -> None:
    both = threading.Barrier(2, timeout=10)

    async def together(connection: ServerConnection) -> None:
        async for _ in connection:
            await asyncio.get_running_loop().run_in_executor(None, both.wait)
            for message in (start(), "1", end()):
                await connection.send(message)

    own = Session(Limits(idle_seconds=0.05))
    with ScriptedServer(together) as server:
        streams = [own.stream("a/b", base_url=server.url) for _ in range(2)]
        for each in streams:
            each.result()
        wait_until(lambda: len(own.connections) == 1)
        assert [each.state for each in own.connections] == ["ready"]
        own.close()


def test_many_requests_leave_no_timers(gateway: str) -> None:
    def timers() -> int:
        return sum(type(each) is asyncio.TimerHandle for each in gc.get_objects())

    own = Session(Limits(connections=2))
    for _ in range(2):
        streams = [own.stream("test/echo/stream", {"prompt": "x"}) for _ in range(4)]
        assert [each.result().text for each in streams] == ["x "] * 4
    before = timers()
    for _ in range(100):
        assert own.stream("test/echo/stream", {"prompt": "x"}).result().text == "x "
    assert len(own.connections) == 2
    assert timers() <= before + 10
    own.close()


def test_other_limits_leave_requests_under_way_alone(gateway: str) -> None:
    running = session().stream("test/endless/stream", {"prompt": "x"})
    assert str(next(running)) == "first words"
    session().limits = Limits(connections=2)
    assert run("test/echo/stream", prompt="x").text == "x "
    assert not running.is_done
    running.cancel()
    assert running.result().text == "first words"


def test_a_timeout_while_the_arguments_go_out_does_not_say_that_nothing_was_sent() -> None:
    async def reads_nothing(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await asyncio.sleep(1)
        connection.transport.abort()

    with ScriptedServer(reads_nothing) as server, pytest.raises(errors.RequestTimeout) as caught:
        run("a/b", base_url=server.url, picture=os.urandom(10_000_000).hex(), timeout=0.3)
    assert "nothing was sent" not in str(caught.value)


def test_empty_messages_without_end_take_no_memory() -> None:
    async def says_nothing(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(start())
        for _ in range(10_000):
            await connection.send(b"")
        for message in ("1", end()):
            await connection.send(message)

    with ScriptedServer(says_nothing) as server:
        request = stream("a/b", base_url=server.url)
        wait_until(lambda: request.bytes == 1)
        assert len(request._receiver.inbox.take()) < 5
        session().close()


def test_another_key_closes_the_connections_of_the_one_before(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("one:key", "two:key", "three:key"):
        monkeypatch.setenv("FAL_KEY", key)
        run("test/echo/stream", prompt="x")
    assert len(session().connections) == 1


PAGE = (
    "<!DOCTYPE html><html><head><title>Oops</title><style>b{}</style></head><body><h1>Oops</h1><!-- x --></body></html>"
)
BODIES = {
    "empty": (b"", ""),
    "words": ("žába".encode(), "text/plain"),
    "Latin-1": ("é".encode("latin-1"), "text/plain; charset=iso-8859-1"),
    "UTF-16": (json.dumps({"detail": "žába"}, ensure_ascii=False).encode("utf-16"), "application/json; charset=utf-16"),
    "a mark": (b"\xef\xbb\xbf" + json.dumps({"detail": "Oops"}).encode(), "application/json"),
    "no charset": (b"Oops", "text/plain; charset=hex"),
    "page": (PAGE.encode(), "text/html"),
    "page without a name": (PAGE.encode(), ""),
    "page in JSON": (json.dumps({"detail": PAGE}).encode(), "application/json"),
    "packed": (gzip.compress(b"words"), "application/json"),
    "problem": (json.dumps({"title": "Oops", "type": "about:blank"}).encode(), "application/problem+json"),
    "the key": (f'{{"detail": "<html>{KEY}"}}'.encode(), "application/json"),
}
KINDS = {
    401: errors.AuthenticationError,
    402: errors.AccessDenied,
    403: errors.AccessDenied,
    404: errors.NotFound,
    413: errors.ArgumentsTooLarge,
    422: errors.ValidationFailed,
    429: errors.RateLimited,
    **dict.fromkeys((500, 501, 505, 511, *range(520, 531)), errors.ServerError),
    **dict.fromkeys((301, 302, 303, 307, 308, 400, 405, 408, 409, 415, 426, 431, 451, 499), errors.StatusError),
}
"""The statuses that are told at once: those that may pass are tried again."""


@pytest.mark.parametrize("place", ["handshake", "start", "end"])
@pytest.mark.parametrize("body", BODIES)
def test_a_status_has_its_name_and_one_line_of_words_wherever_it_comes(
    body: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    data, label = BODIES[body]
    status = 0

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        headers = Headers({"Content-Type": label, "Content-Length": str(len(data)), "Location": "/"})
        return Response(status, "No", headers, data) if place == "handshake" else None

    async def script(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(status=status if place == "start" else 200, content_type=label))
            await connection.send(data)
            await connection.send(end(status=status))

    with ScriptedServer(script, refuse) as server:
        for status, kind in KINDS.items():
            error = stream("a/b", base_url=server.url).outcome().error
            assert type(error) is _kind(kind, status, place)
            line = str(error)
            assert len(line.splitlines()) == 1
            assert str(status) in line
            assert "<" not in line.replace("<id>:<secret>", "")
            assert not any(hidden in f"{line} {vars(error)}" for hidden in (KEY, "\x00", "␀", "\ufffd"))
            assert line.endswith(")") or any(word in line for word in ("Oops", "žába", "é", "[key]"))


def _kind(kind: type[errors.FalNotebookError], status: int, place: str) -> type[errors.FalNotebookError]:
    """A handshake has no arguments, and what redirects it is no endpoint."""
    if place != "handshake":
        return kind
    return errors.ConnectError if status < 400 else errors.StatusError if status == 413 else kind


@pytest.mark.parametrize("moment", ["sent", "begun", "half", "answered"])
def test_a_close_has_its_name_whatever_its_code_and_moment(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    code, reason = 0, ""
    messages = {
        "sent": [],
        "begun": [start("r", content_type="text/plain")],
        "half": [start("r", content_type="text/plain"), "words"],
        "answered": [start("r", content_type="text/plain"), "words", end("r")],
    }[moment]

    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        for message in messages:
            await connection.send(message)
        payload = code.to_bytes(2) + reason.encode() if code else b""
        connection.transport.write(Frame(Opcode.CLOSE, payload).serialize(mask=False))
        await connection.wait_closed()

    with ScriptedServer(script, logger=QUIET) as server:
        for code in (0, 999, *range(1000, 1016), 3000, 4000, 4401, 4999, 5000):
            for reason in ("", f"because of {KEY}") if code else ("",):
                result = stream("a/b", base_url=server.url, picture="x" * 2_000).outcome()
                assert result.text == ("words" if moment in ("half", "answered") else "")
                if moment == "answered":
                    assert result.error is None
                    wait_until(lambda: not session().connections)  # the next request could still go there
                    continue
                is_refused = code == 1009 and moment == "sent"
                assert type(result.error) is (errors.ArgumentsTooLarge if is_refused else errors.ConnectionLost)
                line = str(result.error)
                assert is_refused or f"code {code or 1005}" in line or "broke the WebSocket protocol" in line
                assert KEY not in f"{line} {vars(result.error)}"
                assert "because of [key]" in line or not reason or "broke" in line


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"\x83\x00", "invalid opcode"),
        (b"\x81\x01\xff", "not UTF-8"),
        (b"\x88\x01a", "too short"),
        (b"\x81\x80abcd", "mask"),
    ],
)
def test_what_a_server_did_wrong_is_told(data: bytes, wrong: str) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.write(data)
        await connection.wait_closed()

    with (
        ScriptedServer(script, logger=QUIET, compression=None) as server,
        pytest.raises(errors.ConnectionLost, match=rf"the server broke the WebSocket protocol \(.*{wrong}"),
    ):
        run("a/b", base_url=server.url)
