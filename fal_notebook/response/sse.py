"""Sans-I/O: bytes in, server-sent events out.

The rules are the WHATWG HTML standard's, section 9.2.6 "Interpreting an event stream": UTF-8 with an optional
byte order mark; lines end in CR, LF or CRLF; ``:`` starts a comment; the lines of ``data`` are joined by LF; a
blank line dispatches. The one departure: an event that the stream's end cuts off before its blank line is
dispatched too, since servers leave that line out and the words in it were paid for.

Lines that the rules ignore are kept until the first event, since a body with nothing else is no event stream.

Bytes may be cut anywhere, inside a character too, and each is looked at once.
"""

import codecs
import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Any, overload

DEFAULT_NAME = "message"
"""The name of an event that gives none."""
NO_LABEL = (DEFAULT_NAME, "")
"""The name and the id of an event that has neither."""
_IGNORED_FIELDS = (b"", b"id", b"retry")  # a comment, an id that is not valid, the wait before a reconnection
_MANY_LINES = 1_000  # of one event, which are joined before more come: joining a million at once takes long


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event of a stream: its name, its data and the last event id that was set."""

    data: str
    event: str = DEFAULT_NAME
    id: str = ""

    def json(self) -> Any:
        """The data as a JSON value; raises ``ValueError`` where it is none."""
        return json.loads(self.data)


class EventSequence(Sequence[ServerSentEvent]):
    """Events, oldest first, equal to any sequence of equal events. Each object is made when it is asked for.

    Objects that are kept would give the garbage collector more work than it is to decode them.
    """

    __hash__ = None  # type: ignore[assignment]  # it grows, as a list does

    @abstractmethod
    def event_at(self, place: int) -> ServerSentEvent:
        """The event at a place, counted from 0."""

    @overload
    def __getitem__(self, index: int) -> ServerSentEvent: ...

    @overload
    def __getitem__(self, index: slice) -> list[ServerSentEvent]: ...

    def __getitem__(self, index: int | slice) -> ServerSentEvent | list[ServerSentEvent]:
        places = range(len(self))[index]
        return self.event_at(places) if isinstance(places, int) else [self.event_at(place) for place in places]

    def __iter__(self) -> Iterator[ServerSentEvent]:
        return map(self.event_at, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __repr__(self) -> str:
        return repr(list(self))


class Events(EventSequence):
    """Events that came together.

    Attributes:
        data: the data of each.
        labels: the name and the id of each.
    """

    def __init__(self) -> None:
        self.data: list[str] = []
        self.labels: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self.data)

    def event_at(self, place: int) -> ServerSentEvent:
        """The event at a place, counted from 0."""
        return ServerSentEvent(self.data[place], *self.labels[place])

    def add(self, data: str, label: tuple[str, str]) -> None:
        """Add an event."""
        self.data.append(data)
        self.labels.append(label)


class EventStreamDecoder:
    """An incremental decoder of one ``text/event-stream`` body."""

    def __init__(self) -> None:
        self._is_first = True
        self._after_cr = False
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._joined_runs = 0  # how many entries of `_data`, from the first on, are lines that were joined
        self._label = NO_LABEL
        self._has_events = False
        self._unread = bytearray()

    @property
    def is_between_events(self) -> bool:
        """Whether an event begins with the next byte, and nothing of it has come."""
        return not (self._is_first or self._after_cr or self._line or self._data) and self._label[0] == DEFAULT_NAME

    @property
    def last_id(self) -> str:
        """The last event id that was set."""
        return self._label[1]

    def feed(self, data: bytes) -> Events:
        """Take the next bytes and return the events that they complete."""
        if self._after_cr and data.startswith(b"\n"):
            data, self._after_cr = data[1:], False
        if not data:
            return Events()
        self._after_cr = data.endswith(b"\r")
        lines = data.splitlines()  # of bytes, it splits at LF, CR and CRLF only
        rest = b"" if data.endswith((b"\n", b"\r")) else lines.pop()
        if lines:
            lines[0] = self._whole(lines[0])
        if rest:
            self._line.append(rest)
        return self._take(lines)

    def close(self) -> Events:
        """Take the end of the stream and return the event that it cut off, if any."""
        return self._take([self._whole(b""), b""])

    def take_unread(self) -> bytes:
        """The lines that are no fields, if the body has no event. They are returned once."""
        unread, self._unread = self._unread, bytearray()
        return bytes(unread.rstrip(b"\n"))

    def _whole(self, line: bytes) -> bytes:
        """A line, together with the part of it that came before."""
        line = b"".join([*self._line, line])
        self._line = []
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(codecs.BOM_UTF8)
        return line

    def _take(self, lines: list[bytes]) -> Events:
        events = Events()
        for line in lines:
            if line.startswith(b"data: "):  # nearly every line that is not blank
                self._data.append(line[6:])
            elif line:
                self._take_field(line)
            else:
                self._dispatch(events)
        if len(self._data) - self._joined_runs > _MANY_LINES:
            self._data[self._joined_runs :] = [b"\n".join(self._data[self._joined_runs :])]
            self._joined_runs += 1
        return events

    def _dispatch(self, events: Events) -> None:
        if self._data:
            events.add(b"\n".join(self._data).decode("utf-8", "replace"), self._label)
            self._data, self._joined_runs = [], 0
            self._has_events, self._unread = True, bytearray()
        elif self._unread:
            self._unread += b"\n"
        name, number = self._label
        if name != DEFAULT_NAME:
            self._label = DEFAULT_NAME, number

    def _take_field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        name, number = self._label
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._label = value.decode("utf-8", "replace") or DEFAULT_NAME, number
        elif field == b"id" and b"\0" not in value:
            self._label = name, value.decode("utf-8", "replace")
        elif field not in _IGNORED_FIELDS and not self._has_events:
            self._unread += line + b"\n"


class JSONLinesDecoder(EventStreamDecoder):
    """An incremental decoder of JSON values, each on a line of its own: each is the data of an event.

    The record separators of ``application/json-seq`` (RFC 7464) may stand between them.
    """

    def _take(self, lines: list[bytes]) -> Events:
        events = Events()
        for line in lines:
            value = line.strip(b" \t\x1e")
            if value:
                events.add(value.decode("utf-8", "replace"), NO_LABEL)
        return events
