"""HTTP of our own beside that of httpx, against a server that answers what the test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from fal_notebook.wire import http_hosts
from fal_notebook.wire.http_connection import BrokenOff, HTTPConnection, NothingSent, RawAnswer, TooLarge
from fal_notebook.wire.http_hosts import DirectHost, HTTPHost, ProxiedHost

from ..certificates import make_certificate, server_context
from ..proxy import Tunnel

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: a\r\nx-one: b\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK


class Server:
    """Answers each request with the next of its answers, byte by byte if asked to; then closes."""

    def __init__(self, *answers: bytes, piece: int = 65_536, closes: bool = False) -> None:
        self.answers, self.piece, self.closes = list(answers), piece, closes
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.talks: set[asyncio.Task[None]] = set()

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.add(asyncio.create_task(self.talk(reader, writer)))

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
                self.requests.append(head + (await reader.readexactly(int(length)) if length else b""))
                answer = self.answers.pop(0)
                for start in range(0, len(answer), self.piece):
                    writer.write(answer[start : start + self.piece])
                    await writer.drain()
                    await asyncio.sleep(0)
                if self.closes or b"close" in answer:
                    break
        except (asyncio.IncompleteReadError, IndexError, ConnectionError):
            pass
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def served(server: Server, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async with await asyncio.start_server(server.begin, "127.0.0.1", 0, ssl=context) as running:
        server.port = running.sockets[0].getsockname()[1]
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.port}"
        await asyncio.gather(*server.talks)


def with_host(server: Server, work: Callable[[HTTPHost], Awaitable[None]]) -> None:
    async def run() -> None:
        async with served(server) as url:
            host = DirectHost(httpx.URL(url), None)
            try:
                await work(host)
            finally:
                await host.close()

    asyncio.run(run())


async def get(host: HTTPHost, most: int = 1_000) -> RawAnswer:
    return await host.ask("GET", "/x?y=1", {"Authorization": "Key k"}, None, most)


@pytest.mark.parametrize("piece", [1, 3, 65_536])
@pytest.mark.parametrize("answer", [OK, CHUNKED, TO_THE_END, CONTINUED])
def test_an_answer_is_whole_however_it_is_cut(answer: bytes, piece: int) -> None:
    async def work(host: HTTPHost) -> None:
        for _ in range(2):
            came = await get(host)
            assert (came.status, came.body) == (404 if answer is CHUNKED else 200, b"hi")
            assert came.headers.get("x-one") == ("a, b" if b"X-One" in answer else None)

    server = Server(answer, answer, piece=piece)
    with_host(server, work)
    assert server.connections == (2 if answer is TO_THE_END else 1)


def test_a_request_is_sent_as_it_is_asked() -> None:
    async def work(host: HTTPHost) -> None:
        await host.ask("POST", "/a", {"Content-Type": "application/json"}, b'{"a": 1}', 10)
        await host.ask("PUT", "/b", {}, None, 10)
        await get(host)

    server = Server(OK, OK, OK)
    with_host(server, work)
    lines = [each.splitlines() for each in server.requests]
    assert [each[0] for each in lines] == [b"POST /a HTTP/1.1", b"PUT /b HTTP/1.1", b"GET /x?y=1 HTTP/1.1"]
    assert lines[0][-1] == b'{"a": 1}'
    assert b"Content-Length: 0" in lines[1]
    assert not any(each.startswith(b"Content-Length") for each in lines[2])
    assert b"Authorization: Key k" in lines[2]
    assert f"Host: 127.0.0.1:{server.port}".encode() in lines[2]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", OK[:-1], CHUNKED[:-5], b"\0\r\n\r\n"])
def test_an_answer_that_is_cut_or_none_may_have_been_asked_for(answer: bytes) -> None:
    async def work(host: HTTPHost) -> None:
        with pytest.raises(BrokenOff):
            await get(host)
        assert (await get(host)).body == b"hi"  # over a new connection

    server = Server(answer, TO_THE_END, closes=True)
    with_host(server, work)
    assert server.connections == 2


def test_an_answer_that_is_too_large_or_given_up_ends_its_connection() -> None:
    async def work(host: HTTPHost) -> None:
        with pytest.raises(TooLarge):
            await get(host, most=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await get(host)
        assert (await get(host)).body == b"hi"

    server = Server(OK, OK[:-1], OK)
    with_host(server, work)
    assert server.connections == 3


def test_silence_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_hosts, "_ANSWER_SECONDS", 0.05)

    async def work(host: HTTPHost) -> None:
        with pytest.raises(BrokenOff, match=r"nothing came for 0\.05 s"):
            await get(host)

    with_host(Server(OK[:-1]), work)


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_hosts, "_IDLE_SECONDS", 0.0)

    async def work(host: HTTPHost) -> None:
        await get(host)
        await get(host)

    server = Server(OK, OK)
    with_host(server, work)
    assert server.connections == 2


def test_what_comes_unasked_ends_a_connection() -> None:
    async def work(host: HTTPHost) -> None:
        assert (await get(host)).body == b"hi"
        assert (await get(host)).body == b"hi"

    server = Server(OK + OK, OK)
    with_host(server, work)
    assert server.connections == 2


def test_where_nothing_listens_and_where_the_words_cannot_be_sent_nothing_was_sent() -> None:
    async def work(host: HTTPHost) -> None:
        await get(host)
        with pytest.raises(NothingSent):
            await host.ask("GET", "/a b\r\nX: y", {}, None, 10)
        with pytest.raises(NothingSent):
            await HTTPConnection.open("127.0.0.1", 1, None, 5)

    server = Server(OK)
    with_host(server, work)
    assert len(server.requests) == 1


def test_many_requests_share_a_few_connections() -> None:
    async def work(host: HTTPHost) -> None:
        await asyncio.gather(*(get(host) for _ in range(100)))

    server = Server(*[OK] * 100)
    with_host(server, work)
    assert server.connections <= http_hosts._MOST_CONNECTIONS


@pytest.mark.parametrize("is_proxied", [False, True])
def test_tls_is_checked_and_a_proxy_carries_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_proxied: bool
) -> None:
    certificate = make_certificate(tmp_path / "own.pem")

    async def run() -> list[bytes]:
        server = Server(OK, OK, OK)
        async with served(server, server_context(certificate)) as url:
            with Tunnel(server.port) as tunnel:
                proxy = tunnel.url.replace("ws:", "http:")

                def make() -> HTTPHost:
                    context = httpx.create_ssl_context()
                    if is_proxied:
                        return ProxiedHost(httpx.URL(url), proxy, context)
                    return DirectHost(httpx.URL(url), context)

                for trusted in (False, True):
                    if trusted:
                        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
                    host = make()
                    if trusted:
                        assert (await get(host)).body == b"hi"
                    else:
                        with pytest.raises(NothingSent):
                            await get(host)
                    await host.close()
                assert len(server.requests) == 1
                return tunnel.requests

    asked = asyncio.run(run())
    assert asked == [] or asked[0].startswith(b"CONNECT 127.0.0.1:")
