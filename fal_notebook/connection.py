"""Floor 3: one persistent WebSocket to one endpoint. The only client I/O, and the only place that knows websockets.

Requests on a connection are answered in order, one at a time. After a clean end it can carry the next one; after
anything else (an error, a broken message, a caller who stopped) it is closed at once, since what is left of the
old answer would be read as the next. A request is written to the socket once and never again.
"""

import asyncio
import json
import logging
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    WebSocketException,
)
from websockets.protocol import State as SocketState

from .errors import (
    ConnectError,
    ConnectionLost,
    FalNotebookError,
    RequestError,
    ResponseTooLarge,
    status_error,
)
from .protocol import Data, End, Event, Protocol, State
from .target import Target

_PING_SECONDS = 20.0
_PONG_SECONDS = 40.0
_STALE_SECONDS = 45.0  # pings would have been heard: the machine slept, or something held the interpreter
_PROBE_SECONDS = 5.0
_CLOSE_SECONDS = 0.5
PASSING = (502, 503, 504)
"""The statuses of a handshake that say nothing of the request: the same may succeed in a moment."""
_MESSAGE_TOO_BIG = 1009  # RFC 6455, 7.4.1
_NOTHING = Data(b"")


class _Logger(logging.LoggerAdapter[logging.Logger]):
    """A logger that has no DEBUG level: there websockets logs the handshake's headers, the key among them."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        return level > logging.DEBUG and super().isEnabledFor(level)


class _Socket(ClientConnection):
    """A socket that is closed soon after it has failed, whatever the server sends or leaves open.

    Attributes:
        reads: how often something came.
    """

    reads = 0

    def data_received(self, data: bytes) -> None:
        self.reads += 1
        was_open = self.state is SocketState.OPEN
        super().data_received(data)
        if was_open and self.state is SocketState.CLOSING:
            self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)


class _Connect(connect):
    """The opening of a connection to the address that was asked for and to no other.

    A redirect would carry the credentials along.
    """

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Connection:
    """One open WebSocket and the protocol's state on it. Used on the I/O thread only.

    Attributes:
        target: where it leads.
        opened: when it opened, in seconds since the epoch.
        requests: how many it has carried.
        received: bytes of bodies that came over it.
    """

    def __init__(self, target: Target, websocket: _Socket, max_body: int) -> None:
        self.target = target
        self.opened = time.time()
        self.requests = 0
        self.received = 0
        self._websocket = websocket
        self._max_body = max_body
        self._protocol = Protocol(lambda text: _redacted(text, target))
        self._heard = self.opened
        self._keeper = asyncio.create_task(self._keep_alive())
        self._closer: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, target: Target, *, max_body: int, open_timeout: float) -> "Connection":
        """Open a connection.

        Args:
            target: where to.
            max_body: the most bytes that a response may have.
            open_timeout: seconds for the handshake.

        Raises:
            StatusError: the server refused the handshake with an HTTP status.
            ConnectError: no connection came about.
        """
        try:
            websocket = await _Connect(
                target.url,
                additional_headers=target.authorization.headers() if target.authorization else None,
                open_timeout=open_timeout,
                ping_interval=None,  # our own pings also tell how long the connection has been silent
                close_timeout=_CLOSE_SECONDS,
                max_size=max_body,
                max_queue=None,  # what has come is kept in any case; pausing the socket would only cost
                proxy=None if target.is_local else True,
                create_connection=_Socket,
                logger=_Logger(logging.getLogger(__name__), {}),
            )
        except InvalidStatus as exc:
            failure = _refusal(exc, target)
        except (OSError, EOFError, ValueError, ImportError, WebSocketException) as exc:  # a SOCKS proxy wants a package
            failure = _no_connection(exc, target)
        else:
            return cls(target, cast("_Socket", websocket), max_body)
        # Raised out here, it has no context: the frames of the handshake hold the key.
        raise failure

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return self._protocol.state is not State.IDLE

    @property
    def is_reusable(self) -> bool:
        """Whether the last response ended cleanly and the socket is, as far as is known here, open."""
        return not self.is_busy and self._websocket.state is SocketState.OPEN and self._closer is None

    async def is_ready(self) -> bool:
        """Whether the next request can go out on it; a server that was long silent is asked first."""
        if not self.is_reusable:
            return False
        is_fresh = abs(time.time() - self._heard) < _STALE_SECONDS  # a clock may be set back, too
        return (is_fresh or await self._answers(_PROBE_SECONDS)) and await self._is_quiet()

    async def exchange(self, payload: str, sent: Callable[[], None], receive: Callable[[Event], None]) -> None:
        """Send one request and hand over every event of its response, the `End` included.

        Cancelling is safe: the connection closes at once, and with it what is left of the response.

        Args:
            payload: the arguments, encoded.
            sent: called when the arguments go out; from then on the server may have them.
            receive: called with each event, on this thread.

        Raises:
            RequestError: the request may have reached the server and did not end well.
        """
        self.requests += 1
        size = 0
        try:
            sent()
            await self._websocket.send(self._protocol.send(payload))
            while not isinstance(event := self._protocol.receive(await self._websocket.recv()), End):
                if isinstance(event, Data):
                    size += len(event.data)
                    self._check_size(size)
                if event != _NOTHING:
                    receive(event)
            receive(event)
            self._heard = time.time()
        except ConnectionClosed as exc:
            raise self._loss(exc, size) from None
        finally:
            self.received += size
            if not self.is_reusable:
                self.close()

    def close(self) -> None:
        """Begin to close; return at once."""
        if self._closer is None:
            self._keeper.cancel()
            self._closer = asyncio.create_task(self._shut())

    async def _shut(self) -> None:
        try:
            await self._websocket.close()
        finally:
            self._websocket.transport.abort()  # a server that does not answer the close, or no time to wait for it

    async def wait_closed(self) -> None:
        """Close and wait until it is done, a few seconds at most."""
        self.close()
        if self._closer is not None:
            await asyncio.wait({self._closer}, timeout=_CLOSE_SECONDS + 1)

    def _check_size(self, size: int) -> None:
        if size > self._max_body:
            raise self._too_large()

    def _too_large(self) -> ResponseTooLarge:
        return ResponseTooLarge(
            f"the response has more than {self._max_body:,} bytes", request_id=self._protocol.request_id
        )

    def _loss(self, exc: ConnectionClosed, size: int) -> RequestError:
        if exc.sent is not None and exc.sent.code == _MESSAGE_TOO_BIG:
            return self._too_large()
        said = f", code {exc.rcvd.code} {exc.rcvd.reason}".rstrip() if exc.rcvd else ""
        when = f"after {size:,} bytes" if size else "before the response began"
        message = f"the connection to {self.target.endpoint} closed {when}{said}"
        return ConnectionLost(_redacted(message, self.target), request_id=self._protocol.request_id)

    async def _keep_alive(self) -> None:
        while self._websocket.state is SocketState.OPEN:
            await asyncio.sleep(_PING_SECONDS)
            reads = self._websocket.reads
            # A server that answers no ping and yet sends is at work: its answer is worth more than the rule.
            if not await self._answers(_PONG_SECONDS) and self._websocket.reads == reads:
                self._websocket.transport.abort()

    async def _is_quiet(self) -> bool:
        """Whether nothing came that no request asked for: it would be read as the next answer."""
        await asyncio.sleep(0)  # the loop looks at the socket once more
        try:
            async with asyncio.timeout(0):
                await self._websocket.recv()
        except TimeoutError:
            return self.is_reusable
        except ConnectionClosed:
            return False
        return False

    async def _answers(self, seconds: float) -> bool:
        try:
            pong = asyncio.ensure_future(await self._websocket.ping())
        except ConnectionClosed:
            return False
        await asyncio.wait({pong}, timeout=seconds)
        if not pong.done() or pong.cancelled() or pong.exception():
            return False
        self._heard = time.time()
        return True


def _refusal(exc: InvalidStatus, target: Target) -> FalNotebookError:
    """A handshake that the server answered with an HTTP status. The request was not sent."""
    response = exc.response
    detail = _detail(bytes(response.body or b""), target)
    if response.status_code < 300:
        return ConnectError(f"{target.url} answered with status {response.status_code}: it does not speak WebSocket")
    if response.status_code < 400:
        return ConnectError(f"{target.url} answered with a redirect ({response.status_code}), which is not followed")
    headers = {name.lower(): _redacted(value, target) for name, value in response.headers.raw_items()}
    request_id = headers.get("x-fal-request-id")
    return status_error(response.status_code, detail, endpoint=target.endpoint, request_id=request_id, headers=headers)


def _detail(body: bytes, target: Target) -> Any:
    text = _redacted(body.decode("utf-8", "replace"), target)
    try:
        value = json.loads(text)
    except ValueError:
        return text[:500]
    return value.get("detail", value) if isinstance(value, dict) else value


def _no_connection(exc: Exception, target: Target) -> ConnectError:
    hint = "is the gateway running? `fal-notebook serve` starts one" if target.is_local else "check network and proxy"
    if isinstance(exc, TimeoutError):
        return ConnectError(f"{target.url} did not answer in time", hint=hint, may_pass=True)
    reason = "it does not speak WebSocket" if isinstance(exc, InvalidHandshake) else str(exc) or type(exc).__name__
    message = _redacted(f"no connection to {target.url}: {reason}", target)
    return ConnectError(message, hint=hint, may_pass=_may_pass(exc, target))


def _may_pass(exc: Exception, target: Target) -> bool:
    """Whether the same handshake may succeed in a moment: it broke off, or no way led there."""
    if isinstance(exc, InvalidProxyStatus):
        return exc.response.status_code in PASSING
    if isinstance(exc, ssl.SSLError):  # a certificate, or no TLS at all; a cut is none of these
        return isinstance(exc, ssl.SSLEOFError)
    if isinstance(exc, socket.gaierror):
        return exc.errno == socket.EAI_AGAIN
    if isinstance(exc, OSError) and target.is_local:  # no other way than the one on which nobody listens
        return isinstance(exc, ConnectionResetError | ConnectionAbortedError | BrokenPipeError)
    return isinstance(exc, OSError | EOFError | InvalidMessage | InvalidProxyMessage)


def _redacted(text: str, target: Target) -> str:
    return target.authorization.redact(text) if target.authorization else text
