"""One request under way: what arrives, and in the end the `Result`.

Two threads meet here. The I/O thread notes times and puts events into the inbox; the consumer, one thread or one
event loop, takes them out and finds their meaning. So decoding costs the connection nothing, and a slow consumer
changes no measure of time.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from ..errors import FalNotebookError, InvalidResponse, ModelError, RequestError, bare, detail_text, status_error
from ..media.media import Media
from ..response.content import Content
from ..response.redacted_updates import RedactedUpdates
from ..response.updates import Preview, Update
from ..safety.plain_text import excerpt, page_words
from ..wire.protocol import Data, End, Event, Start
from ..wire.target import Target
from .inbox import Inbox
from .result import Metrics, Result, unshown
from .waiting import check_asyncio, wait

_MOMENT = 0.03  # seconds that reading goes on, so that an interrupt is heard


@dataclass(frozen=True)
class _Over:
    """The last item of an inbox: the request has ended, with an error, by the caller's wish, or well."""

    error: FalNotebookError | None = None
    stopped: bool = False


class Receiver:
    """The I/O thread's side of a request: it takes what the connection hands over."""

    def __init__(self) -> None:
        self.inbox: Inbox[Event | _Over] = Inbox()
        self.began = time.monotonic()
        self.sent_at: float | None = None
        self.is_sent_whole = False
        self.first_byte_at: float | None = None
        self.ended_at: float | None = None
        self.over: _Over | None = None
        self.bytes = 0

    def sent(self) -> None:
        """Note that the arguments go out."""
        self.sent_at = time.monotonic()

    def sent_whole(self) -> None:
        """Note that all of them went out."""
        self.is_sent_whole = True

    def receive(self, events: Sequence[Event], /) -> None:
        """Take the events that one read of the socket brought."""
        for event in events:
            if isinstance(event, Data):
                self.bytes += len(event.data)
                self.first_byte_at = self.first_byte_at or time.monotonic()
        self.inbox.put(*events)

    def end(self, error: FalNotebookError | None = None, *, stopped: bool = False) -> None:
        """Take the end of the request, however it came. The first is the only one."""
        if self.over is None:
            self.ended_at = time.monotonic()
            over = _Over(error, stopped)
            self.inbox.put(over)
            self.over = over  # told only once it has been put: what fails before is tried again


class Stream:
    """What arrives of one response: an iterator and an async iterator of updates, with `result` and `cancel`.

    For one consumer. Leaving a loop early does not stop the request; `cancel`, or a ``with`` block, does. What cannot
    be read ends the request with a `RequestError`, which has what had come by then::

        with stream("fal-ai/any-llm/stream", prompt="Hi") as updates:
            for update in updates:
                print(update, end="")
        answer = updates.result()
    """

    def __init__(
        self,
        target: Target,
        receiver: Receiver,
        cancel: Callable[[], object],
        *,
        nested: bool,
        in_line: bool = False,
    ) -> None:
        self._target = target
        self._receiver = receiver
        self._cancel = cancel
        self._nested = nested
        self._in_line = in_line  # stopping it stops others
        self._start: Start | None = None
        self._end: End | None = None
        self._read_as(None)
        self._arrived: deque[Event | _Over] = deque()
        self._read_up_to = 0  # of the first that has arrived
        self._pending: deque[Update] = deque()
        self._result: Result | None = None

    @property
    def endpoint(self) -> str:
        """The endpoint that was asked."""
        return self._target.endpoint

    @property
    def is_done(self) -> bool:
        """Whether the whole response has been taken."""
        return self._result is not None

    @property
    def bytes(self) -> int:
        """How many bytes of the body have come."""
        return self._receiver.bytes

    @property
    def elapsed(self) -> float:
        """Seconds since the call; until the end, once that has come."""
        return (self._receiver.ended_at or time.monotonic()) - self._receiver.began

    @property
    def is_connecting(self) -> bool:
        """Whether the arguments have not been sent yet."""
        return self._receiver.sent_at is None and not self.is_done

    @property
    def first_byte_after(self) -> float | None:
        """Seconds from the call to the first byte of the body, once that has come."""
        return _between(self._receiver.began, self._receiver.first_byte_at)

    @property
    def request_id(self) -> str | None:
        """The id that the server gave to the request, once that has been taken."""
        return self._request_id()

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return self._result.text if self._result else self._redacted.text

    def take(self) -> list[Update]:
        """The updates that have come since the last call; never waits.

        Where so much has come that reading takes longer than a moment, the rest is for the next call.
        """
        updates = list(self._pending)
        self._pending.clear()
        enough = time.monotonic() + _MOMENT
        for some in self._drain():
            updates += some
            if time.monotonic() > enough:
                break
        return updates

    def wait(self, timeout: float | None = None) -> None:
        """Block until there is something to take, ``timeout`` seconds at most."""
        if not self._pending and not self._arrived and not self._has_ended:
            wait(self._receiver.inbox, timeout, nested=self._nested)

    def so_far(self) -> Result:
        """The result as far as it has been taken; the result itself at the end."""
        return self._result or self._remains(_Over())

    def outcome(self) -> Result:
        """Wait for the end and return the result, also where it is a failure: `Result.error` tells."""
        while self._result is None:
            self.wait()
            for _ in self._drain():  # piece by piece: what is not kept is not held
                pass
        return self._result

    def result(self) -> Result:
        """Wait for the end and return the result. An interrupt stops the request.

        Raises:
            FalNotebookError: the request failed. A `RequestError` has what had come as its ``result``.
        """
        try:
            return _checked(self.outcome())
        except BaseException:
            self._stop_waiting()
            raise

    def cancel(self) -> None:
        """Stop the request: its connection closes at once. What has come stays; after the end it does nothing."""
        self._cancel()

    def __iter__(self) -> Iterator[Update]:
        return self

    def __next__(self) -> Update:
        try:
            while not self._pending and not self.is_done:
                self.wait()
                self._pending.extend(self.take())
        except BaseException:
            self._stop_waiting()
            raise
        if self._pending:
            return self._pending.popleft()
        self.result()
        raise StopIteration

    def __aiter__(self) -> AsyncIterator[Update]:
        return self

    async def __anext__(self) -> Update:
        while not self._pending and not self.is_done:
            await self._arrival()
            self._pending.extend(self.take())
        if self._pending:
            return self._pending.popleft()
        self.result()
        raise StopAsyncIteration

    def __await__(self) -> Generator[Any, None, Result]:
        return self._await_result().__await__()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()

    def __repr__(self) -> str:
        state = "ended" if self.is_done else f"{self.elapsed:.1f} s, {self.bytes:,} bytes"
        return f"<Stream {self.endpoint}, {state}>"

    def _stop_waiting(self) -> None:
        """Stop a request that nobody follows any more."""
        if not self.is_done:
            self.cancel()

    async def _await_result(self) -> Result:
        while self._result is None:
            await self._arrival()
            self.take()
        return _checked(self._result)

    async def _arrival(self) -> None:
        try:
            check_asyncio()
            await (asyncio.sleep(0) if self._arrived or self._has_ended else self._receiver.inbox.wait_async())
        except BaseException:
            self.cancel()
            raise

    @property
    def _has_ended(self) -> bool:
        """Whether nothing more will come. The inbox does not tell: an interrupt may have come as it was emptied."""
        return self._receiver.over is not None

    def _drain(self) -> Iterator[list[Update]]:
        """Read what has arrived, piece by piece."""
        try:
            yield from self._read_all()
        except Exception as exc:  # noqa: BLE001 - whatever it is, it ends this request and nothing else
            self._give_up(exc)

    def _read_all(self) -> Iterator[list[Update]]:
        over = self._receiver.over  # looked at first, so that all that came before it is taken now
        self._arrived.extend(self._receiver.inbox.take())
        while self._arrived and not self.is_done:
            item = self._arrived[0]
            if isinstance(item, Data):
                yield self._read_some(item)
            else:
                self._arrived.popleft()
                yield self._read(item)
        if over is not None and not self.is_done:
            yield self._read(over)

    def _read_some(self, item: Data) -> list[Update]:
        began, self._read_up_to = self._read_up_to, len(item.data)  # interrupted in here, it is not read twice
        updates, at = self._content.feed_some(item.data, began)
        self._read_up_to = at
        if not self._content.is_file:
            told = self._content.told
            self._redacted.look_at(item.data[began:at] if told is None else told)
        if at >= len(item.data):
            self._arrived.popleft()
            self._read_up_to = 0
        return [] if self._bad_status() else self._shown(updates)  # an error status brings no answer

    def _read(self, item: Start | End | _Over) -> list[Update]:
        match item:
            case Start():
                self._read_as(item.headers.get("content-type"))  # as it came; what is shown of it has no key
                self._start = self._target.redaction.value(item)
                return []
            case End():
                self._end = item
                return []
            case _Over():
                return self._finish(item)

    def _read_as(self, label: str | None) -> None:
        """Begin to read a body of this content type."""
        content = self._content = Content(label)
        self._redacted = RedactedUpdates(
            self._target.redaction, label or "", lambda: content.text, lambda: content.reasoning
        )

    def _shown(self, updates: list[Update], *, is_last: bool = False) -> list[Update]:
        """Updates as they may be shown: without the key, and with files that know who named them."""
        for place, update in enumerate(updates):
            if isinstance(update, Preview):
                updates[place] = Preview(tuple(_named_by(self._target.home, update.media)))
        return self._redacted.take(updates, is_last=is_last)

    def _finish(self, over: _Over) -> list[Update]:
        try:
            return self._conclude(over)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it ends this request and nothing else
            self._give_up(exc)
            return []
        finally:
            # Interrupted in here: there is no second end to wait for.
            self._result = self._result or self._remains(_Over(over.error, stopped=True))
            self._read_as(None)  # what came may have the key, and the result has the rest

    def _give_up(self, exc: Exception) -> None:
        """End here, with what had come."""
        if self._result is not None:
            return
        if not self._in_line:
            self._cancel()
        message = f"the response of {self.endpoint} could not be read: {type(exc).__name__}"
        error = RequestError(message, request_id=self._request_id())
        self._result = error.result = self._remains(_Over(error))

    def _conclude(self, over: _Over) -> list[Update]:
        updates: list[Update] = []
        error = over.error
        try:
            updates = self._shown(self._content.finish(), is_last=True)
        except InvalidResponse as exc:
            # A response that broke off is no valid JSON either: what broke it is the error.
            if self._end is not None and not self._bad_status():
                exc.request_id, error = self._request_id(), error or bare(exc, self._target.redaction)
        if not over.stopped:
            error = error or self._failure()
        if isinstance(error, RequestError):
            error.request_id = error.request_id or self._request_id()
        self._result = self._summary(_Over(error, over.stopped))
        if isinstance(error, RequestError):
            error.result = self._result
        return updates

    def _failure(self) -> RequestError | None:
        """The error that the response itself tells: by a status, or inside the body."""
        headers = self._start.headers if self._start else None
        status = self._bad_status()
        if status:
            return status_error(
                status, self._detail(), endpoint=self.endpoint, request_id=self._request_id(), headers=headers
            )
        if self._content.error is None:
            return None
        detail = self._target.redaction.value(self._content.error)
        return ModelError(
            f"{self.endpoint} answered with an error: {detail_text(detail)}",
            status=self._start.status if self._start else None,
            detail=detail,
            request_id=self._request_id(),
            headers=headers,
        )

    def _bad_status(self) -> int | None:
        statuses = [item.status for item in (self._start, self._end) if item is not None]
        return next((status for status in statuses if status >= 300), None)

    def _detail(self) -> Any:
        redaction, data = self._target.redaction, self._content.data
        if data is None:
            return excerpt(redaction.text(self._content.text))
        detail = redaction.value((data.get("detail") or data.get("error") or data) if isinstance(data, dict) else data)
        return page_words(detail) if isinstance(detail, str) else detail

    def _request_id(self) -> str | None:
        return self._start.request_id if self._start else None

    def _summary(self, over: _Over) -> Result:
        status = self._bad_status() or (self._start.status if self._start else None)
        return Result(
            endpoint=self.endpoint,
            request_id=self._request_id() or getattr(over.error, "request_id", None),
            status=status or getattr(over.error, "status", None),
            headers=self._start.headers if self._start else {},
            metrics=self._metrics(),
            stopped=over.stopped,
            sent_whole=self._receiver.is_sent_whole or not self._receiver.ended_at,
            error=over.error,
            **self._said(),
        )

    def _said(self) -> dict[str, Any]:
        """What the body says, without the key where it has it, and where it tells of an error, which often quotes."""
        content, redaction = self._content, self._target.redaction
        said: dict[str, Any] = {
            "text": content.text,
            "reasoning": content.reasoning,
            "data": content.data,
            "media": _named_by(self._target.home, content.media),
            "usage": content.usage,
            "model": content.model,
            "note": content.note,
        }
        events = content.events.copy()
        fails = self._bad_status() is not None or content.error is not None
        files_have_it = any(redaction.is_in_file(media.data) for media in content.media if media.data)
        if fails or files_have_it or self._redacted.is_suspicious:
            said, events = redaction.value(said), events.redacted(redaction)
        return {**said, "events": events}

    def _remains(self, over: _Over) -> Result:
        """What had come, or of it what can be told."""
        with contextlib.suppress(Exception):
            return self._summary(over)
        told: dict[str, Any] = {}
        with contextlib.suppress(Exception):
            told["text"] = self._redacted.text
        for name in ("reasoning", "media", "usage", "model"):
            with contextlib.suppress(Exception):
                told[name] = self._target.redaction.value(getattr(self._content, name))
        told["media"] = list(told.get("media", ()))
        return Result(
            self.endpoint,
            **told,
            request_id=self._request_id(),
            metrics=self._metrics(),
            stopped=over.stopped,
            error=over.error,
        )

    def _metrics(self) -> Metrics:
        times = self._receiver
        return Metrics(
            connect=None if times.sent_at is None else times.sent_at - times.began,
            time_to_first_byte=_between(times.sent_at, times.first_byte_at),
            server_time_to_first_byte=self._end.time_to_first_byte if self._end else None,
            duration=self.elapsed,
            bytes=times.bytes,
            events=len(self._content.events),
        )


def end_of(stream: Stream, failure: Exception | None = None) -> Result:
    """Wait for the end and return the result, for who can raise nothing and still has to end.

    Args:
        stream: the request.
        failure: what went wrong while it was shown: the error of a result that has none.
    """
    try:
        return unshown(stream.outcome(), failure)
    except Exception as exc:  # noqa: BLE001 - whatever it is, nobody waits for ever
        stream.cancel()
        return unshown(stream.so_far(), exc)


def _between(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else second - first


def _named_by(gateway: str | None, media: Iterable[Media]) -> list[Media]:
    """Files that know the gateway that named them, where that is on this machine or in its network."""
    return [replace(each, gateway=gateway) if gateway and each.url else each for each in media]


def _checked(result: Result) -> Result:
    if result.error is not None:
        raise result.error
    return result
