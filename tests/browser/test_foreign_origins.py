"""Real pages of other origins get nothing from the gateway, by any kind of request that a page can make."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Playwright

from fal_notebook.local.asgi import ASGIApp, Receive, Scope, Send
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from ..conftest import wait_until
from .lab import launch

WAYS = """
const http = GATEWAY, tag = (name, fields) => document.body.append(Object.assign(document.createElement(name), fields))
const form = (name, method) => {
  tag('iframe', {name})
  tag('form', {action: http + '/' + name, method, target: name, enctype: 'text/plain'})
  document.body.lastChild.submit()
}
const quiet = (ask) => { try { ask()?.catch?.(() => 0) } catch {} }
tag('script', {src: http + '/script'})
tag('script', {src: http + '/module', type: 'module'})
tag('img', {src: http + '/picture', referrerPolicy: 'no-referrer'})
tag('img', {src: http + '/picture-with-referrer', referrerPolicy: 'unsafe-url'})
tag('audio', {src: http + '/sound', preload: 'auto'})
tag('link', {href: http + '/style', rel: 'stylesheet'})
tag('link', {href: http + '/prefetch', rel: 'prefetch'})
tag('iframe', {src: http + '/frame'})
tag('iframe', {src: http + '/sandboxed-frame', sandbox: 'allow-scripts'})
tag('object', {data: http + '/object'})
form('form-get', 'get')
form('form-post', 'post')
quiet(() => fetch(http + '/fetch'))
quiet(() => fetch(http + '/fetch-no-cors', {mode: 'no-cors'}))
quiet(() => fetch(http + '/fetch-post', {method: 'POST', mode: 'no-cors', body: '{}'}))
quiet(() => fetch(http + '/fetch-json', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'}))
quiet(() => fetch(http + '/fetch-put', {method: 'PUT'}))
quiet(() => { navigator.sendBeacon(http + '/beacon', '{}') })
quiet(() => { new EventSource(http + '/events') })
quiet(() => { new WebSocket(http.replace('http', 'ws') + '/websocket').onopen = (e) => e.target.send('{}') })
window.open(http + '/window')
"""
ASKED = {
    *("script", "module", "picture", "picture-with-referrer", "sound", "style", "prefetch", "frame", "sandboxed-frame"),
    *("object", "form-get", "form-post", "fetch", "fetch-no-cors", "fetch-post", "fetch-json", "fetch-put", "beacon"),
    *("events", "websocket", "window"),
}


class Noting:
    """Middleware that records the requests to an application."""

    def __init__(self, app: ASGIApp) -> None:
        self.asked: set[str] = set()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self.asked.add(scope["path"].strip("/"))
        await self._app(scope, receive, send)


async def data_for_everybody(scope: Scope, _receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/html"), (b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<body>the application's data</body>"})


@contextmanager
def page_server(gateway: str) -> Iterator[int]:
    """The port of a server whose page makes every kind of request to the gateway."""
    page = f"<body></body><script>{WAYS.replace('GATEWAY', json.dumps(gateway))}</script>".encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def surfer(driver: Playwright) -> Iterator[Browser]:
    """A browser in which a public host name resolves to this machine."""
    running = launch(driver, "--host-resolver-rules=MAP evil.example 127.0.0.1", "--disable-popup-blocking")
    yield running
    running.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.example"])
def test_a_page_of_another_origin_costs_no_work_whichever_way_it_asks(surfer: Browser, host: str) -> None:
    app = Noting(data_for_everybody)
    gateway = Noting(HTTPOverWebSocket(app))
    with LocalServer(gateway) as server, page_server(server.http_url) as port, surfer.new_context() as context:
        context.new_page().goto(f"http://{host}:{port}/")
        wait_until(lambda: gateway.asked >= ASKED)
        assert app.asked <= {"favicon.ico"}  # the browser itself requests it, for the window with the refusal


def test_a_rebound_name_shows_nothing_of_the_application(surfer: Browser) -> None:
    with LocalServer(HTTPOverWebSocket(data_for_everybody)) as server, surfer.new_context() as context:
        page = context.new_page()
        for host, status in [("evil.example", 403), ("127.0.0.1", 200), ("localhost", 200)]:
            answer = page.goto(f"http://{host}:{server.port}/")
            assert answer is not None
            assert answer.status == status
            assert ("data" in page.content()) == (status == 200)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_applications_own_page_may_ask_whichever_way(surfer: Browser, host: str) -> None:
    app = Noting(data_for_everybody)
    with LocalServer(HTTPOverWebSocket(app)) as server, surfer.new_context() as context:
        page = context.new_page()
        address = f"http://{host}:{server.port}"
        page.goto(address)
        page.evaluate(WAYS.replace("GATEWAY", json.dumps(address)))
        wait_until(lambda: app.asked >= ASKED - {"sandboxed-frame"})
        assert page.evaluate("fetch('/fetch').then((answer) => answer.text())") == "<body>the application's data</body>"


def test_a_page_of_an_origin_that_was_named_may_ask(surfer: Browser) -> None:
    app = Noting(data_for_everybody)
    with page_server("http://127.0.0.1:1") as port:
        origin = f"http://localhost:{port}"
        with LocalServer(HTTPOverWebSocket(app, origins=[origin])) as server, surfer.new_context() as context:
            page = context.new_page()
            page.goto(origin)
            page.evaluate(WAYS.replace("GATEWAY", json.dumps(server.http_url)))
            wait_until(lambda: app.asked >= {"picture-with-referrer", "sound", "fetch", "fetch-json", "websocket"})
            assert "picture" not in app.asked
