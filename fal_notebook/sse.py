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
        self._is_first = True
        self._after_cr = False
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._event = ""
        self._id = ""

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events that they complete."""
        if self._after_cr and data.startswith(b"\n"):
            data, self._after_cr = data[1:], False
        if not data:
            return []
        self._after_cr = data.endswith(b"\r")
        lines = data.splitlines()  # of bytes it knows LF, CR and CRLF, and no other ends
        rest = b"" if data.endswith((b"\n", b"\r")) else lines.pop()
        if lines:
            lines[0] = self._whole(lines[0])
        if rest:
            self._line.append(rest)
        return self._take(lines)

    def close(self) -> list[ServerSentEvent]:
        """Take the end of the stream and return the event that it cut off, if any."""
        return self._take([self._whole(b""), b""])

    def _whole(self, line: bytes) -> bytes:
        """A line with what came of it before."""
        line = b"".join([*self._line, line])
        self._line = []
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(codecs.BOM_UTF8)
        return line

    def _take(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        for line in lines:
            if line.startswith(b"data: "):  # nearly every line that is not blank
                self._data.append(line[6:])
            elif line:
                self._take_field(line)
            elif self._data:
                data = b"\n".join(self._data).decode("utf-8", "replace")
                events.append(ServerSentEvent(data, self._event or "message", self._id))
                self._data, self._event = [], ""
            else:
                self._event = ""
        return events

    def _take_field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._event = value.decode("utf-8", "replace")
        elif field == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
