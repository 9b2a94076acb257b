"""A request in fal's queue as a `Stream`: its place in the queue, its logs and progress as updates, then the answer.

The answer comes whole, as if it had streamed, so that all that reads and shows streams reads and shows it, too. To stop
such a stream leaves the request in the queue.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import FalNotebookError, RequestError, RequestTimeout, bare
from ..response.updates import Log, Progress
from ..wire.queue_address import Links, QueueAddress
from ..wire.queue_http import HTTPAnswer, QueueHTTP
from ..wire.queue_protocol import LogLine, QueueStatus, Taken
from ..wire.target import Target
from .off_loop import on_thread
from .queue_exchange import answer, status, submit
from .receiver import Receiver
from .streaming import Stream

_SOONEST, _LATEST = 0.25, 5.0  # seconds between two questions how far a request is
_SHARE = 0.02  # of the time that it has taken so far, which is the pause; and of a second for each request ahead
_AHEAD = 0.2
_TAKEN = 202  # the HTTP status of what is not ready yet
_SUBMIT_SECONDS = 5.0  # for which a stop waits for the answer to a submission, so that its id is known


class QueueReceiver(Receiver):
    """Takes what the queue says of one request. The attributes are set on the I/O thread.

    Attributes:
        request_id: the id of the request; None until the queue has taken it.
        status: how far it is; None until the queue has said so.
        trouble: why the queue does not answer; empty if it does.
    """

    def __init__(self, request_id: str | None = None) -> None:
        super().__init__()
        self.request_id = request_id
        self.status: QueueStatus | None = None
        self.trouble = ""
        self._lines: list[LogLine] = []
        if request_id is not None:
            self._say_id(request_id)

    def taken(self, taken: Taken) -> None:
        """Note that the queue has taken the request."""
        self.sent_whole()
        self.request_id = taken.request_id
        self.status = QueueStatus("IN_QUEUE", taken.position)
        self._say_id(taken.request_id)

    def heard(self, status: QueueStatus) -> None:
        """Note how far the request is, and tell what it has logged since."""
        self.status = status
        known = len(self._lines)
        new = list(status.logs[known:]) if list(status.logs[:known]) == self._lines else list(status.logs)
        if not status.logs or not new:
            return
        self._lines = list(status.logs)
        fractions = [each.fraction for each in new if each.fraction is not None]
        self.inbox.put(*(Log(each.message, each.level) for each in new))
        if fractions:
            self.inbox.put(Progress(fractions[-1], ""))

    def _say_id(self, request_id: str) -> None:
        """Tell the consumer the id, as the start of a response that is replaced by that of the answer."""
        self.receive(HTTPAnswer(_TAKEN).events(request_id)[:1])

    def trouble_is(self, words: str) -> None:
        """Note why the queue does not answer."""
        self.trouble = words


class QueueStream(Stream):
    """The updates of one request in fal's queue. `cancel` leaves it there; `Submitted.cancel` takes it out."""

    def __init__(self, target: Target, receiver: QueueReceiver, cancel: Callable[[], object], *, nested: bool) -> None:
        super().__init__(target, receiver, cancel, nested=nested)
        self._queued = receiver

    @property
    def request_id(self) -> str | None:
        """The id that the queue gave to the request; None until it has taken it."""
        return self._queued.request_id

    @property
    def status(self) -> QueueStatus | None:
        """How far the request is, as far as is known."""
        return self._queued.status

    @property
    def doing(self) -> str:
        """What is waited for, in a few words."""
        if self._queued.trouble:
            return f"{self._queued.trouble}; asking again"
        status = self._queued.status
        if status is None:
            return "submitting" if self._queued.request_id is None else "asking the queue"
        return "fetching the answer" if status.is_completed else status.words


class Pace:
    """Sans-I/O: how often one asks how far a request is: often at first, seldom while many are ahead of it."""

    def __init__(self, began: float) -> None:
        self._began = began

    def pause(self, status: QueueStatus, now: float) -> float:
        """The seconds until the next question."""
        ahead = _AHEAD * (status.position or 0)
        return min(_LATEST, max(_SOONEST, _SHARE * (now - self._began), ahead))


async def submit_and_follow(
    address: QueueAddress,
    message: Callable[[], Awaitable[bytes]],
    receiver: QueueReceiver,
    timeout: float | None,  # noqa: ASYNC109 - the caller's own
    max_body: int,
    taken: Callable[[Taken], None],
) -> None:
    """Submit a request and follow it to its answer. ``taken`` is called when the queue has taken it.

    What is sent is asked for first, which uploads its files.
    """

    def note(told: Taken) -> None:
        receiver.taken(told)
        taken(told)

    async def work(http: QueueHTTP) -> None:
        payload = await message()
        receiver.sent()
        told = await _submit_whole(http, payload, note)
        await _follow(http, address.links(told.request_id, dict(told.told)), told.request_id, receiver, is_new=True)

    await _told(address, receiver, timeout, max_body, work)


async def follow(
    address: QueueAddress,
    links: Links,
    request_id: str,
    receiver: QueueReceiver,
    timeout: float | None,  # noqa: ASYNC109 - the caller's own
    max_body: int,
) -> None:
    """Follow a request that is in the queue to its answer."""

    async def work(http: QueueHTTP) -> None:
        receiver.sent()
        receiver.sent_whole()
        await _follow(http, links, request_id, receiver, is_new=False)

    await _told(address, receiver, timeout, max_body, work)


async def _submit_whole(http: QueueHTTP, payload: bytes, taken: Callable[[Taken], Any]) -> Taken:
    """Submit a request. If that is stopped, its answer is still waited for a little, so that its id is known."""
    post = asyncio.ensure_future(submit(http, payload))
    post.add_done_callback(lambda done: None if done.cancelled() or done.exception() else taken(done.result()))
    try:
        return await asyncio.shield(post)
    except asyncio.CancelledError:
        await asyncio.wait({post}, timeout=_SUBMIT_SECONDS)
        post.cancel()
        raise


async def _follow(http: QueueHTTP, links: Links, request_id: str, receiver: QueueReceiver, *, is_new: bool) -> None:
    began = time.monotonic()
    pace = Pace(began)
    since = began if is_new else None
    while True:
        found = await status(http, links, request_id, since=since, trouble=receiver.trouble_is)
        receiver.heard(found)
        if found.is_completed:
            break
        await asyncio.sleep(pace.pause(found, time.monotonic()))
    came = await answer(http, links, request_id, found, trouble=receiver.trouble_is)
    receiver.receive(came.events(request_id))


async def _told(
    address: QueueAddress,
    receiver: QueueReceiver,
    timeout: float | None,  # noqa: ASYNC109 - the caller's own
    max_body: int,
    work: Callable[[QueueHTTP], Any],
) -> None:
    """Do the work, and tell the receiver how it ended, so that no consumer waits for ever."""
    error: FalNotebookError | None = None
    stopped = False
    target = address.target
    try:
        http = await on_thread(lambda: QueueHTTP(address, max_body))
        try:
            async with asyncio.timeout(timeout):
                await work(http)
        finally:
            await http.close()
    except TimeoutError:
        error = RequestTimeout(f"{target.endpoint} did not finish within {timeout:g} s", hint=_still(receiver))
    except FalNotebookError as exc:
        error = bare(exc, target.redaction)
    except asyncio.CancelledError:
        stopped = True
    except Exception as exc:  # noqa: BLE001 - if an error were lost, the request would look like a success
        error = RequestError(f"{target.endpoint} failed: {type(exc).__name__}", hint=_still(receiver))
    finally:
        if isinstance(error, RequestError):
            error.request_id = error.request_id or receiver.request_id
        receiver.end(error, stopped=stopped)


def _still(receiver: QueueReceiver) -> str:
    return "it may have been taken" if receiver.request_id is None else "it is still in the queue; attach goes on"
