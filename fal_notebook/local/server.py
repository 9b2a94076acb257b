"""A uvicorn server in a thread of this process, for as long as a ``with`` block lasts.

Tests, the command line and the demonstration share it. It binds its socket before the thread starts, so that
a taken port is an ``OSError`` where it is asked for and port 0 has a number at once.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from fal_notebook.local import connections
from fal_notebook.local.asgi import ASGIApp
from fal_notebook.local.event_loop import run_to_its_end

logger = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.5
_GRACEFUL_SECONDS = 2
_SHUTDOWN_SECONDS = 3.0
_END_SECONDS = 5.5
_MAX_MESSAGE_BYTES = 256 * 1024 * 1024


class LocalServer:
    """An ASGI application served on one address until the block ends.

    The port is taken when the object is made; the ``with`` block begins when the application has started, however
    long that takes. At its end, open connections are closed. Work that goes on after two seconds is cancelled, and
    work that goes on after five is left behind on its thread.

    Args:
        app: any ASGI 3 application.
        host: the address to bind; loopback unless you know better.
        port: the port, or 0 for a free one.

    Attributes:
        port: the port.
        ended: after the block, whether nothing was left at work.

    Raises:
        OSError: the address cannot be bound, usually since the port is taken.
        RuntimeError: on entering, when the application's start-up failed.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = _bound_socket(host, port)
        self._host = f"[{host}]" if ":" in host else host
        self.port: int = self._socket.getsockname()[1]
        self.ended = False
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
        try:
            self._server.settled.wait()
        except BaseException:  # an interrupt, while the application takes its time to start
            self._stop()
            raise
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
            serve = self._server.serve([self._socket])
            self.ended = run_to_its_end(serve, self._server.config.get_loop_factory())
        finally:
            self._server.settled.set()

    def _stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(_END_SECONDS)
        self._socket.close()
        if self._thread.is_alive():
            logger.error("The application did not end: its thread lets nothing else run")


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
        with contextlib.suppress(TimeoutError):  # of an application whose shut-down has no end
            await asyncio.wait_for(super().shutdown(sockets), _SHUTDOWN_SECONDS)

    def _abort_connections(self) -> None:
        """Drop the connections whose clients do not read, which uvicorn would wait for."""
        for connection in self.server_state.connections.copy():
            connection.transport.abort()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connections.HTTPConnection,
        ws=connections.WebSocketConnection,
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_ping_interval=connections.PATIENCE_SECONDS,
        ws_ping_timeout=connections.PATIENCE_SECONDS,
        ws_per_message_deflate=True,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
