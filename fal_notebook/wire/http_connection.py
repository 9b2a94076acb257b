"""A connection to an HTTP/1.1 server without a proxy: one request after the other, each with its whole answer.

What many requests cost is mostly what their HTTP costs. So this is h11, which knows the protocol, on a plain asyncio
protocol, and nothing between them.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h11

_HAPPY_EYEBALLS_SECONDS = 0.25  # how long one address of a host is tried before the next (RFC 8305, 5)
_WITH_BODY = ("POST", "PUT")  # methods whose requests say how long their body is, also where there is none
_MOST_HEADS = 100  # that are known


class NothingSent(Exception):
    """There is no connection, so that nothing was sent."""


class BrokenOff(Exception):
    """A request may have been received, and its answer did not come, or not whole."""


class TooLarge(Exception):
    """The answer has more bytes than it may have."""


@dataclass(frozen=True)
class RawAnswer:
    """An answer as it came.

    Attributes:
        status: the HTTP status.
        headers: the response headers by their names in small letters.
        body: the whole body, still packed where its headers say so.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Heads:
    """The headers of requests. h11 checks each of them, and those of most requests are the same.

    Args:
        always: what goes with every request, that of the host among it.
    """

    def __init__(self, always: Sequence[tuple[str, str]]) -> None:
        self._always = always
        self._known: dict[tuple[tuple[str, str], ...], Any] = {}

    def of(self, method: str, headers: Mapping[str, str], body: bytes) -> Any:
        """The headers of a request, as h11 takes them.

        Raises:
            NothingSent: they cannot be sent.
        """
        is_long = body or method in _WITH_BODY
        asked = (*headers.items(), *([("Content-Length", str(len(body)))] if is_long else []))
        found = self._known.get(asked)
        if found is None:
            try:
                found = h11.Request(method="GET", target="/", headers=[*self._always, *asked]).headers
            except h11.LocalProtocolError as exc:
                raise NothingSent(str(exc)) from None
            if len(self._known) >= _MOST_HEADS:
                self._known.clear()
            self._known[asked] = found
        return found


class HTTPConnection(asyncio.Protocol):
    """One connection. Used on one event loop.

    Attributes:
        idle_since: when its last answer had come, in the loop's seconds.
        closed: done once it is closed.
    """

    def __init__(self) -> None:
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.CLIENT)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[RawAnswer] | None = None
        self._start: h11.Response | None = None
        self._body = bytearray()
        self._most = 0
        self._heard_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.closed: asyncio.Future[None] = self._loop.create_future()

    @classmethod
    async def open(cls, host: str, port: int, context: ssl.SSLContext | None, seconds: float) -> "HTTPConnection":
        """Open a connection.

        Args:
            host: a name or an address.
            port: the port.
            context: for TLS; None for none.
            seconds: how long it may take.

        Raises:
            NothingSent: it could not be opened.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, made = await loop.create_connection(
                    cls, host, port, ssl=context, happy_eyeballs_delay=_HAPPY_EYEBALLS_SECONDS
                )
        except TimeoutError:
            raise NothingSent("it did not answer in time") from None
        except (OSError, ValueError) as exc:  # a name that is too long is a UnicodeError
            raise NothingSent(str(exc) or type(exc).__name__) from None
        return made

    @property
    def is_free(self) -> bool:
        """Whether a further request can be sent: the last answer ended well, and the server keeps the connection."""
        is_open = self._transport is not None and not self._transport.is_closing()
        is_idle = self._http.our_state is h11.IDLE and self._http.their_state is h11.IDLE
        return is_open and self._answer is None and is_idle and not self._http.trailing_data[0]

    async def ask(self, method: str, target: str, headers: Any, body: bytes, *, most: int, seconds: float) -> RawAnswer:
        """Send a request and take its answer. If this is cancelled, the connection is closed.

        Args:
            method: such as ``GET``.
            target: path and query.
            headers: those that `Heads` made.
            body: what is sent; empty where nothing is.
            most: the most bytes of the answer's body.
            seconds: to wait at any time for the next bytes.

        Raises:
            NothingSent: the connection is closed.
            BrokenOff: the answer did not come, or not whole.
            TooLarge: the answer has more bytes.
        """
        transport = self._free_transport()
        answer: asyncio.Future[RawAnswer] = self._loop.create_future()
        self._answer = answer
        self._most, self._heard_at = most, self._loop.time()
        try:
            said = self._http.send(h11.Request(method=method, target=target, headers=headers)) or b""
            said += (self._http.send(h11.Data(data=body)) or b"") if body else b""
            transport.write(said + (self._http.send(h11.EndOfMessage()) or b""))
            self._timer = self._loop.call_later(seconds, self._look_at_time, seconds)
            return await answer
        except h11.LocalProtocolError as exc:  # raised before anything is written
            raise NothingSent(str(exc)) from None
        finally:
            self._answer = None
            if self._timer is not None:
                self._timer.cancel()
            if not self.is_free:
                self.abort()

    def abort(self) -> None:
        """Close the connection at once. A second call does nothing."""
        if self._transport is not None:
            self._transport.abort()

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - those of TCP and TLS are
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._heard_at = self._loop.time()
        self._take(data)

    def eof_received(self) -> bool:
        """The server says no more."""
        self._take(b"")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._transport = None
        self._fail(BrokenOff(str(exc) if exc else "the server closed it"))
        if not self.closed.done():
            self.closed.set_result(None)

    def _free_transport(self) -> asyncio.Transport:
        if self._transport is None or not self.is_free:
            raise NothingSent("the connection is closed")
        return self._transport

    def _take(self, data: bytes) -> None:
        if self._answer is None:  # it is idle: the server closes it, or says what nobody asked for
            self.abort()
            return
        try:
            self._http.receive_data(data)
            while self._take_event(self._http.next_event()):
                pass
        except h11.RemoteProtocolError as exc:
            self._fail(BrokenOff(str(exc) if data else "the server closed it"))

    def _take_event(self, event: "h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]") -> bool:
        """Take what came; return whether there may be more."""
        if isinstance(event, h11.Response):
            self._start = event
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > self._most:
                self._fail(TooLarge())
                return False
        elif isinstance(event, h11.EndOfMessage):
            self._end()
            return False
        return isinstance(event, h11.Response | h11.Data | h11.InformationalResponse)

    def _end(self) -> None:
        start, self._start, body, self._body = self._start, None, bytes(self._body), bytearray()
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        self.idle_since = self._loop.time()
        if start is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(RawAnswer(start.status_code, _headers(start), body))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _look_at_time(self, seconds: float) -> None:
        if self._answer is None or self._answer.done():
            return
        rest = self._heard_at + seconds - self._loop.time()
        if rest > 0:
            self._timer = self._loop.call_later(rest, self._look_at_time, seconds)
        else:
            self._fail(BrokenOff(f"nothing came for {seconds:g} s"))


def _headers(start: h11.Response) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in start.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
