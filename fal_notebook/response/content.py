"""Sans-I/O: what the body of a response means, whatever its content type and wherever it is cut.

The content type decides how a body is read, unless its first bytes are plainly something else: a media file under any
label, or an event stream that is labelled as JSON or text. So a body is not read before these bytes have come. A body
without a label is read as its first bytes tell.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..media.media import SNIFF_BYTES, Media, needs_more, normal_type, sniff
from .bodies import Body, MediaBody, TextBody
from .choices import Choice, Source
from .event_log import EventLog
from .event_stream_body import EventStreamBody, JSONBody
from .json_events import EventReader
from .leading_thought import LeadingThought, divided
from .sse import JSONLinesDecoder
from .unlabelled_body import UnlabelledBody
from .updates import Update

_LONGEST_HEAD = 4096  # first bytes that may be held back until the kind of body is known
_LARGEST_SLICE = 262_144  # bytes that are read at once
_MOST_LINES = 2_048  # that are read at once, each of which may be an event
_JSON_LINES_TYPES = re.compile(
    r"(application|text)/(x-)?(nd-?json|ldjson|jsonl|json-?lines|json-seq|json-stream|stream\+json)"
)
_JSON_TYPES = re.compile(r"(application|text)/(x-)?json|.+\+json")
_TEXT_FORMATS = "yaml|xml|csv|toml|json5|markdown|subrip|srt|vtt|javascript|ecmascript|typescript|sql|tex|latex|sh"
_WORDS_TYPES = re.compile(r"|text/(plain|html|(x-)?markdown)")
"""Labels of text that a model may have written as its answer. Servers that do not know the type say HTML, too."""
_TEXT_TYPES = re.compile(rf"text/.+|application/((x-)?({_TEXT_FORMATS}|www-form-urlencoded)|.+\+(xml|yaml))")


@dataclass(frozen=True, slots=True)
class _Signature:
    """The first bytes that tell one kind of body.

    Attributes:
        plainly: matches at the start of such a body.
        perhaps: matches all of the first bytes where these are too few to tell.
    """

    plainly: re.Pattern[bytes]
    perhaps: re.Pattern[bytes]

    def fits(self, head: bytes) -> bool | None:
        """Whether a body with these first bytes is of the kind; None where more of them are needed."""
        if self.plainly.match(head):
            return True
        return None if self.perhaps.fullmatch(head) else False


def _signature(plainly: bytes, perhaps: bytes) -> _Signature:
    mark = rb"(?:\xef\xbb\xbf)?\s*"
    return _Signature(re.compile(mark + plainly), re.compile(rb"\xef|\xef\xbb|" + mark + rb"(?:" + perhaps + rb")"))


_BodyMaker = Callable[[], Body]
_FIELD_STARTS = b"|".join(name[:end] for name in (b"data", b"event", b"id", b"retry") for end in range(len(name) + 1))
_FIELD = rb"(?:event|id|retry)?:[^\r\n]*"
_FIELDS = _FIELD + rb"[\r\n]\s*"
_IS_STREAM = _signature(rb"(?:data|event|id|retry)?:", _FIELD_STARTS)
"""For a label of JSON: no JSON begins like a field of an event stream."""
_IS_STREAM_NOT_WORDS = _signature(
    rb"(?:data:[ \t]*[\[{]|(?:" + _FIELDS + rb")+data:)",
    rb"(?:" + _FIELDS + rb")*(?:" + _FIELD_STARTS + rb"|" + _FIELD + rb"|data:[ \t]*)",
)
"""For a label of text, which may begin like a field: here, data has to be JSON, or to follow a field or a comment."""
_IS_ONE_VALUE = _signature(rb"[\[{][ \t]*[\r\n]", rb"(?:[\[{][ \t]*)?")
"""For a label of JSON lines: a first line with nothing but a bracket begins a single value on several lines."""


class Content:
    """The meaning of one response's body, which grows as its bytes are fed.

    Args:
        content_type: the ``Content-Type`` header of the response, with its parameters.
    """

    def __init__(self, content_type: str | None = None) -> None:
        self._label = content_type or ""
        self._held = b""
        self._body: Body | None = None
        self._is_over = False
        self._thought = LeadingThought(lambda: self._undivided, lambda: self._reader.reasoning)

    @property
    def is_file(self) -> bool:
        """Whether the body itself is a file, as far as is known yet."""
        return self._body is not None and self._body.is_file

    @property
    def text(self) -> str:
        """The answer's text so far; if the body is neither JSON nor media, the body."""
        return self._divided[1]

    @property
    def reasoning(self) -> str:
        """The reasoning's text so far, where the endpoint gives it, apart or in tags at the start of the text."""
        return self._divided[0]

    @property
    def data(self) -> Any:
        """The JSON value: the body, or the last event."""
        return self._reader.data

    @property
    def media(self) -> tuple[Media, ...]:
        """The files: the body itself, or those in its JSON. A file that comes in pieces is there after `finish`."""
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
        return [choice if choice.reasoning else self._choice(choice) for choice in self._reader.choices]

    @property
    def note(self) -> str:
        """What the user should know of how the body was read, if anything; else empty."""
        others = self._reader.others if self.events and self.text else 0
        told = f"{others:,} event{'s' if others > 1 else ''} of another kind: in .events" if others else ""
        return " · ".join(filter(None, [self._reader.note, told]))

    @property
    def significant_bytes(self) -> bytes | None:
        """The part of the last bytes that has all they say: of several snapshots, the newest. None: all of them."""
        return self._body.significant_bytes if self._body else None

    def feed(self, data: bytes) -> list[Update]:
        """Take the next bytes of the body and return what they bring."""
        updates: list[Update] = []
        at = 0
        while at < len(data):
            some, at = self.feed_some(data, at)
            updates += some
        return updates

    def feed_some(self, data: bytes, at: int) -> tuple[list[Update], int]:
        """Take the next bytes of the body from a place on, but no more than are read in a moment.

        Returns:
            What they bring, and the place where they end.
        """
        if self._body is None:
            head = self._held + data[at : at + _LONGEST_HEAD]
            self._body = self._choose(head)
            held, self._held = self._held, b"" if self._body else head
            if held or self._body is None:
                updates = self._body.feed(head) if self._body else []
                return self._divide(updates), at + len(head) - len(held)
        end = len(data) if isinstance(self._body, MediaBody) else _slice_end(data, at)
        return self._divide(self._body.feed(data[at:end])), end

    def finish(self) -> list[Update]:
        """Take the end of the body, which may be cut off, and return what it brings.

        Raises:
            InvalidResponse: the body cannot be read as what its label says, nor as anything else; `text` has it.
        """
        updates: list[Update] = []
        self._is_over = True
        if self._body is None:
            self._body = self._choose(self._held, is_all=True) or TextBody()
            updates = self._body.feed(self._held)
            self._held = b""
        updates += self._body.finish()
        return [*self._divide(updates), *(self._thought.finish() if self._may_think else [])]

    @property
    def _reader(self) -> EventReader:
        return self._body.reader if self._body else EventReader()

    @property
    def _undivided(self) -> str:
        """The text so far with the reasoning that it may begin with."""
        return self._body.text if self._body else ""

    @cached_property
    def _may_think(self) -> bool:
        """Whether the text may begin with reasoning: it does not in a document of another format.

        This is asked only once it is settled how the body is read.
        """
        return not isinstance(self._body, TextBody) or bool(_WORDS_TYPES.fullmatch(normal_type(self._label)))

    @property
    def _divided(self) -> tuple[str, str]:
        """The reasoning and the words so far."""
        apart, text = self._reader.reasoning, self._undivided
        return (apart, text) if apart or not (text and self._may_think) else divided(text, is_over=self._is_over)

    def _divide(self, updates: list[Update]) -> list[Update]:
        return self._thought.take(updates) if updates and self._may_think else updates

    def _choice(self, choice: Choice) -> Choice:
        thought, words = divided(choice.text, is_over=self._is_over)
        return choice if words == choice.text else replace(choice, reasoning=thought, text=words)

    def _choose(self, head: bytes, *, is_all: bool = False) -> Body | None:
        """The reader of the body; None where more of its first bytes are needed."""
        if needs_more(head) and not is_all:
            return None
        kind = normal_type(self._label)
        is_file = kind.startswith(("audio/", "image/", "video/"))
        plainly = sniff(head[:SNIFF_BYTES])
        if is_file or plainly:
            return MediaBody(self._label if is_file else plainly or "")
        signatures, usual = self._candidates(kind)
        for signature, body in signatures:
            fits = signature.fits(head[:_LONGEST_HEAD])
            if fits:
                return body()
            if fits is None and not is_all and len(head) < _LONGEST_HEAD:
                return None
        return usual()

    def _candidates(self, kind: str) -> tuple[list[tuple[_Signature, _BodyMaker]], _BodyMaker]:
        """The signatures to look for under a label, and the reader of a body that has none of them."""
        if kind == "text/event-stream":
            return [], EventStreamBody
        if _JSON_LINES_TYPES.fullmatch(kind):
            return [(_IS_STREAM, EventStreamBody), (_IS_ONE_VALUE, JSONBody)], _json_lines
        if _JSON_TYPES.fullmatch(kind):
            return [(_IS_STREAM, EventStreamBody)], JSONBody
        if kind in ("text/plain", "text/html"):  # labels of servers that do not know the type
            return [(_IS_STREAM_NOT_WORDS, EventStreamBody)], lambda: TextBody(self._label)
        if _TEXT_TYPES.fullmatch(kind):
            return [], lambda: TextBody(self._label)
        if kind == "application/octet-stream":
            return [(_IS_STREAM_NOT_WORDS, EventStreamBody)], lambda: UnlabelledBody(self._label)
        return [], lambda: MediaBody(self._label)


def _slice_end(data: bytes, at: int) -> int:
    """The end of the bytes that are read at once. Their lines are bounded, too: lines cost more than their bytes."""
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
