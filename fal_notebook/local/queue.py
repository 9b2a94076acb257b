"""fal's queue for any ASGI application: what is on queue.fal.run, on this machine.

A client submits a request, asks for its status until it is completed, and fetches the result. The requests are in an
SQLite file, so that the queue goes on after its process was killed: what waited waits, and what was in progress waits
anew. What is at work, and again after 503 and 504, is in `queue_runner`; what was asked and answered in `queue_store`.
"""

import math
import re
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fal_notebook.local.admission import Refusal, refuse
from fal_notebook.local.plain_http import read_body
from fal_notebook.local.queue_answers import (
    header,
    send_json,
    send_response,
    status_body,
    stream_status,
)
from fal_notebook.local.queue_limits import Rate
from fal_notebook.local.queue_listing import PATH as LISTING
from fal_notebook.local.queue_listing import list_requests
from fal_notebook.local.queue_requests import Bill, Standing, State, Submission
from fal_notebook.local.queue_runner import Runner
from fal_notebook.local.queue_settings import QueueLimits, Working
from fal_notebook.local.queue_store import QueueStore

from .asgi import ASGIApp, Message, Receive, Scope, Send, below

PATH = "/queue"
"""Where `fal-notebook serve` has its queue."""
_REQUEST = re.compile(
    r"/(?P<endpoint>.+)/requests/(?P<request_id>[^/]+)(?P<what>|/response|/status|/status/stream|/cancel)"
)
_ENDPOINT = re.compile(r"/([\w.~-]+(?:/[\w.~-]+)+)", re.ASCII)
_OWN = ("fal_webhook", "fal_max_queue_length")
# The key, and what belongs to the connection or is for the queue itself.
_NOT_FORWARDED = frozenset(
    b"authorization cookie connection keep-alive host te trailer transfer-encoding upgrade content-length "
    b"accept-encoding x-fal-request-id".split()
)
_YES = {"1", "true", "yes"}
_UNKNOWN = Refusal(404, "Request not found")


class LocalQueue:
    """An ASGI application: the queue before another application.

    Args:
        app: any ASGI 3 application, whose POST endpoints are called.
        file: the SQLite file with the requests; None keeps them in memory, until the process ends.
        key: if set, every request must carry ``Authorization: Key <key>``.
        origins: the origins of web pages that may use the queue.
        working: how many requests are at work at once, and when they are tried again.
        limits: how long results last, and what is refused.

    Raises:
        QueueFileError: the file is not that of a queue of this version.
    """

    def __init__(
        self,
        app: ASGIApp,
        file: Path | None = None,
        *,
        key: str | None = None,
        origins: Collection[str] = (),
        working: Working | None = None,
        limits: QueueLimits | None = None,
    ) -> None:
        self._app, self._key, self._origins = app, key, frozenset(origins)
        self._limits = limits or QueueLimits()
        self._store = QueueStore(file)
        self._runner = Runner(app, self._store, working or Working())
        self._rate = Rate(self._limits.requests_per_second, time.monotonic)

    def bill(self) -> Bill:
        """Return what the queue has worked on. Usable from any thread."""
        return self._store.bill()

    def close(self) -> None:
        """Close the file, once the server has ended."""
        self._runner.end()
        self._store.close()

    def begin(self) -> None:
        """Go on with the requests that wait, on the running event loop, once the application has started."""
        self._runner.begin()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks."""
        if scope["type"] == "lifespan":
            await with_lifespan(self._app, self, scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "The queue has no WebSockets"})
        else:
            self.begin()
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = refuse(scope, self._key, self._origins)
        if refusal is None and (seconds := self._rate.wait()):
            detail = {"detail": "Too many requests; try again later.", "error_type": "rate_limited"}
            more = {"retry-after": str(int(seconds) + 1), "x-fal-error-type": "rate_limited"}
            await send_json(send, 429, detail, more)
            return
        body = refusal or await read_body(scope, receive)
        if isinstance(body, Refusal):
            await body.send_to_http(send)
        elif body is not None:
            await self._answer(scope, body, receive, send)

    async def _answer(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        method = scope["method"]
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if method == "GET" and path == LISTING:
            await self._list(query, send)
        elif found := _REQUEST.fullmatch(path):
            await self._known(method, found, query, receive, send)
        elif method == "GET" and path == "/bill":
            bill = self.bill()
            await send_json(send, 200, {name: getattr(bill, name) for name in bill.__slots__})
        elif method == "POST" and (endpoint := _ENDPOINT.fullmatch(path)):
            await self._submit(scope, endpoint[1], query, body, send)
        else:
            await Refusal(404, f"{method} {path} is nothing that the queue has").send_to_http(send)

    async def _submit(
        self, scope: Scope, endpoint: str, query: Mapping[str, list[str]], body: bytes, send: Send
    ) -> None:
        try:
            asked = _submission(scope, endpoint, query, body)
            longest = int(query["fal_max_queue_length"][0]) if "fal_max_queue_length" in query else None
        except ValueError as error:
            await Refusal(400, str(error), "bad_request").send_to_http(send)
            return
        if longest is not None and self._runner.waiting() >= longest:
            await Refusal(429, f"At least {longest} requests wait already").send_to_http(send)
            return
        self._store.add(asked)
        position = self._runner.add(asked)
        base = f"{_base(scope)}/{_application(endpoint)}/requests/{asked.request_id}"
        told: dict[str, Any] = {
            "status": State.IN_QUEUE,
            "request_id": asked.request_id,
            "response_url": base,
            "status_url": f"{base}/status",
            "cancel_url": f"{base}/cancel",
            "logs": None,
            "metrics": {},
            "queue_position": position,
        }
        await send_json(send, 200, told, {"x-fal-request-id": asked.request_id})

    async def _known(
        self, method: str, found: "re.Match[str]", query: Mapping[str, list[str]], receive: Receive, send: Send
    ) -> None:
        request_id, what = found["request_id"], found["what"]
        standing = self._store.standing(request_id)
        if standing is None or not f"{standing.endpoint}/".startswith(f"{found['endpoint']}/"):
            if what == "/cancel":
                await send_json(send, 404, {"status": "NOT_FOUND", "detail": _UNKNOWN.detail})
            else:
                await _UNKNOWN.send_to_http(send)
            return
        logs = query.get("logs", ["0"])[0].lower() in _YES
        if method == "PUT" and what == "/cancel":
            await self._cancel(request_id, standing, send)
        elif method == "GET" and what == "/status":
            status = 200 if standing.state is State.COMPLETED else 202
            told = self._status(request_id, standing, logs=logs)
            await send_json(send, status, told, {"x-fal-request-id": request_id})
        elif method == "GET" and what == "/status/stream":
            await stream_status(lambda: self._status(request_id, None, logs=logs), request_id, receive, send)
        elif method == "GET" and what in ("", "/response"):
            await self._result(request_id, standing, send)
        else:
            await Refusal(405, "Method Not Allowed").send_to_http(send)

    def _status(self, request_id: str, standing: Standing | None, *, logs: bool) -> dict[str, Any]:
        standing = standing or self._store.standing(request_id)
        if standing is None:
            raise LookupError(request_id)
        if logs and (so_far := self._runner.logs(request_id)) is not None:
            standing = replace(standing, logs=so_far)
        return status_body(request_id, standing, self._runner.position(request_id), logs=logs)

    async def _cancel(self, request_id: str, standing: Standing, send: Send) -> None:
        named = {"x-fal-request-id": request_id}
        if standing.state is State.COMPLETED:
            await send_json(send, 400, {"status": "ALREADY_COMPLETED"}, named)
        else:
            self._runner.cancel(request_id)
            await send_json(send, 202, {"status": "CANCELLATION_REQUESTED"}, named)

    async def _result(self, request_id: str, standing: Standing, send: Send) -> None:
        named = {"x-fal-request-id": request_id}
        if standing.state is not State.COMPLETED or standing.ended is None:
            await send_json(send, 400, {"detail": "Request is still in progress"}, named)
            return
        limits = self._limits
        kept = limits.keep_large_seconds if standing.size >= limits.large_bytes else limits.keep_seconds
        if time.time() > standing.ended + kept:
            await send_json(send, 404, {"detail": "The result has expired"}, named)
            return
        answer = self._store.answer(request_id)
        more = {**named, "x-fal-billable-units": f"{answer.units:g}"}
        if answer.error_type:
            more["x-fal-error-type"] = answer.error_type
        await send_response(send, answer, more)

    async def _list(self, query: Mapping[str, list[str]], send: Send) -> None:
        lag, unfinished = self._limits.listing_seconds, self._limits.lists_unfinished
        try:
            page = list_requests(self._store, query, lag=lag, unfinished=unfinished)
        except ValueError as error:
            await Refusal(422, str(error)).send_to_http(send)
        else:
            await send_json(send, 200, page)


class WithQueue:
    """An ASGI application: a queue below one path, and another application, such as the gateway, everywhere else.

    Args:
        other: the other application, which gets the server's start and end, too.
        queue: the queue.
        path: where the queue is.
    """

    def __init__(self, other: ASGIApp, queue: LocalQueue, path: str = PATH) -> None:
        self._other, self._queue, self._path = other, queue, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI asks."""
        if scope["type"] == "lifespan":
            await with_lifespan(self._other, self._queue, scope, receive, send)
        elif (inner := below(self._path, scope)) is not None:
            await self._queue(inner, receive, send)
        else:
            await self._other(scope, receive, send)


async def with_lifespan(app: ASGIApp, queue: LocalQueue, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an application start and end with the server; the queue begins when it has started, or need not start."""
    settled = False

    async def begin_when_started(message: Message) -> None:
        nonlocal settled
        settled = True
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            queue.begin()

    try:
        await app(scope, receive, begin_when_started)
    finally:
        if not settled:  # it knows nothing of starts, whether it returned or raised
            queue.begin()


def _submission(scope: Scope, endpoint: str, query: Mapping[str, list[str]], body: bytes) -> Submission:
    names = {name.lower(): value for name, value in scope["headers"]}
    forwarded = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope["headers"]
        if name.lower() not in _NOT_FORWARDED
    )
    now = time.time()
    asked = Submission(
        str(uuid.uuid4()),
        endpoint,
        urlencode({name: values for name, values in query.items() if name not in _OWN}, doseq=True),
        forwarded,
        body,
        now,
        low=header(names, "x-fal-queue-priority") == "low",
        retried=(header(names, "x-fal-no-retry") or "").lower() not in _YES,
        listed=header(names, "x-fal-store-io") != "0",
    )
    seconds = header(names, "x-fal-request-start-timeout") or header(names, "x-fal-request-timeout")
    if seconds is not None:
        if not 0 < float(seconds) < math.inf:
            raise ValueError("The time in which the request must start is no number of seconds")
        asked = replace(asked, deadline=now + float(seconds))
    if "fal_webhook" in query:
        asked = replace(asked, webhook=query["fal_webhook"][0])
        if urlsplit(asked.webhook).scheme not in ("http", "https"):
            raise ValueError("fal_webhook is not an http or https URL")
    return asked


def _application(endpoint: str) -> str:
    """The endpoint without its sub-path, which is left out in the URLs of its requests."""
    parts = endpoint.split("/")
    return "/".join(parts[: 3 if parts[0] in ("workflows", "comfy") else 2])


def _base(scope: Scope) -> str:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"host"), "127.0.0.1")
    return f"{scope.get('scheme', 'http')}://{host}{scope.get('root_path', '')}"
