"""The engine for short requests: the library's own connections to the endpoint, one for each request under way.

A row is sent once. What certainly was not worked on is given back, and sent again when there is room or a connection:
a handshake that failed, arguments that were not sent whole, 429. What may have been is lost if its answer is.

Lost rows are not looked for in fal's list of requests, as `queue_engine` does. fal documents no answer of a WebSocket's
request that could be fetched again, nor that its list has such requests; and if a row were missing there, that would
not say that it was not worked on. So they stay ``unknown`` until the user decides.
"""

import asyncio
from collections.abc import Sequence

from ..client.exchanges import Deadline, perform
from ..client.receiver import Receiver, RequestEnd
from ..errors import ArgumentsTooLarge, ResponseTooLarge, StatusError, retry_after
from ..response.updates import Log, Progress
from ..wire.pool import Limits, Pool
from ..wire.protocol import Data, End, Event, Start
from ..wire.target import resolve_target
from .desk import Desk, Order
from .engine import EngineName
from .outcomes import REQUEST_ID, refusal_of
from .stored import Answer
from .window import Window

_MOST = 128  # requests under way at once; the account's own limit is found by the window
_IDLE_SECONDS = 60.0
_NO_KEY, _NO_BALANCE, _REFUSED = 401, 402, 429
_REFUSED_TO_ALL = (_NO_KEY, _NO_BALANCE)  # for the key or the balance, before any work


class SocketsEngine:
    """Sends rows over WebSockets; see `engine.Engine`.

    Args:
        endpoint: the endpoint with its sub-path.
        base_url: another host, as for `Session.stream`.
        timeout: seconds for each request; None for as long as it takes.
        limits: those of the session; the number of connections is this engine's own.

    Raises:
        InvalidRequest: the endpoint or the base URL cannot be used.
        CredentialsError: no key was found.
    """

    name: EngineName = "sockets"

    def __init__(
        self, endpoint: str, base_url: str | None = None, timeout: float | None = None, limits: Limits | None = None
    ) -> None:
        self.target = resolve_target(endpoint, base_url)
        self.redaction = self.target.redaction
        self._timeout = timeout
        self._asked_for_key: set[int] = set()  # rows that were refused for want of a key
        given = limits or Limits()
        self._limits = Limits(_MOST, _IDLE_SECONDS, given.max_body, given.open_timeout)

    def window(self) -> Window:
        """A new window."""
        return Window(_MOST)

    async def work(self, desk: Desk) -> None:
        """Send all rows that the desk gives out."""
        pool = Pool(self.target, self._limits)
        rows: set[asyncio.Task[None]] = set()
        try:
            async for order in desk.orders():
                row = asyncio.create_task(self._send(desk, pool, order))
                rows.add(row)
                row.add_done_callback(rows.discard)
        finally:
            for row in rows:
                row.cancel()
            await asyncio.gather(*rows, return_exceptions=True)
            await pool.close()

    async def _send(self, desk: Desk, pool: Pool, order: Order) -> None:
        receiver = Receiver()
        await perform(self.target, order.payload, receiver, Deadline(self._timeout), pool.exchange)
        events = receiver.inbox.take()
        answer = _answer(order.number, events)
        if answer is None:
            await self._report(desk, order.number, receiver)
        elif answer.status == _REFUSED:
            desk.refused(order.number, retry_after(answer.headers) or None)
        elif answer.status in _REFUSED_TO_ALL:
            self._refused_to_all(desk, order.number, refusal_of(answer, self.target.endpoint))
        else:
            await desk.answered(answer, receiver.elapsed - (receiver.connect or 0.0))

    async def _report(self, desk: Desk, number: int, receiver: Receiver) -> None:
        """Tell the desk what became of a request that has no whole answer."""
        error = None if receiver.request_end is None else receiver.request_end.error
        words = "the run was ended" if error is None else error.message
        if not receiver.is_sent_whole:
            if not isinstance(error, StatusError):
                desk.not_sent(number, words)
            elif error.status == _REFUSED:
                desk.refused(number, retry_after(error.headers) or None)
            else:
                self._refused_to_all(desk, number, error)
        elif isinstance(error, ArgumentsTooLarge | ResponseTooLarge):
            await desk.failed(number, error.status, words, request_id=error.request_id)
        else:
            desk.lost(number, words)

    def _refused_to_all(self, desk: Desk, number: int, error: StatusError) -> None:
        """Stop, since no row would be worked on.

        A gateway on this machine that asks for the key gets it with the next connection.
        """
        asks_for_key = error.status == _NO_KEY and self.target.is_local and self.target.authorization
        if asks_for_key and number not in self._asked_for_key:
            self._asked_for_key.add(number)
            desk.not_sent(number, error.message)
        else:
            desk.stopped(number, error.words)


def _answer(number: int, events: Sequence[Event | RequestEnd | Log | Progress]) -> Answer | None:
    """The answer, if it has come to its end."""
    start = next((each for each in events if isinstance(each, Start)), None)
    end = next((each for each in events if isinstance(each, End)), None)
    if start is None or end is None:
        return None
    headers = {**start.headers}
    if start.request_id and REQUEST_ID not in headers:
        headers[REQUEST_ID] = start.request_id
    body = b"".join(each.data for each in events if isinstance(each, Data))
    return Answer(number, max(start.status, end.status), headers, body)
