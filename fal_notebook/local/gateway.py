"""fal's "HTTP over WebSockets" for any ASGI application.

A client sends the body of a POST as one message and gets the response as messages: metadata that opens it,
the body in pieces as they are produced, metadata that closes it. The gateway turns each such message into an
ordinary ``http`` scope, so the application needs to know nothing of WebSockets, and its own HTTP endpoints
stay as they are.

One task reads the WebSocket all the time, for two reasons: requests that were sent early are queued or refused in
their turn, and a client that goes away is noticed while the application is at work. When that task has ended, the
client is gone or has to go.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection

from fal_notebook.local.admission import Refusal, refuse
from fal_notebook.local.asgi import ASGIApp, Message, Receive, Scope, Send
from fal_notebook.local.backlog import Backlog, Marker
from fal_notebook.local.exchange import Exchange
from fal_notebook.local.hangup import Call, Yielder, run_while_wanted
from fal_notebook.local.plain_http import PlainCall, read_body, until_gone

logger = logging.getLogger(__name__)

MAX_REQUESTS = 64
MAX_WAITING = 100
_BUSY = "concurrent_requests_limit"  # fal's own name for it


class HTTPOverWebSocket:
    """ASGI middleware: every HTTP endpoint of ``app`` also answers over a WebSocket, in fal's protocol.

    Requests on one connection are answered in order, one at a time: the next one starts when the application
    has returned from the last, background tasks included. If the client goes away in mid-response, the
    application gets ``http.disconnect``, and is cancelled half a second later if it is still at work. Checks, limits
    and ends are the same for plain HTTP.

    Args:
        app: any ASGI 3 application: Starlette, FastAPI, or what ``fal.App`` builds.
        key: if set, every request must carry ``Authorization: Key <key>``; others get 401.
        websocket_paths: paths of the application's own WebSocket routes, which are passed through
            (after the same checks).
        origins: the origins of web pages that may use the gateway, such as ``http://localhost:8888``; those of others
            are refused.
        max_requests: the most requests at once, of all connections; others are answered 429.
        max_waiting: the most requests that wait on one connection; others are answered 429 in their turn.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        key: str | None = None,
        websocket_paths: Collection[str] = (),
        origins: Collection[str] = (),
        max_requests: int = MAX_REQUESTS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._app = app
        self._key = key
        self._websocket_paths = frozenset(websocket_paths)
        self._origins = frozenset(origins)
        self._max_requests = max_requests
        self._max_waiting = max_waiting
        self._requests = 0
        self._busy = Refusal(429, f"At most {max_requests} requests at once are answered; try again later.", _BUSY)
        self._full = Refusal(429, f"At most {max_waiting} requests, or 256 MB, may wait on a connection.", _BUSY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI asks."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = self._refuse(scope) or await read_body(scope, receive)
        if isinstance(body, Refusal):
            await body.send_to_http(send)
        elif body is not None:
            reader = asyncio.create_task(until_gone(receive))
            try:
                await self._answer(self._work, PlainCall(scope, body, send), reader)
            finally:
                reader.cancel()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if refusal := self._refuse(scope):
            await receive()
            await refusal.send_to_websocket(scope, send)
        elif scope["path"] in self._websocket_paths:
            await self._app(scope, receive, _with_yields(send))
        else:
            await receive()
            await send({"type": "websocket.accept"})
            await self._answer_all(scope, receive, send)

    def _refuse(self, scope: Scope) -> Refusal | None:
        return refuse(scope, self._key, self._origins)

    async def _answer_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        backlog = Backlog(self._max_waiting)
        reader = asyncio.create_task(_read(receive, backlog))
        try:
            while (turn := await backlog.next()) is not Marker.END and not reader.done():
                refused = isinstance(turn, Marker)
                exchange = Exchange(scope, b"" if isinstance(turn, Marker) else turn, send)
                await self._answer(self._refuse_turn if refused else self._work, exchange, reader)
                if exchange.failed:
                    break
        finally:
            reader.cancel()
        if backlog.flooded:
            with contextlib.suppress(OSError):  # the client may have gone meanwhile
                await send({"type": "websocket.close", "code": 1008, "reason": "Too many requests wait"})

    async def _answer(self, app: ASGIApp, call: Call, reader: asyncio.Task[None]) -> None:
        work = await run_while_wanted(app, call, reader)
        error = None if work.cancelled() else work.exception()
        if error is not None:
            logger.error("The application failed on %r", call.scope["path"], exc_info=error)
        elif not reader.done() and not call.complete:
            logger.error("The application returned from %r before its response ended", call.scope["path"])
        if not reader.done():
            await call.close()

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, or refuse the request if too many are at work."""
        if self._requests >= self._max_requests:
            await self._busy.send_to_http(send)
            return
        self._requests += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._requests -= 1

    async def _refuse_turn(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await self._full.send_to_http(send)


def _with_yields(send: Send) -> Send:
    """Let other tasks run while a WebSocket route sends without a pause: one of them notices the client's end."""
    yielder = Yielder()

    async def send_with_yields(message: Message) -> None:
        await yielder.yield_if_due()
        await send(message)

    return send_with_yields


async def _read(receive: Receive, backlog: Backlog) -> None:
    try:
        while not backlog.flooded and (message := await receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            backlog.add(message["bytes"] if text is None else text.encode())
    finally:
        backlog.end()
