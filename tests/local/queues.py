"""An application for a queue whose requests say what they want, and a client small enough to be trusted."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from fal_notebook.local.asgi import Message, Receive, Scope, Send
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.queue import LocalQueue, WithQueue
from fal_notebook.local.server import LocalServer

from ..conftest import wait_until

APP = "acme/echo"
logger = logging.getLogger("acme")
logger.setLevel(logging.INFO)


class Echo:
    """Answers with the arguments, after what they ask for: `status`, `headers`, `fail` (how often), `log`, `wait`.

    Attributes:
        calls: how often each argument `x` was asked for.
        at_once: the most calls that were at work at the same time.
        scopes: the calls.
        started: their arguments `x`, in the order in which they began.
        released: whether calls with `wait` may end.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.scopes: list[Scope] = []
        self.started: list[str] = []
        self.at_once = 0
        self._at_work = 0
        self.released = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = (await receive())["body"]
        asked = json.loads(body)
        name = str(asked.get("x"))
        self.scopes.append(scope)
        self.calls[name] += 1
        self.started.append(name)
        self._at_work += 1
        self.at_once = max(self.at_once, self._at_work)
        try:
            await self._answer(asked, name, body, send)
        finally:
            self._at_work -= 1

    async def _released(self) -> None:
        while not self.released:  # noqa: ASYNC110  # a test sets it from its own thread
            await asyncio.sleep(0.005)

    async def _answer(self, asked: dict[str, Any], name: str, body: bytes, send: Send) -> None:
        if "log" in asked:
            logger.info("%s", asked["log"])
        if asked.get("wait"):
            await self._released()
        if asked.get("raise"):
            raise LookupError("a bug in the app")
        status = asked.get("status", 200)
        if self.calls[name] > asked.get("fail", 1_000_000):
            status = 200
        headers = {"content-type": "application/json", **asked.get("headers", {})}
        named = [(key.encode(), value.encode()) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        if asked.get("break"):
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise LookupError("a bug in mid-response")
        await send(_body(asked, body, status))


def _body(asked: dict[str, Any], body: bytes, status: int) -> Message:
    detail = json.dumps({"detail": "as you wished"}).encode()
    size = b" " * asked.get("size", 0)
    return {"type": "http.response.body", "body": (body if status < 400 else detail) + size}


class Client:
    """Asks a queue over HTTP."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self._http = httpx.Client(headers=headers, timeout=30, trust_env=False)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._http.request(method, path if path.startswith("http") else self.url + path, **options)

    def submit(
        self, arguments: object, endpoint: str = APP, query: str = "", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        answer = self.ask("POST", f"/{endpoint}{query}", json=arguments, headers=headers)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def status(self, told: dict[str, Any], query: str = "") -> dict[str, Any]:
        answer = self.ask("GET", told["status_url"] + query)
        status: dict[str, Any] = answer.json()
        assert answer.status_code == (200 if status["status"] == "COMPLETED" else 202)
        assert answer.headers["x-fal-request-id"] == told["request_id"]
        return status

    def wait(self, told: dict[str, Any], state: str = "COMPLETED") -> dict[str, Any]:
        wait_until(lambda: self.status(told)["status"] == state)
        return self.status(told, "?logs=1")

    def result(self, told: dict[str, Any]) -> httpx.Response:
        self.wait(told)
        return self.ask("GET", told["response_url"])

    def close(self) -> None:
        self._http.close()


@contextmanager
def queue_of(app: Any, file: Path | None = None, **options: Any) -> Iterator[tuple[Client, LocalQueue]]:
    """Serve an application and its queue, and give a client of it."""
    queue = LocalQueue(app, file, **options)
    try:
        with LocalServer(WithQueue(HTTPOverWebSocket(app), queue)) as server:
            client = Client(f"{server.http_url}/queue")
            try:
                yield client, queue
            finally:
                client.close()
    finally:
        queue.close()
