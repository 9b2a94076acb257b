"""What is asked of fal's queue: to take a request, how far it is, its answer, to cancel it, and what it was asked.

A submission is paid for, so it is one POST. It is repeated only where certainly nothing was received: there was no
connection, or the queue refused it as too many (429). Everything else is harmless to ask again, and is asked again
after cuts, refusals and failures of the server, until an answer comes or ten minutes have passed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

from ..errors import ConnectError, FalNotebookError, NoQueue, RateLimited, RequestError, ServerError
from ..wire.queue_address import Links
from ..wire.queue_http import HTTPAnswer, QueueHTTP
from ..wire.queue_protocol import (
    ListedRequest,
    QueueStatus,
    Taken,
    is_still_at_work,
    read_list,
    read_status,
    read_taken,
)

_TRIES = 5  # of a submission that certainly was not received
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0  # seconds
_LONGEST_WAIT = 60.0  # seconds that a server may ask to wait
_PATIENCE = 600.0  # seconds in which a queue may fail
_NO_QUEUE = (404, 405)  # what a server answers that does not know the path, or takes no POST there
_NEW_SECONDS = 10.0  # after a submission, in which the queue may not know the request everywhere yet
_MOST_PAGES = 200  # of the list of requests, of a hundred each

Value = TypeVar("Value")


async def submit_once(http: QueueHTTP, payload: bytes) -> Taken:
    """Submit a request: one POST.

    Raises:
        ConnectError: nothing was sent.
        NoQueue: the server, which is not fal, has no queue.
        StatusError: the queue refused it. After a `ServerError` it may have been taken all the same.
        ConnectionLost: it may have been taken, and no answer came.
        ProtocolViolation: it may have been taken, and the answer cannot be understood.
    """
    answer = await http.ask("POST", http.address.submit_url, payload)
    if answer.status >= 300:
        error = http.refusal(answer)
        if answer.status in _NO_QUEUE and not http.address.target.is_fal:
            message = f"no queue at {urlsplit(http.address.base).netloc}: {answer.status} from {http.address.base}"
            raise NoQueue(message, status=answer.status, request_id=error.request_id, headers=error.headers)
        if isinstance(error, ServerError):
            error.hint = "not sent again by itself: it may have been taken all the same"
        raise error
    return read_taken(answer.body)


async def submit(http: QueueHTTP, payload: bytes) -> Taken:
    """Submit a request, and try again where certainly nothing was received. The errors are those of `submit_once`."""
    pause = _FIRST_PAUSE
    for number in range(1, _TRIES + 1):
        try:
            return await submit_once(http, payload)
        except (ConnectError, RateLimited) as exc:
            is_final = isinstance(exc, ConnectError) and (not exc.may_pass or http.address.target.is_local)
            if number == _TRIES or is_final:
                raise
            await asyncio.sleep(_asked_pause(exc) or pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
    raise AssertionError("the last try returns or raises")


async def status_once(http: QueueHTTP, links: Links, request_id: str, *, logs: bool) -> QueueStatus:
    """How far a request is.

    Raises:
        ConnectError, RequestError: the queue did not say.
    """
    answer = await http.ask("GET", _with_logs(links.status) if logs else links.status)
    if answer.status >= 300:
        raise http.refusal(answer, request_id)
    return read_status(answer.body)


async def status(
    http: QueueHTTP, links: Links, request_id: str, *, since: float | None = None, trouble: Callable[[str], None]
) -> QueueStatus:
    """How far a request is, with its logs; asked again as the head of this module says.

    Args:
        http: the queue.
        links: where it answers for the request.
        request_id: the request.
        since: when it was submitted, in seconds of `time.monotonic`, if that was just now.
        trouble: called with what is wrong, and with nothing once it is over.

    Raises:
        ConnectError, RequestError: the queue did not say.
    """

    async def ask() -> QueueStatus:
        return await status_once(http, links, request_id, logs=True)

    return await _patiently(ask, trouble, since)


async def answer(
    http: QueueHTTP, links: Links, request_id: str, found: QueueStatus, *, trouble: Callable[[str], None]
) -> HTTPAnswer:
    """The answer of a completed request: the model's own status, headers and body.

    Args:
        http: the queue.
        links: where it answers for the request.
        request_id: the request.
        found: its status.
        trouble: as for `status`.

    Raises:
        ConnectError, RequestError: the answer cannot be had.
    """

    async def ask() -> HTTPAnswer:
        return await answer_once(http, links, request_id, found)

    return await _patiently(ask, trouble, None)


async def answer_once(http: QueueHTTP, links: Links, request_id: str, found: QueueStatus) -> HTTPAnswer:
    """The answer of a completed request, asked for once.

    Raises:
        ConnectError, RequestError: the answer did not come, and may be asked for again.
    """
    came = await http.ask("GET", links.response)
    has_failed = found.error is not None or found.error_type is not None
    is_of_queue = came.status == 429 or (came.status >= 500 and not has_failed)
    if is_of_queue or is_still_at_work(came.status, came.body):
        raise RateLimited(
            "the queue did not give the answer yet",
            status=came.status,
            request_id=request_id,
            headers=dict(came.headers),
        )
    return came


async def cancel(http: QueueHTTP, links: Links, request_id: str) -> bool:
    """Cancel a request; return whether it had not ended before. What is at work may go on, and be billed.

    Raises:
        ConnectError, RequestError: the queue did not take it.
    """

    async def ask() -> bool:
        answer = await http.ask("PUT", links.cancel)
        if answer.status == 400:
            return False
        if answer.status >= 300:
            raise http.refusal(answer, request_id)
        return True

    return await _patiently(ask, lambda _: None, None, patience=_NEW_SECONDS)


async def listed(http: QueueHTTP, start: float, end: float) -> list[ListedRequest]:
    """The requests to the endpoint that fal lists for a time, the newest first.

    Args:
        http: the queue.
        start: the earliest time, in seconds since 1970.
        end: the latest time.

    Raises:
        ConnectError, RequestError: the list cannot be had.
    """
    found: list[ListedRequest] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        url = http.address.list_url(_iso(start), _iso(end), cursor)

        async def ask(url: str = url) -> HTTPAnswer:
            answer = await http.ask("GET", url)
            if answer.status >= 300:
                raise http.refusal(answer)
            return answer

        page = await _patiently(ask, lambda _: None, None, patience=_NEW_SECONDS)
        items, cursor = read_list(page.body)
        found += items
        if cursor is None:
            break
    return found


async def _patiently(
    ask: Callable[[], Awaitable[Value]],
    trouble: Callable[[str], None],
    since: float | None,
    *,
    patience: float = _PATIENCE,
) -> Value:
    began, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        try:
            found = await ask()
        except (ConnectError, RequestError) as exc:
            now = time.monotonic()
            is_new = exc_status(exc) == 404 and since is not None and now < since + _NEW_SECONDS
            if not (may_be_asked_again(exc) or is_new) or now + pause > began + patience:
                raise
            trouble(exc.message if isinstance(exc, ConnectError) else "the queue does not answer")
            await asyncio.sleep(_asked_pause(exc) or pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            trouble("")
            return found


def may_be_asked_again(error: FalNotebookError) -> bool:
    """Whether a question that changes nothing may have an answer later."""
    if isinstance(error, ConnectError):
        return error.may_pass
    found = exc_status(error)
    return found is None or found in (408, 429) or found >= 500 or isinstance(error, RateLimited)


def exc_status(error: FalNotebookError) -> int | None:
    """The HTTP status of an error, if it has one."""
    return error.status if isinstance(error, RequestError) else None


def _with_logs(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}logs=1"


def _asked_pause(error: FalNotebookError) -> float | None:
    """For how long the server asks to wait."""
    headers: Mapping[str, str] = error.headers if isinstance(error, RequestError) else {}
    asked = str(headers.get("retry-after", "")).strip()
    return min(float(asked), _LONGEST_WAIT) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
