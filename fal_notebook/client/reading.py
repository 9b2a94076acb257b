"""Reads the events of a response into updates, and at its end into the `Result`.

This happens on the consumer's thread, in small pieces, so that an interrupt can come between two of them. If reading
fails, whatever the reason, only this request ends, and its result has what was read before.
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
from ..response.updates import Log, Preview, Progress, Update
from ..safety.plain_text import excerpt, page_words
from ..wire.protocol import Data, End, Event, Start
from ..wire.target import Target
from .metrics import Metrics
from .receiver import Receiver, RequestEnd
from .result import Result
from .thinking_time import ThinkingTime


class Reading:
    """Reads one response, for one consumer.

    Args:
        target: the endpoint that was asked, its URL, and the key that was sent.
        receiver: takes the response from the connection.
        cancel: stops the request.
        pipelined: whether the request is part of a pipeline, so that ``cancel`` would stop others, too.

    Attributes:
        result: the result; None until the end has been read.
        thinking: how long the model reasons before its answer.
    """

    def __init__(
        self, target: Target, receiver: Receiver, cancel: Callable[[], object], *, pipelined: bool = False
    ) -> None:
        self.result: Result | None = None
        self.thinking = ThinkingTime()
        self._target = target
        self._receiver = receiver
        self._cancel = cancel
        self._pipelined = pipelined
        self._start: Start | None = None
        self._end: End | None = None
        self._read_as(None)
        self._arrived: deque[Event | RequestEnd | Log | Progress] = deque()
        self._read_up_to = 0  # bytes of the first item in `_arrived`
        self._length = 0  # bytes of the body that have been read

    @property
    def has_more(self) -> bool:
        """Whether there is something to read without waiting for the inbox.

        The receiver is asked about the end: an interrupt may have come after the end was taken out of the inbox.
        """
        return bool(self._arrived) or self._receiver.request_end is not None

    @property
    def request_id(self) -> str | None:
        """The id that the server gave to the request; None until the start of the response has been read."""
        return self._start.request_id if self._start else None

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return self.result.text if self.result else self._redacted.text

    @property
    def reasoning(self) -> str:
        """The reasoning's text so far."""
        return self.result.reasoning if self.result else self._redacted.reasoning

    def so_far(self) -> Result:
        """The result of what has been read so far; after the end, the final result."""
        return self.result or self._partial_result(RequestEnd())

    def drain(self) -> Iterator[list[Update]]:
        """Read what has arrived, and yield the updates of each piece. If that fails, the request ends."""
        try:
            yield from self._read_all()
        except Exception as exc:  # noqa: BLE001 - whatever fails, only this request ends
            self._give_up(exc)

    def _read_all(self) -> Iterator[list[Update]]:
        request_end = self._receiver.request_end  # asked first: what came before the end is in the inbox by then
        self._arrived.extend(self._receiver.inbox.take())
        while self._arrived and self.result is None:
            item = self._arrived[0]
            if isinstance(item, Data):
                yield self._read_some(item)
            else:
                self._arrived.popleft()
                yield self._read(item)
        if request_end is not None and self.result is None:
            yield self._read(request_end)

    def _read_some(self, item: Data) -> list[Update]:
        began, self._read_up_to = self._read_up_to, len(item.data)  # if an interrupt comes, nothing is read twice
        updates, at = self._content.feed_some(item.data, began)
        self._read_up_to = at
        self._length += at - began
        self.thinking.take(updates, self._receiver.arrivals.at(self._length))
        if not self._content.is_file:
            significant = self._content.significant_bytes
            self._redacted.look_at(item.data[began:at] if significant is None else significant)
        if at >= len(item.data):
            self._arrived.popleft()
            self._read_up_to = 0
        return [] if self._bad_status() else self._for_display(updates)  # an error's body is no answer to show

    def _read(self, item: Start | End | RequestEnd | Log | Progress) -> list[Update]:
        match item:
            case Start():
                self._read_as(item.headers.get("content-type"))  # unredacted, so that the key does not change it
                self._start = self._target.redaction.value(item)
                return []
            case End():
                self._end = item
                return []
            case RequestEnd():
                return self._finish(item)
            case Log() | Progress():
                return [self._target.redaction.value(item)]

    def _read_as(self, label: str | None) -> None:
        """Begin to read a body of a content type; None for an unknown one."""
        content = self._content = Content(label)
        self._redacted = RedactedUpdates(
            self._target.redaction, label or "", lambda: content.text, lambda: content.reasoning
        )

    def _for_display(self, updates: list[Update], *, is_last: bool = False) -> list[Update]:
        """The updates without the key, and with the gateway's name in files that a private gateway named."""
        for place, update in enumerate(updates):
            if isinstance(update, Preview):
                updates[place] = Preview(tuple(_with_gateway(self._target.private_host, update.media)))
        return self._redacted.take(updates, is_last=is_last)

    def _finish(self, request_end: RequestEnd) -> list[Update]:
        try:
            return self._conclude(request_end)
        except Exception as exc:  # noqa: BLE001 - whatever fails, only this request ends
            self._give_up(exc)
            return []
        finally:
            # An interrupt may have come above. The end comes only once, so the result is made now.
            self.result = self.result or self._partial_result(RequestEnd(request_end.error, stopped=True))
            self.thinking.end()
            self._read_as(None)  # drops the body, which may have the key; the result has the rest

    def _give_up(self, exc: Exception) -> None:
        """End the request with an error and with what was read before."""
        if self.result is not None:
            return
        if not self._pipelined:
            self._cancel()
        message = f"the response of {self._target.endpoint} could not be read: {type(exc).__name__}"
        error = RequestError(message, request_id=self.request_id, hint="the result has what came")
        self.result = error.result = self._partial_result(RequestEnd(error))

    def _conclude(self, request_end: RequestEnd) -> list[Update]:
        """Read the end of the body, make the result, and return the last updates."""
        updates: list[Update] = []
        error = request_end.error
        try:
            updates = self._for_display(self._content.finish(), is_last=True)
        except InvalidResponse as exc:
            # A response that broke off is not valid JSON either: then the error is the one that broke it off.
            if self._end is not None and not self._bad_status():
                exc.request_id, error = self.request_id, error or bare(exc, self._target.redaction)
        if not request_end.stopped:
            error = error or self._failure()
        if isinstance(error, RequestError):
            error.request_id = error.request_id or self.request_id
        self.result = self._summary(RequestEnd(error, request_end.stopped))
        if isinstance(error, RequestError):
            error.result = self.result
        return updates

    def _failure(self) -> RequestError | None:
        """The error that the response reports by its status or inside the body."""
        headers = self._start.headers if self._start else None
        status = self._bad_status()
        if status:
            return status_error(
                status,
                self._detail(),
                endpoint=self._target.endpoint,
                request_id=self.request_id,
                headers=headers,
                by_fal=self._target.is_fal,
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
        """The status of the start or the end, if it is not one of success."""
        statuses = [item.status for item in (self._start, self._end) if item is not None]
        return next((status for status in statuses if status >= 300), None)

    def _detail(self) -> Any:
        """What the body of an error says, without the key."""
        redaction, data = self._target.redaction, self._content.data
        if data is None:
            return excerpt(redaction.text(self._content.text))
        detail = redaction.value((data.get("detail") or data.get("error") or data) if isinstance(data, dict) else data)
        return page_words(detail) if isinstance(detail, str) else detail

    def _summary(self, request_end: RequestEnd) -> Result:
        """The result of everything that has been read."""
        status = self._bad_status() or (self._start.status if self._start else None)
        return Result(
            endpoint=self._target.endpoint,
            request_id=self.request_id or getattr(request_end.error, "request_id", None),
            status=status or getattr(request_end.error, "status", None),
            headers=self._start.headers if self._start else {},
            metrics=self._metrics(),
            stopped=request_end.stopped,
            sent_whole=self._receiver.is_sent_whole or not self._receiver.ended_at,
            error=request_end.error,
            **self._body_fields(),
        )

    def _body_fields(self) -> dict[str, Any]:
        """The fields of the result that come from the body.

        The key is taken out if the body has it, and always if the body reports an error: errors often quote requests.
        """
        content, redaction = self._content, self._target.redaction
        choices = content.choices
        found: dict[str, Any] = {
            "text": content.text or (choices[0].text if choices else ""),  # no choice has to have the index 0
            "reasoning": content.reasoning,
            "data": content.data,
            "media": _with_gateway(self._target.private_host, content.media),
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
        # Words that were joined from pieces and never shown have not been searched for the key yet.
        is_joined = any(
            each.tool_calls or (each.text, each.reasoning) != (content.text, content.reasoning) for each in choices
        )
        choices_have_it = is_joined and redaction.value(choices) != choices
        if fails or files_have_it or choices_have_it or self._redacted.is_suspicious:
            found, events = redaction.value(found), events.redacted(redaction)
        return {**found, "events": events}

    def _partial_result(self, request_end: RequestEnd) -> Result:
        """The result of what has been read; if that cannot be made, of those fields that can."""
        with contextlib.suppress(Exception):
            return self._summary(request_end)
        found: dict[str, Any] = {}
        with contextlib.suppress(Exception):
            found["text"] = self._redacted.text
        for name in ("reasoning", "media", "usage", "model", "finish_reason", "sources", "choices"):
            with contextlib.suppress(Exception):
                found[name] = self._target.redaction.value(getattr(self._content, name))
        found["media"] = list(found.get("media", ()))
        return Result(
            self._target.endpoint,
            **found,
            request_id=self.request_id,
            metrics=self._metrics(),
            stopped=request_end.stopped,
            error=request_end.error,
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
            thinking=self.thinking.seconds,
        )


def _with_gateway(gateway: str | None, media: Iterable[Media]) -> list[Media]:
    """The files, each with the gateway that named it, if that is on this machine or in its network."""
    return [replace(each, gateway=gateway) if gateway and each.url else each for each in media]
