import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from fal_notebook.errors import ConnectError, ConnectionLost, InvalidRequest, NotFound, ResponseTooLarge
from fal_notebook.wire.queue_address import queue_address
from fal_notebook.wire.queue_http import HTTPAnswer, QueueHTTP

from ..conftest import KEY


class Server(HTTPServer):
    seen: list[tuple[str, str | None]]
    url: str


class Handler(BaseHTTPRequestHandler):
    """Redirects, sends a large body, or answers with what it got."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        if self.path.endswith("/away"):
            self.send_response(302)
            self.send_header("Location", "http://localhost:1/elsewhere")
            self.end_headers()
            return
        body = b"x" * 5_000 if self.path.endswith("/large") else b'{"detail": "none"}'
        self.send_response(404 if self.path.endswith("/none") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("FAL_KEY", KEY)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Server(("127.0.0.1", 0), Handler) as running:
        running.seen = []
        running.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(base: str, url: str, max_body: int = 1_000) -> HTTPAnswer:
    async def exchange() -> HTTPAnswer:
        http = QueueHTTP(queue_address("a/b", base), max_body)
        try:
            return await http.ask("GET", url)
        finally:
            await http.close()

    return asyncio.run(exchange())


def test_the_key_goes_to_the_queue_and_no_redirect_is_followed(server: Server) -> None:
    assert ask(server.url, f"{server.url}/queue/away").status == 302
    assert server.seen == [("/queue/away", f"Key {KEY}")]


def test_no_other_host_is_asked(server: Server) -> None:
    for url in (server.url.replace("127.0.0.1", "localhost"), "http://example.org/", server.url.replace("//", "//x@")):
        with pytest.raises(InvalidRequest, match="own host"):
            ask(server.url, url)
    assert server.seen == []


def test_an_answer_that_is_too_large_is_given_up(server: Server) -> None:
    with pytest.raises(ResponseTooLarge):
        ask(server.url, f"{server.url}/queue/large")
    assert len(ask(server.url, f"{server.url}/queue/large", 10_000).body) == 5_000


def test_a_refusal_is_an_error_of_its_status(server: Server) -> None:
    http = QueueHTTP(queue_address("a/b", server.url), 1_000)
    error = http.refusal(ask(server.url, f"{server.url}/queue/none"), "id")
    assert isinstance(error, NotFound)
    assert (error.detail, error.request_id) == ("none", "id")


def test_an_error_says_whether_something_may_have_been_sent_and_has_no_key(server: Server) -> None:
    with pytest.raises(ConnectError, match="no connection to the queue") as caught:
        ask("http://127.0.0.1:1", "http://127.0.0.1:1/queue/x")
    assert caught.value.__context__ is None
    server.RequestHandlerClass = type("Closing", (Handler,), {"do_GET": lambda self: self.connection.close()})
    with pytest.raises(ConnectionLost) as lost:
        ask(server.url, f"{server.url}/queue/x")
    assert lost.value.__context__ is None
