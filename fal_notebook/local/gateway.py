"""fal's "HTTP over WebSockets" for any ASGI application.

A client sends the body of a POST as one message and gets the response as messages: metadata that opens it,
the body in pieces as they are produced, metadata that closes it. The gateway turns each such message into an
ordinary ``http`` scope, so the application needs to know nothing of WebSockets, and its own HTTP endpoints
stay as they are.

One task reads the WebSocket all the time, for two reasons: requests that were sent early wait in a queue, and
a client that goes away is noticed while the application is at work. The end of that task *means* that the client
is gone, or is sent away since it let too many requests wait.
"""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from fal_notebook.local.admission import refuse_key, refuse_origin
from fal_notebook.local.asgi import ASGIApp, Receive, Scope, Send
from fal_notebook.local.exchange import Exchange

logger = logging.getLogger(__name__)

_GRACE_SECONDS = 0.5
_TRY_AGAIN_LATER = 1013  # the registry of close codes of RFC 6455, 11.7


@dataclass(frozen=True)
class GatewayLimits:
    """What a gateway takes on.

    Attributes:
        at_once: requests that the application works on at the same time; further ones wait.
        waiting: requests that wait on one connection; a client that sends more is sent away.
    """

    at_once: int = 64
    waiting: int = 256


class HTTPOverWebSocket:
    """ASGI middleware: every HTTP endpoint of ``app`` also answers over a WebSocket, in fal's protocol.

    Requests on one connection are answered in order, one at a time: the next one starts when the application
    has returned from the last, background tasks included. If the client goes away in mid-response, the
    application gets ``http.disconnect``, and is cancelled half a second later if it is still at work.

    Args:
        app: any ASGI 3 application: Starlette, FastAPI, or what ``fal.App`` builds.
        key: if set, every request must carry ``Authorization: Key <key>``; others get 401.
        websocket_paths: paths of the application's own WebSocket routes, which are passed through
            (after the same checks of key and origin).
        limits: how much it takes on.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        key: str | None = None,
        websocket_paths: Collection[str] = (),
        limits: GatewayLimits | None = None,
    ) -> None:
        self._app = app
        self._key = key
        self._websocket_paths = frozenset(websocket_paths)
        self._limits = limits or GatewayLimits()
        self._turns = asyncio.Semaphore(self._limits.at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI asks."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http" and (refusal := refuse_origin(scope) or refuse_key(scope, self._key)):
            await refusal.send_to_http(send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if refusal := refuse_origin(scope) or refuse_key(scope, self._key):
            await receive()
            await refusal.send_to_websocket(scope, send)
        elif scope["path"] in self._websocket_paths:
            await self._app(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.accept"})
            await self._answer_all(scope, receive, send)

    async def _answer_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        bodies: asyncio.Queue[bytes | None] = asyncio.Queue()
        reader = asyncio.create_task(_read(receive, bodies, self._limits.waiting))
        try:
            while (body := await bodies.get()) is not None and not reader.done():
                exchange = Exchange(scope, body, send)
                await self._answer(exchange, reader)
                if exchange.failed:
                    break
            if reader.done() and reader.result():
                await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER, "reason": reader.result()})
        finally:
            reader.cancel()

    async def _perform(self, exchange: Exchange) -> None:
        async with self._turns:
            await self._app(exchange.scope, exchange.receive, exchange.send)

    async def _answer(self, exchange: Exchange, reader: asyncio.Task[str]) -> None:
        work = asyncio.create_task(self._perform(exchange))
        try:
            await asyncio.wait({work, reader}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not exchange.complete:
                exchange.client_gone()
                await asyncio.wait({work}, timeout=_GRACE_SECONDS)
                work.cancel()
            await asyncio.wait({work})
        finally:
            work.cancel()
        error = None if work.cancelled() else work.exception()
        if error is not None:
            logger.error("The application failed on %s", exchange.scope["path"], exc_info=error)
        elif not reader.done() and not exchange.complete:
            logger.error("The application returned from %s before its response ended", exchange.scope["path"])
        if not reader.done():
            await exchange.close()


async def _read(receive: Receive, bodies: asyncio.Queue[bytes | None], limit: int) -> str:
    """Read until the client is gone, or has to go; return why it has to."""
    try:
        while (message := await receive())["type"] != "websocket.disconnect":
            if bodies.qsize() >= limit:
                return f"more than {limit} requests wait"
            text = message.get("text")
            bodies.put_nowait(message["bytes"] if text is None else text.encode())
        return ""
    finally:
        bodies.put_nowait(None)
