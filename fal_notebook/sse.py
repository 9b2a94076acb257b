"""Floor 0, sans-I/O: bytes in, server-sent events out.

The rules are the WHATWG HTML standard's, section 9.2.6 "Interpreting an event stream": UTF-8 with an optional
byte order mark; lines end in CR, LF or CRLF; ``:`` starts a comment; the lines of ``data`` are joined by LF; a
blank line dispatches. The one departure: an event that the stream's end cuts off before its blank line is
dispatched too, since servers leave that line out and the words in it were paid for.

Bytes may be cut anywhere, inside a character too, and each is looked at once.
"""

import codecs
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event of a stream: its name, its data and the last event id that was set."""

    data: str
    event: str = "message"
    id: str = ""

    def json(self) -> Any:
        """The data as a JSON value; raises ``ValueError`` where it is none."""
        return json.loads(self.data)


class EventStreamDecoder:
    """An incremental decoder of one ``text/event-stream`` body."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._at_start = True
        self._after_cr = False
        self._line: list[str] = []
        self._data: list[str] = []
        self._event = ""
        self._id = ""

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events that they complete."""
        return self._decode(self._utf8.decode(data))

    def close(self) -> list[ServerSentEvent]:
        """Take the end of the stream and return the event that it cut off, if any."""
        events = self._decode(self._utf8.decode(b"", final=True))
        events += self._take_line("".join(self._line))
        events += self._dispatch()
        self._line = []
        return events

    def _decode(self, text: str) -> list[ServerSentEvent]:
        if not text:
            return []
        if self._at_start:
            self._at_start = False
            text = text.removeprefix("\N{BYTE ORDER MARK}")
        if self._after_cr and text.startswith("\n"):
            text = text[1:]
        self._after_cr = text.endswith("\r") if text else False
        first, *rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._line.append(first)
        events: list[ServerSentEvent] = []
        for piece in rest:
            events += self._take_line("".join(self._line))
            self._line = [piece]
        return events

    def _take_line(self, line: str) -> list[ServerSentEvent]:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._event = value
        elif field == "id" and "\0" not in value:
            self._id = value
        return []

    def _dispatch(self) -> list[ServerSentEvent]:
        data, event = self._data, self._event
        self._data, self._event = [], ""
        return [ServerSentEvent("\n".join(data), event or "message", self._id)] if data else []
