"""One persistent connection to one endpoint, and the requests on it.

The server answers the requests of a connection in order; further ones may be sent before the first is answered. As long
as every answer ends cleanly, the connection can carry another request. After anything else (an error, a broken message,
a caller who stopped) it is closed at once, with all requests behind, since the rest of the old answer would be read as
the next. A request is written to the socket once and never again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol as Interface

from ..errors import ArgumentsTooLarge, ConnectError, ConnectionLost, RequestError, ResponseTooLarge
from .protocol import Data, End, Event, Protocol, State
from .target import Target
from .websocket import (
    CLOSE_SECONDS,
    Closed,
    Message,
    WebSocket,
    is_incoming_too_big,
    is_outgoing_too_big,
    violation_words,
)

_PING_SECONDS = 20.0
_PONG_SECONDS = 40.0
_STALE_SECONDS = 45.0  # of silence despite pings: the machine slept, or something held the interpreter
_PROBE_SECONDS = 5.0
_NEVER_TOO_LARGE = 1_000  # bytes: a server that closes such arguments as too large has another reason


class Caller(Interface):
    """The sender of a request, which is told on the I/O thread how it goes."""

    def sent(self) -> None:
        """Note that the arguments go out; from then on the server may have them."""

    def sent_whole(self) -> None:
        """Note that all of the arguments went out."""

    def receive(self, events: Sequence[Event], /) -> None:
        """Take the events that one read of the socket brought."""


@dataclass(eq=False)
class _Exchange:
    """A request under way.

    Attributes:
        caller: takes the response.
        ended: is done when the request has ended.
        arguments_size: bytes of the arguments.
        body_size: bytes of the response that have come.
        written_when_sent: how many bytes the WebSocket will have written once the arguments are sent whole.
        failure: how the request failed, if it did.
    """

    caller: Caller
    ended: asyncio.Future[None]
    arguments_size: int
    body_size: int = 0
    written_when_sent: int = 0
    failure: RequestError | None = None

    def end(self, failure: RequestError | None = None) -> None:
        if not self.ended.done():
            self.failure = failure
            self.ended.set_result(None)


class Connection:
    """One open WebSocket and the protocol's state on it. Used on the I/O thread only.

    Args:
        target: where it leads.
        websocket: open, and used by nobody else.
        max_body: the most bytes that a response may have.

    Attributes:
        target: where it leads.
        opened: when it opened, in seconds since the epoch.
        requests: how many it has carried.
        received: bytes of bodies that came over it.
        asks_for_key: whether it has answered a request with 401.
    """

    def __init__(self, target: Target, websocket: WebSocket, max_body: int) -> None:
        self.target = target
        self.opened = time.time()
        self.requests = 0
        self.received = 0
        self.asks_for_key = False
        self._websocket = websocket
        self._max_body = max_body
        self._protocol = Protocol(target.redaction)
        self._exchanges: deque[_Exchange] = deque()
        self._keep_alive_task = asyncio.create_task(self._keep_alive())
        self._closing_task: asyncio.Task[None] | None = None
        websocket.attach(self._on_messages, self._on_closed)

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return self._protocol.state is not State.IDLE

    @property
    def is_open(self) -> bool:
        """Whether requests can go out on it, as far as this side knows."""
        return self._websocket.is_open and self._closing_task is None

    @property
    def is_reusable(self) -> bool:
        """Whether it is open and every response has ended cleanly."""
        return self.is_open and not self.is_busy

    async def is_ready(self) -> bool:
        """Whether the next request can go out on it; a server that was silent for long gets a ping first."""
        if not self.is_reusable:
            return False
        is_fresh = abs(time.time() - self._websocket.heard_at) < _STALE_SECONDS  # abs: the clock may be set back
        if not is_fresh and not await self._websocket.answers(_PROBE_SECONDS):
            return False
        await asyncio.sleep(0)  # lets the loop read the socket: a close may be in it, or a message out of place
        return self.is_reusable

    async def exchange(self, payload: str, caller: Caller) -> None:
        """Send one request and hand over every event of its response, the `End` included.

        Where others are under way, it is answered after them. Cancelling is safe: the connection closes at once, and
        the rest of this response and those behind it are lost.

        Args:
            payload: the arguments, encoded.
            caller: who is told what becomes of it.

        Raises:
            ConnectError: the connection closed before anything was sent.
            RequestError: the request may have reached the server and did not end well.
        """
        if not self.is_open:
            raise ConnectError(
                f"the connection to {self.target.endpoint} closed", hint="nothing was sent; send it again"
            )
        self.requests += 1
        exchange = _Exchange(caller, asyncio.get_running_loop().create_future(), len(payload))
        self._exchanges.append(exchange)
        try:
            caller.sent()
            exchange.written_when_sent = self._websocket.send_message(self._protocol.send(payload))
            await exchange.ended
        finally:
            if exchange not in self._exchanges or self._is_written(exchange):
                caller.sent_whole()
            if exchange in self._exchanges:
                self.close()
        if exchange.failure:
            raise exchange.failure

    def close(self) -> None:
        """Begin to close; return at once.

        Where a request is not sent whole or not answered, the socket is cut, so that no more of it arrives: a close
        frame would be sent only after all of it.
        """
        if self._closing_task is None:
            self._keep_alive_task.cancel()
            if self._protocol.is_waiting or self._websocket.written < self._websocket.queued:
                self._websocket.cut()
            self._closing_task = asyncio.create_task(self._websocket.shut())

    def _is_written(self, exchange: _Exchange) -> bool:
        return self._websocket.written >= exchange.written_when_sent

    async def wait_closed(self) -> None:
        """Close and wait until it is done, a few seconds at most."""
        self.close()
        if self._closing_task is not None:
            await asyncio.wait({self._closing_task}, timeout=CLOSE_SECONDS + 1)

    def _on_messages(self, messages: Sequence[Message]) -> None:
        """Take the messages of one read of the socket. An error on the way ends the request."""
        try:
            self._take_all(messages)
        except Exception as exc:  # noqa: BLE001 - asyncio would cut the socket and print a traceback
            self._break_off(self._reading_error(exc))

    def _take_all(self, messages: Sequence[Message]) -> None:
        events: list[Event] = []
        try:
            for event in self._protocol.receive_all(messages):
                if isinstance(event, Data):
                    events.append(self._count(event))
                    self._check_size()
                    continue
                events.append(event)
                self.asks_for_key = self.asks_for_key or event.status == HTTPStatus.UNAUTHORIZED
                if isinstance(event, End):
                    self._hand_over(events)
                    self._exchanges[0].end()
                    self._exchanges.popleft()
                    events = []
        except RequestError as exc:
            self._hand_over(events)
            self._break_off(exc)
        else:
            self._hand_over(events)

    def _count(self, event: Data) -> Data:
        """Count the bytes of a piece of the body, and return as much of it as the limit allows."""
        exchange = self._exchanges[0]
        exchange.body_size += len(event.data)
        self.received += len(event.data)
        beyond = exchange.body_size - self._max_body
        return Data(event.data[:-beyond]) if beyond > 0 else event

    def _check_size(self) -> None:
        if self._exchanges[0].body_size > self._max_body:
            raise self._response_too_large()

    def _hand_over(self, events: Sequence[Event]) -> None:
        if events and self._exchanges:
            self._exchanges[0].caller.receive(events)

    def _break_off(self, failure: RequestError) -> None:
        """End the request under way and the connection: which answer belongs to which request is no longer known."""
        self.close()
        if self._exchanges:
            self._exchanges[0].end(failure)

    def _on_closed(self, exc: Closed) -> None:
        """Take the end of the socket, and end all requests that were under way."""
        for exchange in self._exchanges:
            failed = self._websocket.failure
            try:
                loss = self._reading_error(failed) if failed else self._loss_error(exc, exchange)
            except Exception as failure:  # noqa: BLE001 - whatever fails, every caller has to be told
                loss = self._reading_error(failure)
            exchange.end(loss)

    def _reading_error(self, exc: Exception) -> RequestError:
        return RequestError(
            f"the response of {self.target.endpoint} could not be taken: {type(exc).__name__}",
            hint="the result has what came",
        )

    def _loss_error(self, exc: Closed, exchange: _Exchange) -> RequestError:
        is_next = exchange is self._exchanges[0]
        has_begun = is_next and self._protocol.state is State.STREAMING
        if is_next and is_incoming_too_big(exc):
            return self._response_too_large()
        if not has_begun and is_outgoing_too_big(exc) and self._is_largest(exchange):
            return self._arguments_too_large(exc, exchange)
        wrong = violation_words(exc)
        said = (
            f": the server broke the WebSocket protocol ({wrong})"
            if wrong
            else f", code {exc.rcvd}"
            if exc.rcvd
            else ""
        )
        when = f"after {exchange.body_size:,} bytes" if has_begun else "before the response began"
        message = f"the connection to {self.target.endpoint} closed {when}{said}"
        request_id = self._protocol.request_id if is_next else None
        is_half = not has_begun and not self._is_written(exchange)
        hint = "its arguments were not sent whole, so it was not worked on: send it again" if is_half else None
        return ConnectionLost(self.target.redact(message), request_id=request_id, hint=hint)

    def _is_largest(self, exchange: _Exchange) -> bool:
        """Whether its arguments are those that a server found too large: of several requests, the largest."""
        return exchange.arguments_size >= max(_NEVER_TOO_LARGE, *(each.arguments_size for each in self._exchanges))

    def _arguments_too_large(self, exc: Closed, exchange: _Exchange) -> ArgumentsTooLarge:
        said = f": {exc.rcvd.reason}" if exc.rcvd and exc.rcvd.reason else ""
        message = f"the arguments ({_size(exchange.arguments_size)}) are too large for {self.target.endpoint}{said}"
        return ArgumentsTooLarge(self.target.redact(message))

    def _response_too_large(self) -> ResponseTooLarge:
        return ResponseTooLarge(
            f"the response has more than {self._max_body:,} bytes", request_id=self._protocol.request_id
        )

    async def _keep_alive(self) -> None:
        while self._websocket.is_open:
            await asyncio.sleep(_PING_SECONDS)
            life = self._signs_of_life(queued := self._websocket.queued)
            if not await self._websocket.answers(_PONG_SECONDS) and self._signs_of_life(queued) == life:
                self._websocket.cut()

    def _signs_of_life(self, queued: int) -> tuple[float, int]:
        """Two numbers, one of which changes as long as the server is there, even if it answers no ping.

        A server that sends is at work, and its answer is worth more than the rule. And a ping waits behind arguments
        that are being sent: as long as the server takes what was ``queued`` before the ping, its pong is not late.
        """
        return self._websocket.heard_at, min(self._websocket.written, queued)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count:,} bytes"
