"""One persistent connection to one endpoint, and the requests on it.

Requests on a connection are answered in order. Further ones may be sent before the first is answered; the server
takes them one after another. While every answer has ended cleanly the connection can carry the next; after anything
else (an error, a broken message, a caller who stopped) it is closed at once, and with it what is queued behind, since
what is left of the old answer would be read as the next. A request is written to the socket once and never again.
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
from .websocket import CLOSE_SECONDS, Closed, Message, WebSocket, is_refused_as_too_big, is_too_big, what_was_wrong

_PING_SECONDS = 20.0
_PONG_SECONDS = 40.0
_STALE_SECONDS = 45.0  # pings would have been heard: the machine slept, or something held the interpreter
_PROBE_SECONDS = 5.0
_SMALL = 1_000  # bytes of arguments that no server is known to refuse: a code for a size then has another reason


class Caller(Interface):
    """Who is told of a request on its way, on the I/O thread."""

    def sent(self) -> None:
        """Note that the arguments go out; from then on the server may have them."""

    def sent_whole(self) -> None:
        """Note that all of them went out."""

    def receive(self, events: Sequence[Event], /) -> None:
        """Take the events that one read of the socket brought."""


@dataclass(eq=False)
class _Exchange:
    """A request on its way, with the bytes of its arguments and of its response, and who takes the response.

    Attributes:
        last: how many bytes the WebSocket will have written when the arguments are.
    """

    caller: Caller
    over: asyncio.Future[None]
    arguments: int
    size: int = 0
    last: int = 0
    failure: RequestError | None = None

    def end(self, failure: RequestError | None = None) -> None:
        if not self.over.done():
            self.failure = failure
            self.over.set_result(None)


class Connection:
    """One open WebSocket and the protocol's state on it. Used on the I/O thread only.

    Args:
        target: where it leads.
        websocket: open, and nobody else's.
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
        self._keeper = asyncio.create_task(self._keep_alive())
        self._closer: asyncio.Task[None] | None = None
        websocket.attach(self._take, self._lose)

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return self._protocol.state is not State.IDLE

    @property
    def is_open(self) -> bool:
        """Whether, as far as is known here, requests can go out on it."""
        return self._websocket.is_open and self._closer is None

    @property
    def is_reusable(self) -> bool:
        """Whether it is open and every response has ended cleanly."""
        return self.is_open and not self.is_busy

    async def is_ready(self) -> bool:
        """Whether the next request can go out on it; a server that was long silent is asked first."""
        if not self.is_reusable:
            return False
        is_fresh = abs(time.time() - self._websocket.heard) < _STALE_SECONDS  # a clock may be set back, too
        if not is_fresh and not await self._websocket.answers(_PROBE_SECONDS):
            return False
        await asyncio.sleep(0)  # the loop looks at the socket once more: an end, or an answer that no request asked for
        return self.is_reusable

    async def exchange(self, payload: str, caller: Caller) -> None:
        """Send one request and hand over every event of its response, the `End` included.

        Others may be under way: this one is answered after them. Cancelling is safe: the connection closes at
        once, and with it what is left of the response, and of those behind it.

        Args:
            payload: the arguments, encoded.
            caller: who is told what becomes of it.

        Raises:
            ConnectError: the connection closed before anything was sent.
            RequestError: the request may have reached the server and did not end well.
        """
        if not self.is_open:
            raise ConnectError(f"the connection to {self.target.endpoint} closed", hint="nothing was sent")
        self.requests += 1
        exchange = _Exchange(caller, asyncio.get_running_loop().create_future(), len(payload))
        self._exchanges.append(exchange)
        try:
            caller.sent()
            exchange.last = self._websocket.send_message(self._protocol.send(payload))
            await exchange.over
        finally:
            if exchange not in self._exchanges or self._is_written(exchange):
                caller.sent_whole()
            if exchange in self._exchanges:
                self.close()
        if exchange.failure:
            raise exchange.failure

    def close(self) -> None:
        """Begin to close; return at once.

        A request whose response has not begun arrives no more than it has: a goodbye would wait behind it.
        """
        if self._closer is None:
            self._keeper.cancel()
            if self._protocol.is_waiting or self._websocket.written < self._websocket.queued:
                self._websocket.cut()
            self._closer = asyncio.create_task(self._websocket.shut())

    def _is_written(self, exchange: _Exchange) -> bool:
        return self._websocket.written >= exchange.last

    async def wait_closed(self) -> None:
        """Close and wait until it is done, a few seconds at most."""
        self.close()
        if self._closer is not None:
            await asyncio.wait({self._closer}, timeout=CLOSE_SECONDS + 1)

    def _take(self, messages: Sequence[Message]) -> None:
        """Take the messages of one read of the socket. What cannot be taken is the end of the request."""
        try:
            self._take_all(messages)
        except Exception as exc:  # noqa: BLE001 - asyncio would cut the socket and print a traceback
            self._break_off(self._failure(exc))

    def _take_all(self, messages: Sequence[Message]) -> None:
        events: list[Event] = []
        try:
            for event in self._protocol.receive_all(messages):
                if isinstance(event, Data):
                    events.append(self._counted(event))
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

    def _counted(self, event: Data) -> Data:
        """A piece of the body; of one that is more than there may be, what there is room for."""
        exchange = self._exchanges[0]
        exchange.size += len(event.data)
        self.received += len(event.data)
        beyond = exchange.size - self._max_body
        return Data(event.data[:-beyond]) if beyond > 0 else event

    def _check_size(self) -> None:
        if self._exchanges[0].size > self._max_body:
            raise self._too_large()

    def _hand_over(self, events: Sequence[Event]) -> None:
        if events and self._exchanges:
            self._exchanges[0].caller.receive(events)

    def _break_off(self, failure: RequestError) -> None:
        """End the request under way, and the connection: nobody can tell what would be an answer to what."""
        self.close()
        if self._exchanges:
            self._exchanges[0].end(failure)

    def _lose(self, exc: Closed) -> None:
        """Take the end of the socket, and with it of all that was under way."""
        for exchange in self._exchanges:
            failed = self._websocket.failure
            try:
                loss = self._failure(failed) if failed else self._loss(exc, exchange)
            except Exception as failure:  # noqa: BLE001 - whatever it is, nobody waits for ever
                loss = self._failure(failure)
            exchange.end(loss)

    def _failure(self, exc: Exception) -> RequestError:
        return RequestError(f"the response of {self.target.endpoint} could not be taken: {type(exc).__name__}")

    def _loss(self, exc: Closed, exchange: _Exchange) -> RequestError:
        is_next = exchange is self._exchanges[0]
        has_begun = is_next and self._protocol.state is State.STREAMING
        if is_next and is_too_big(exc):
            return self._too_large()
        if not has_begun and is_refused_as_too_big(exc) and self._is_largest(exchange):
            return self._refused(exc, exchange)
        wrong = what_was_wrong(exc)
        said = (
            f": the server broke the WebSocket protocol ({wrong})"
            if wrong
            else f", code {exc.rcvd}"
            if exc.rcvd
            else ""
        )
        when = f"after {exchange.size:,} bytes" if has_begun else "before the response began"
        message = f"the connection to {self.target.endpoint} closed {when}{said}"
        request_id = self._protocol.request_id if is_next else None
        is_half = not has_begun and not self._is_written(exchange)
        hint = "its arguments were not sent whole, so it was not worked on: send it again" if is_half else None
        return ConnectionLost(self.target.redact(message), request_id=request_id, hint=hint)

    def _is_largest(self, exchange: _Exchange) -> bool:
        """Whether its arguments are what a server took for too large: of several requests, the largest."""
        return exchange.arguments >= max(_SMALL, *(each.arguments for each in self._exchanges))

    def _refused(self, exc: Closed, exchange: _Exchange) -> ArgumentsTooLarge:
        said = f": {exc.rcvd.reason}" if exc.rcvd and exc.rcvd.reason else ""
        message = f"the arguments ({_size(exchange.arguments)}) are too large for {self.target.endpoint}{said}"
        return ArgumentsTooLarge(self.target.redact(message))

    def _too_large(self) -> ResponseTooLarge:
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
        """What changes while the server is there, also where it answers no ping.

        One that sends is at work: its answer is worth more than the rule. And a ping waits behind arguments that are
        on their way: as long as the server takes of what was ``queued`` before the ping, it is not late.
        """
        return self._websocket.heard, min(self._websocket.written, queued)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count:,} bytes"
