"""Sans-I/O: what the body of a response means, whatever its content type and wherever it is cut.

The content type decides how a body is read, unless its first bytes are plainly something else: media under any label,
an event stream that is labelled JSON or words. So nothing is decided before those bytes are there. A body without a
label is what its bytes are.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..media.media import SNIFF_BYTES, Media, needs_more, normal_type, sniff
from .bodies import Body, MediaBody, TextBody
from .choices import Choice, Source
from .event_log import EventLog
from .event_stream_body import EventStreamBody, JSONBody
from .json_events import EventReader
from .sse import JSONLinesDecoder
from .unlabelled_body import UnlabelledBody
from .updates import Update

_HEAD = 4096  # first bytes that may be held back to see what a body is
_LARGEST_SLICE = 262_144  # bytes that are read at once
_MOST_LINES = 2_048  # that are read at once, each of which may be an event
_JSON_LINES = re.compile(
    r"(application|text)/(x-)?(nd-?json|ldjson|jsonl|json-?lines|json-seq|json-stream|stream\+json)"
)
_JSON = re.compile(r"(application|text)/(x-)?json|.+\+json")
_FORMATS = "yaml|xml|csv|toml|json5|markdown|subrip|srt|vtt|javascript|ecmascript|typescript|sql|tex|latex|sh"
_WORDS = re.compile(rf"text/.+|application/((x-)?({_FORMATS}|www-form-urlencoded)|.+\+(xml|yaml))")


@dataclass(frozen=True, slots=True)
class _Look:
    """How the first bytes of a body look that is plainly of one kind.

    Attributes:
        plainly: matches at the start of such a body.
        perhaps: matches the whole of first bytes that are too few to tell.
    """

    plainly: re.Pattern[bytes]
    perhaps: re.Pattern[bytes]

    def fits(self, head: bytes) -> bool | None:
        """Whether a body that begins so is of the kind; None where more bytes will tell."""
        if self.plainly.match(head):
            return True
        return None if self.perhaps.fullmatch(head) else False


def _look(plainly: bytes, perhaps: bytes) -> _Look:
    mark = rb"(?:\xef\xbb\xbf)?\s*"
    return _Look(re.compile(mark + plainly), re.compile(rb"\xef|\xef\xbb|" + mark + rb"(?:" + perhaps + rb")"))


_Way = Callable[[], Body]
_NAME_STARTS = b"|".join(name[:end] for name in (b"data", b"event", b"id", b"retry") for end in range(len(name) + 1))
_FIELD = rb"(?:event|id|retry)?:[^\r\n]*"
_FIELDS = _FIELD + rb"[\r\n]\s*"
_IS_STREAM = _look(rb"(?:data|event|id|retry)?:", _NAME_STARTS)
"""Under a label of JSON: none begins with a field."""
_IS_STREAM_NOT_WORDS = _look(
    rb"(?:data:[ \t]*[\[{]|(?:" + _FIELDS + rb")+data:)",
    rb"(?:" + _FIELDS + rb")*(?:" + _NAME_STARTS + rb"|" + _FIELD + rb"|data:[ \t]*)",
)
"""Under a label of words, which may begin like a field: data that is JSON or comes behind another field or comment."""
_IS_ONE_VALUE = _look(rb"[\[{][ \t]*[\r\n]", rb"(?:[\[{][ \t]*)?")
"""A lone bracket on the first line: one JSON value on several lines."""


class Content:
    """The meaning of one response's body, which grows as its bytes are fed.

    Args:
        content_type: the ``Content-Type`` header of the response, with its parameters.
    """

    def __init__(self, content_type: str | None = None) -> None:
        self._label = content_type or ""
        self._held = b""
        self._body: Body | None = None

    @property
    def is_file(self) -> bool:
        """Whether the body itself is a file, as far as has been seen."""
        return self._body is not None and self._body.is_file

    @property
    def text(self) -> str:
        """The answer's text so far; of a body that is neither JSON nor media, the body."""
        return self._body.text if self._body else ""

    @property
    def reasoning(self) -> str:
        """The reasoning's text so far, where the endpoint gives it."""
        return self._reader.reasoning

    @property
    def data(self) -> Any:
        """The JSON value: the body, or the last event."""
        return self._reader.data

    @property
    def media(self) -> tuple[Media, ...]:
        """The files: the body itself, or those that its JSON holds. Those that grow are there after `finish`."""
        return self._body.media if self._body else ()

    @property
    def events(self) -> EventLog:
        """The server-sent events, where the body is a stream of them."""
        return self._body.events if self._body else EventLog()

    @property
    def usage(self) -> dict[str, Any] | None:
        """What the endpoint said that the request used: tokens, cost."""
        return self._reader.usage

    @property
    def error(self) -> Any:
        """The ``error`` inside the body: a string or an object; None where there is none."""
        return self._reader.error

    @property
    def model(self) -> str | None:
        """The model that the endpoint said answered."""
        return self._reader.model

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, in the endpoint's own word."""
        return self._reader.finish_reason

    @property
    def sources(self) -> list[Source]:
        """What the answer cites."""
        return self._reader.sources

    @property
    def choices(self) -> list[Choice]:
        """The answers, where the endpoint gives them as such: the first is that whose words `text` has."""
        return self._reader.choices

    @property
    def note(self) -> str:
        """What a reader should know of how the body was read; empty where there is nothing."""
        others = self._reader.others if self.events and self.text else 0
        told = f"{others:,} event{'s' if others > 1 else ''} of another kind: in .events" if others else ""
        return " · ".join(filter(None, [self._reader.note, told]))

    @property
    def told(self) -> bytes | None:
        """Of the bytes that were taken last those that say all of them: of snapshots the newest. None: all of them."""
        return self._body.told if self._body else None

    def feed(self, data: bytes) -> list[Update]:
        """Take the next bytes of the body and return what they bring."""
        updates: list[Update] = []
        at = 0
        while at < len(data):
            some, at = self.feed_some(data, at)
            updates += some
        return updates

    def feed_some(self, data: bytes, at: int) -> tuple[list[Update], int]:
        """Take the next bytes of the body from a place on, so many as are read in a moment.

        Returns:
            What they bring, and the place where they end.
        """
        if self._body is None:
            head = self._held + data[at : at + _HEAD]
            self._body = self._choose(head)
            held, self._held = self._held, b"" if self._body else head
            if held or self._body is None:
                return self._body.feed(head) if self._body else [], at + len(head) - len(held)
        end = len(data) if isinstance(self._body, MediaBody) else _slice_end(data, at)
        return self._body.feed(data[at:end]), end

    def finish(self) -> list[Update]:
        """Take the end of the body, whole or not, and return what it brings.

        Raises:
            InvalidResponse: the body is not what it says, and nothing else that can be read; `text` has it as it came.
        """
        updates: list[Update] = []
        if self._body is None:
            self._body = self._choose(self._held, is_all=True) or TextBody()
            updates = self._body.feed(self._held)
            self._held = b""
        return updates + self._body.finish()

    @property
    def _reader(self) -> EventReader:
        return self._body.reader if self._body else EventReader()

    def _choose(self, head: bytes, *, is_all: bool = False) -> Body | None:
        """How the body is to be read; None where its first bytes leave that open."""
        if needs_more(head) and not is_all:
            return None
        kind = normal_type(self._label)
        is_file = kind.startswith(("audio/", "image/", "video/"))
        plainly = sniff(head[:SNIFF_BYTES])
        if is_file or plainly:
            return MediaBody(self._label if is_file else plainly or "")
        looks, usual = self._ways(kind)
        for look, body in looks:
            fits = look.fits(head[:_HEAD])
            if fits:
                return body()
            if fits is None and not is_all and len(head) < _HEAD:
                return None
        return usual()

    def _ways(self, kind: str) -> tuple[list[tuple[_Look, _Way]], _Way]:
        """The looks that count under a label, and how a body is read that has none of them."""
        if kind == "text/event-stream":
            return [], EventStreamBody
        if _JSON_LINES.fullmatch(kind):
            return [(_IS_STREAM, EventStreamBody), (_IS_ONE_VALUE, JSONBody)], _json_lines
        if _JSON.fullmatch(kind):
            return [(_IS_STREAM, EventStreamBody)], JSONBody
        if kind in ("text/plain", "text/html"):  # what a server calls that of which nobody told it
            return [(_IS_STREAM_NOT_WORDS, EventStreamBody)], lambda: TextBody(self._label)
        if _WORDS.fullmatch(kind):
            return [], lambda: TextBody(self._label)
        if kind == "application/octet-stream":
            return [(_IS_STREAM_NOT_WORDS, EventStreamBody)], lambda: UnlabelledBody(self._label)
        return [], lambda: MediaBody(self._label)


def _slice_end(data: bytes, at: int) -> int:
    """Where to stop reading for a moment: lines cost more than their bytes do."""
    end = min(at + _LARGEST_SLICE, len(data))
    for line_end in (b"\n", b"\r"):
        place = at - 1
        for _ in range(_MOST_LINES):
            place = data.find(line_end, place + 1, end)
            if place < 0:
                break
        else:
            end = place + 1
    return end


def _json_lines() -> Body:
    return EventStreamBody(JSONLinesDecoder())
