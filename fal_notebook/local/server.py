"""A uvicorn server in a thread of this process, for as long as a ``with`` block lasts.

Tests, the command line and the demonstration share it. It binds its socket before the thread starts, so that
a taken port is an ``OSError`` where it is asked for and port 0 has a number at once.
"""

import asyncio
import contextlib
import os
import socket
import threading
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fal_notebook.local.asgi import ASGIApp

_FLUSH_SECONDS = 0.5
_PING_SECONDS = 20.0  # how often a client is asked whether it is there, and how long it may take to say so
_MAX_MESSAGE_BYTES = 256 * 1024 * 1024


class LocalServer:
    """An ASGI application served on one address until the block ends.

    The port is taken when the object is made; the ``with`` block begins when the application has started, however
    long that takes. At the end open connections are closed, and what is still
    at work after two seconds is cancelled.

    Args:
        app: any ASGI 3 application.
        host: the address to bind; loopback unless you know better.
        port: the port, or 0 for a free one.

    Raises:
        OSError: the address cannot be bound, usually since the port is taken.
        RuntimeError: on entering, when the application's start-up failed.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = _bound_socket(host, port)
        self._host = f"[{host}]" if ":" in host else host
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(_config(app))
        self._thread = threading.Thread(target=self._run, name=f"local-server-{self.port}", daemon=True)

    @property
    def url(self) -> str:
        """The WebSocket address, such as ``ws://127.0.0.1:8765``."""
        return f"ws://{self._host}:{self.port}"

    @property
    def http_url(self) -> str:
        """The same address for plain HTTP."""
        return f"http://{self._host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server.settled.wait()
        if not self._server.started:
            self._stop()
            raise RuntimeError("The application could not be started; its own error is in the log.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _run(self) -> None:
        try:
            with contextlib.suppress(SystemExit):  # uvicorn's answer to a failed start-up
                self._server.run(sockets=[self._socket])
        finally:
            self._server.settled.set()

    def _stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def _bound_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets that name their protocol. Without it the second message of every
    # response waits 40 ms for an acknowledgement of the first.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there the option would let two servers share one port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound


class _Server(uvicorn.Server):
    """A server that says when its start has succeeded or failed, and at its end leaves no connection open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self._abort_connections)
        await super().shutdown(sockets)

    def _abort_connections(self) -> None:
        """Drop the connections whose clients do not read, which uvicorn would wait for."""
        for connection in self.server_state.connections.copy():
            connection.transport.abort()


class _WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's own, but for a refusal that it takes for a failure, and a silent client that it waits for.

    The other implementation on `websockets` uses that library's legacy classes, which warn of their removal.
    """

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # by an answer that is no WebSocket

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # Closing waits until all is written, which a client that does not read never lets happen.
        self.loop.call_later(_FLUSH_SECONDS, self.transport.abort)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws=_WebSocket,
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        ws_per_message_deflate=True,
        timeout_graceful_shutdown=2,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
