"""What has arrived of a response, read into updates, and in the end into the `Result`.

It is read on the consumer's thread, piece by piece, so that an interrupt is heard in between. Whatever fails on the way
ends this request with what had come, and nothing else.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..errors import InvalidResponse, ModelError, RequestError, bare, detail_text, status_error
from ..media.media import Media
from ..response.content import Content
from ..response.redacted_updates import RedactedUpdates
from ..response.updates import Preview, Update
from ..safety.plain_text import excerpt, page_words
from ..wire.protocol import Data, End, Event, Start
from ..wire.target import Target
from .receiver import Over, Receiver
from .result import Metrics, Result


class Reading:
    """One response as it is read; by one consumer.

    Args:
        target: which endpoint was asked, where, and with which key.
        receiver: what takes the response from the connection.
        cancel: stops the request.
        in_line: whether stopping it stops others.

    Attributes:
        result: the result, once the end has been read.
    """

    def __init__(
        self, target: Target, receiver: Receiver, cancel: Callable[[], object], *, in_line: bool = False
    ) -> None:
        self.result: Result | None = None
        self._target = target
        self._receiver = receiver
        self._cancel = cancel
        self._in_line = in_line
        self._start: Start | None = None
        self._end: End | None = None
        self._read_as(None)
        self._arrived: deque[Event | Over] = deque()
        self._read_up_to = 0  # of the first that has arrived

    @property
    def has_more(self) -> bool:
        """Whether there is something to read without waiting for the inbox.

        The inbox does not tell of the end: an interrupt may have come as it was emptied.
        """
        return bool(self._arrived) or self._receiver.over is not None

    @property
    def request_id(self) -> str | None:
        """The id that the server gave to the request, once that has been read."""
        return self._start.request_id if self._start else None

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return self.result.text if self.result else self._redacted.text

    def so_far(self) -> Result:
        """The result as far as it has been read; the result itself at the end."""
        return self.result or self._remains(Over())

    def drain(self) -> Iterator[list[Update]]:
        """Read what has arrived, piece by piece. What fails ends this request and nothing else."""
        try:
            yield from self._read_all()
        except Exception as exc:  # noqa: BLE001 - whatever it is, it ends this request and nothing else
            self._give_up(exc)

    def _read_all(self) -> Iterator[list[Update]]:
        over = self._receiver.over  # looked at first, so that all that came before it is taken now
        self._arrived.extend(self._receiver.inbox.take())
        while self._arrived and self.result is None:
            item = self._arrived[0]
            if isinstance(item, Data):
                yield self._read_some(item)
            else:
                self._arrived.popleft()
                yield self._read(item)
        if over is not None and self.result is None:
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

    def _read(self, item: Start | End | Over) -> list[Update]:
        match item:
            case Start():
                self._read_as(item.headers.get("content-type"))  # as it came; what is shown of it has no key
                self._start = self._target.redaction.value(item)
                return []
            case End():
                self._end = item
                return []
            case Over():
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

    def _finish(self, over: Over) -> list[Update]:
        try:
            return self._conclude(over)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it ends this request and nothing else
            self._give_up(exc)
            return []
        finally:
            # Interrupted in here: there is no second end to wait for.
            self.result = self.result or self._remains(Over(over.error, stopped=True))
            self._read_as(None)  # what came may have the key, and the result has the rest

    def _give_up(self, exc: Exception) -> None:
        """End here, with what had come."""
        if self.result is not None:
            return
        if not self._in_line:
            self._cancel()
        message = f"the response of {self._target.endpoint} could not be read: {type(exc).__name__}"
        error = RequestError(message, request_id=self.request_id)
        self.result = error.result = self._remains(Over(error))

    def _conclude(self, over: Over) -> list[Update]:
        updates: list[Update] = []
        error = over.error
        try:
            updates = self._shown(self._content.finish(), is_last=True)
        except InvalidResponse as exc:
            # A response that broke off is no valid JSON either: what broke it is the error.
            if self._end is not None and not self._bad_status():
                exc.request_id, error = self.request_id, error or bare(exc, self._target.redaction)
        if not over.stopped:
            error = error or self._failure()
        if isinstance(error, RequestError):
            error.request_id = error.request_id or self.request_id
        self.result = self._summary(Over(error, over.stopped))
        if isinstance(error, RequestError):
            error.result = self.result
        return updates

    def _failure(self) -> RequestError | None:
        """The error that the response itself tells: by a status, or inside the body."""
        headers = self._start.headers if self._start else None
        status = self._bad_status()
        if status:
            return status_error(
                status, self._detail(), endpoint=self._target.endpoint, request_id=self.request_id, headers=headers
            )
        if self._content.error is None:
            return None
        detail = self._target.redaction.value(self._content.error)
        return ModelError(
            f"{self._target.endpoint} answered with an error: {detail_text(detail)}",
            status=self._start.status if self._start else None,
            detail=detail,
            request_id=self.request_id,
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

    def _summary(self, over: Over) -> Result:
        status = self._bad_status() or (self._start.status if self._start else None)
        return Result(
            endpoint=self._target.endpoint,
            request_id=self.request_id or getattr(over.error, "request_id", None),
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
        choices = content.choices
        said: dict[str, Any] = {
            "text": content.text or (choices[0].text if choices else ""),  # no choice has to have the index 0
            "reasoning": content.reasoning,
            "data": content.data,
            "media": _named_by(self._target.home, content.media),
            "usage": content.usage,
            "model": content.model,
            "finish_reason": content.finish_reason,
            "sources": content.sources,
            "choices": choices,
            "note": content.note,
        }
        events = content.events.copy()
        fails = self._bad_status() is not None or content.error is not None
        files_have_it = any(redaction.is_in_file(media.data) for media in content.media if media.data)
        # What is joined from pieces of which none is told has been looked at by nobody.
        is_joined = any(
            each.tool_calls or (each.text, each.reasoning) != (content.text, content.reasoning) for each in choices
        )
        choices_have_it = is_joined and redaction.value(choices) != choices
        if fails or files_have_it or choices_have_it or self._redacted.is_suspicious:
            said, events = redaction.value(said), events.redacted(redaction)
        return {**said, "events": events}

    def _remains(self, over: Over) -> Result:
        """What had come, or of it what can be told."""
        with contextlib.suppress(Exception):
            return self._summary(over)
        told: dict[str, Any] = {}
        with contextlib.suppress(Exception):
            told["text"] = self._redacted.text
        for name in ("reasoning", "media", "usage", "model", "finish_reason", "sources", "choices"):
            with contextlib.suppress(Exception):
                told[name] = self._target.redaction.value(getattr(self._content, name))
        told["media"] = list(told.get("media", ()))
        return Result(
            self._target.endpoint,
            **told,
            request_id=self.request_id,
            metrics=self._metrics(),
            stopped=over.stopped,
            error=over.error,
        )

    def _metrics(self) -> Metrics:
        times = self._receiver
        return Metrics(
            connect=times.connect,
            time_to_first_byte=times.time_to_first_byte,
            server_time_to_first_byte=self._end.time_to_first_byte if self._end else None,
            duration=times.elapsed,
            bytes=times.bytes,
            events=len(self._content.events),
        )


def _named_by(gateway: str | None, media: Iterable[Media]) -> list[Media]:
    """Files that know the gateway that named them, where that is on this machine or in its network."""
    return [replace(each, gateway=gateway) if gateway and each.url else each for each in media]
