"""The engine for long or very many requests: fal's queue, which works them off whether the kernel lives or not.

A row is submitted once, by one POST. From then on, the journal knows its id, and whoever attaches goes on asking for
its answer. One poller looks at all that is outstanding, as `queue_pace` says, and an answer is fetched as soon as its
request has ended, since fal keeps large ones for minutes only. What may have been received, and was not answered, is
looked for in fal's list of requests: at the beginning, and twice at the end.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

from ..client.off_loop import on_thread
from ..client.queue_exchange import answer_once, cancel, may_be_asked_again, status_once, submit_once
from ..errors import (
    AccessDenied,
    AuthenticationError,
    ConnectError,
    FalNotebookError,
    NotFound,
    RateLimited,
    RequestError,
    ServerError,
    StatusError,
    bare,
    retry_after,
)
from ..wire.pool import Limits
from ..wire.queue_address import queue_address
from ..wire.queue_http import HTTPAnswer, QueueHTTP
from ..wire.queue_protocol import QueueStatus
from .desk import Desk, Order
from .engine import EngineName
from .outcomes import REQUEST_ID
from .queue_lookup import candidates, matches, unknown_rows
from .queue_pace import IN_VAIN, Outstanding, QueuePace
from .stored import Answer
from .window import Window

_CANCELLED = 499
_MOST_POSTS = 8  # at once: if the process is killed, nobody knows of these, and of the next ones, what became of them
_MOST_LOOKS = 8  # at once
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds until a question that failed is asked again
_MOST_UNKNOWN = 4  # looks at a request that the queue does not know, over some seconds
_IDLE = 0.5  # seconds until the poller looks whether there is anything to do


@dataclass(frozen=True)
class QueueHabits:
    """How the queue is used.

    Attributes:
        outstanding: the most requests in the queue at once.
        in_vain: the most looks a second that find nothing new.
        lookups: the pauses in seconds before each look for lost requests in fal's list, at the end of a run.
    """

    outstanding: int = 200
    in_vain: float = IN_VAIN
    lookups: tuple[float, ...] = (5.0, 30.0)


class QueueEngine:
    """Sends rows over fal's queue; see `engine.Engine`.

    Args:
        endpoint: the endpoint with its sub-path.
        base_url: another host, as for `Session.stream`.
        timeout: seconds after which a request is taken out of the queue; None for as long as it takes.
        limits: those of the session.
        habits: how the queue is used.

    Raises:
        InvalidRequest: the endpoint or the base URL cannot be used.
        CredentialsError: no key was found.
    """

    name: EngineName = "queue"

    def __init__(
        self,
        endpoint: str,
        base_url: str | None = None,
        timeout: float | None = None,
        limits: Limits | None = None,
        habits: QueueHabits | None = None,
    ) -> None:
        self._address = queue_address(endpoint, base_url)
        self.target = self._address.target
        self.redaction = self.target.redaction
        self._timeout = timeout
        self._max_body = (limits or Limits()).max_body
        self._habits = habits or QueueHabits()

    def window(self) -> Window:
        """A new window, which is as large as may be from the beginning: the queue refuses nothing for its number."""
        return Window(self._habits.outstanding, self._habits.outstanding)

    async def work(self, desk: Desk) -> None:
        """Send all rows that the desk gives out.

        Raises:
            FalNotebookError: nothing more can be asked, such as with a key that is not accepted any more.
        """
        http = await on_thread(lambda: QueueHTTP(self._address, self._max_body))
        try:
            await _Work(http, desk, self._timeout, self._habits).run()
        except* FalNotebookError as group:
            failure = bare(_first(group), self.redaction)
        else:
            return
        finally:
            await http.close()
        raise failure


class _Work:
    """The work on one run."""

    def __init__(self, http: QueueHTTP, desk: Desk, timeout: float | None, habits: QueueHabits) -> None:
        self._http, self._desk, self._timeout, self._habits = http, desk, timeout, habits
        self._pace = QueuePace(habits.in_vain)
        self._posts = asyncio.Semaphore(_MOST_POSTS)
        self._looks = asyncio.Semaphore(_MOST_LOOKS)
        self._news = asyncio.Event()
        self._found: set[int] = set()  # rows that were found in the list
        self._tasks: asyncio.TaskGroup

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._desk.most_intended = _MOST_POSTS
            for row in self._desk.resumed:
                links = self._http.address.links(row.request_id or "", dict(row.links))
                self._pace.add(row.number, row.request_id or "", links, self._now, row.sent or time.time())
            poller = tasks.create_task(self._poll())
            watcher = tasks.create_task(self._watch_cancelling())
            first = tasks.create_task(self._look_up())
            await self._send_all()
            await first
            await self._send_all()  # which waits for what was found
            for pause in self._habits.lookups:
                if not await self._desk.call(unknown_rows):
                    break
                await asyncio.sleep(pause)
                await self._look_up()
                await self._send_all()
            poller.cancel()
            watcher.cancel()

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(work)

    # Submissions

    async def _send_all(self) -> None:
        """Submit all rows that are given out, some at once. A place is taken before a row, whose intent is stored."""
        orders: AsyncIterator[Order] = aiter(self._desk.orders())
        while True:
            await self._posts.acquire()
            try:
                order = await anext(orders)
            except BaseException as exc:
                self._posts.release()
                if isinstance(exc, StopAsyncIteration):
                    return
                raise
            self._start(self._send(order))

    async def _send(self, order: Order) -> None:
        desk, number = self._desk, order.number
        sent = time.time()
        try:
            taken = await submit_once(self._http, order.payload.encode())
            links = self._http.address.links(taken.request_id, dict(taken.told))
        except ConnectError as exc:
            desk.not_sent(number, exc.message)
        except RateLimited as exc:
            desk.refused(number, retry_after(exc.headers) or None)
        except (AuthenticationError, AccessDenied, NotFound) as exc:
            desk.stopped(number, exc.words)
        except StatusError as exc:
            if isinstance(exc, ServerError):
                desk.lost(number, exc.message)
            else:
                await desk.failed(number, exc.status, exc.message, request_id=exc.request_id)
        except FalNotebookError as exc:
            desk.lost(number, exc.message)
        else:
            self._pace.add(number, taken.request_id, links, self._now, sent)
            self._news.set()
            await desk.submitted(number, taken.request_id, links.as_dict())
        finally:
            self._posts.release()

    # Answers

    async def _poll(self) -> None:
        while True:
            await self._looks.acquire()
            found = self._pace.next(self._now)
            if isinstance(found, Outstanding):
                self._start(self._look_at(found))
                continue
            self._looks.release()
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE if found is None else min(found, _IDLE)):
                    await self._news.wait()

    async def _look_at(self, found: Outstanding) -> None:
        try:
            status = await status_once(self._http, found.links, found.request_id, logs=False)
            if not status.is_completed:
                await self._go_on_waiting(found, status)
                return
            self._pace.ended(status, self._now)
        except FalNotebookError as exc:
            await self._could_not_ask(found, exc)
            return
        finally:
            self._looks.release()
            self._news.set()
        await self._fetch(found, status)

    async def _go_on_waiting(self, found: Outstanding, status: QueueStatus) -> None:
        is_late = self._timeout is not None and time.time() - found.sent > self._timeout
        is_unwanted = self._desk.cancelling.is_set() and status.state == "IN_QUEUE"
        if (is_late or is_unwanted) and not found.is_cancelled:
            found.is_cancelled, found.is_late = True, is_late
            with contextlib.suppress(ConnectError, RequestError):
                await cancel(self._http, found.links, found.request_id)
        self._pace.still_there(found, status, self._now)

    async def _could_not_ask(self, found: Outstanding, exc: FalNotebookError) -> None:
        found.unknown += 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(found.unknown, 10))
        if may_be_asked_again(exc):
            asked = retry_after(exc.headers) if isinstance(exc, RequestError) else 0
            self._pace.later(found, max(pause, asked), self._now)
        elif isinstance(exc, NotFound):
            if found.unknown < _MOST_UNKNOWN:
                self._pace.later(found, pause, self._now)
            else:
                await self._desk.failed(found.number, exc.status, exc.message, request_id=found.request_id)
        else:
            raise exc

    async def _fetch(self, found: Outstanding, status: QueueStatus) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                came = await answer_once(self._http, found.links, found.request_id, status)
            except (ConnectError, RequestError) as exc:
                if not may_be_asked_again(exc):
                    await self._desk.failed(
                        found.number, getattr(exc, "status", None), exc.message, request_id=found.request_id
                    )
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                await self._conclude(found, status, came)
                return

    async def _conclude(self, found: Outstanding, status: QueueStatus, came: HTTPAnswer) -> None:
        if came.status == _CANCELLED and found.is_cancelled:
            if found.is_late:
                words = f"{self._http.address.target.endpoint} did not finish within {self._timeout:g} s"
                await self._desk.failed(found.number, came.status, words, request_id=found.request_id)
            else:
                await self._desk.cancelled(found.number)
            return
        headers = {REQUEST_ID: found.request_id, **came.headers}
        seconds = status.seconds if status.seconds is not None else time.time() - found.sent
        await self._desk.answered(Answer(found.number, came.status, headers, came.body), seconds)

    async def _watch_cancelling(self) -> None:
        await self._desk.cancelling.wait()
        self._pace.look_at_all()
        self._news.set()

    # Lost requests

    async def _look_up(self) -> None:
        """Look for rows that may have been received in fal's list of requests. If it cannot be had, they stay so."""
        rows = [each for each in await self._desk.call(unknown_rows) if each.number not in self._found]
        if not rows:
            return
        try:
            found = await candidates(self._http, rows)
        except FalNotebookError:
            return
        known = await self._desk.call(lambda journal: journal.known_ids([each.request_id for each in found]))
        times = {each.number: each.sent for each in rows}
        for number, request_id in matches(rows, found, known).items():
            links = self._http.address.links(request_id)
            self._found.add(number)
            self._desk.found(number, request_id, links.as_dict())
            self._pace.add(number, request_id, links, self._now, times[number])
        self._news.set()


def _first(group: BaseExceptionGroup[FalNotebookError]) -> FalNotebookError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, FalNotebookError)  # noqa: S101 - the group has nothing else
    return found
