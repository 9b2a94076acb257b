"""Sans-I/O: the readers of an event stream, whose events usually hold a JSON value each, and of a body of JSON.

Most events of an answer differ only in their words; the JSON around the words, the envelope, is the same. The reader
learns it from the first events. Of later events it takes only the words, and need not decode the JSON: that is quicker
(see `envelopes`, and `snapshots` for events that hold the whole text so far).
"""

import json
from io import BytesIO
from typing import Any, ClassVar

from ..errors import InvalidResponse
from ..media.media import Media
from ..safety.bounded_json import TooMuchJSON, check_json, decode_json
from .bodies import Body, MediaBody
from .envelopes import Envelope
from .files_in_json import is_address
from .growing_text import GrowingText
from .json_events import EventReader
from .snapshots import SnapshotFinder, SnapshotRun
from .sse import NO_LABEL, Events, EventStreamDecoder, ServerSentEvent
from .updates import Json, Piece, Text, Update

_FIRST = 1024  # bytes of a stream that are read first, to learn the envelope before more is read
_JSON = json.JSONDecoder()
_SPACE = " \t\r\n\x1e"  # characters that may stand between JSON values: RFC 8259, and the separator of RFC 7464
_MOST_EVENTS = 1_000_000  # events that are read of one response; even the shortest takes a hundred bytes of memory
_MOST_JOINED = 30_000  # JSON values in a row, not one a line, that are read as events: all in one step
_MOST_ENVELOPES = 32  # tries to learn the envelope; in events that carry a time, it is different in each


class EventStreamBody(Body):
    """An event stream; each event usually holds a JSON value.

    Args:
        decoder: divides the body into events; by default, a decoder of server-sent events.
    """

    _DONE: ClassVar[str] = "[DONE]"  # the last event of OpenAI's streams

    def __init__(self, decoder: EventStreamDecoder | None = None) -> None:
        super().__init__()
        self._decoder = decoder or EventStreamDecoder()
        self._words = GrowingText()
        self._broken = ""
        self._sound: MediaBody | None = None
        self._unread = BytesIO()
        self._is_over = False
        self._envelope: Envelope | None = None
        self._name = ""
        self._appends = False
        self._snapshots: SnapshotFinder | None = None
        self._envelopes_left = _MOST_ENVELOPES

    @property
    def text(self) -> str:
        return self._broken or self.reader.text or str(self._words)

    @property
    def media(self) -> tuple[Media, ...]:
        unread = self._unread.getvalue()
        rest = (Media("text/event-stream", unread),) if unread else ()
        return (self._sound.media if self._sound else ()) + self.reader.media + rest

    def feed(self, data: bytes) -> list[Update]:
        if len(self.events) >= _MOST_EVENTS:
            self.reader.note = f"it has more than {_MOST_EVENTS:,} events: those behind them are kept as a file"
            self._unread.write(data)
            self.significant_bytes = None
            return []
        updates: list[Update] = []
        told: list[bytes] = []
        at = 0
        while at < len(data):
            run = self._run(data, at)
            if run.words is None or is_address(run.words):
                told.append(data[at : run.end])
                updates += self._read(self._decoder.feed(told[-1]))
            else:
                told.append(data[run.newest_at : run.end])
                updates += self._read_snapshots(run, run.words)
            at = run.end
        self.significant_bytes = told[0] if len(told) == 1 else b"".join(told)
        return updates

    def finish(self) -> list[Update]:
        """Take the end of the body, which may be cut off, and return the last updates.

        Raises:
            InvalidResponse: the body has neither an event nor JSON, or it breaks off within its first event.
        """
        if self._is_over:
            return []
        self._is_over = True
        updates = self._read(self._decoder.close())
        updates += self._read_whole(self._decoder.take_unread(), "a stream of events")
        if self._broken and len(self.events) == 1 and not updates:
            raise InvalidResponse("the response breaks off within its first event")
        return updates

    def _read_whole(self, body: bytes, name: str) -> list[Update]:
        """Read a whole body of JSON: one value, or several in a row, which are taken as events.

        Args:
            body: the body.
            name: what the server says that it is, for the error.

        Raises:
            InvalidResponse: the body is not JSON.
        """
        updates: list[Update] = []
        if body.strip():
            try:
                updates = self._read_value(decode_json(body))
            except KeyboardInterrupt:  # an interrupt while it is decoded; the body is kept as text
                self._broken = body.decode("utf-8-sig", "replace")
                raise
            except TooMuchJSON as exc:
                return self._leave_as_text(body, exc)
            except ValueError as exc:
                values = _json_values(body)
                if not values:
                    self._broken = body.decode("utf-8-sig", "replace")
                    raise InvalidResponse(f"the response says that it is {name} and is not: {exc}") from None
                updates = self._read(values)
        if self._sound:
            self._sound.finish()
        return updates

    def _leave_as_text(self, body: bytes, reason: TooMuchJSON) -> list[Update]:
        self._broken, self.reader.note = body.decode("utf-8-sig", "replace"), _kept_as_text(reason)
        return [Text(self._broken, 0)]

    def _run(self, data: bytes, at: int) -> SnapshotRun:
        """The bytes to read next, from a place in the data on: a run of snapshots, or bytes to decode."""
        if self._envelope is None or self._appends:
            return SnapshotRun(len(data) if at or self.events else _FIRST)
        if self._snapshots is None:
            self._snapshots = SnapshotFinder(self._envelope, self._name, b"\r\n" if b"\r\n" in data else b"\n")
        begins = self._decoder.is_between_events
        return self._snapshots.run(data, at) if begins else self._snapshots.not_a_run(data, at)

    def _read_snapshots(self, run: SnapshotRun, words: str) -> list[Update]:
        newest = Events()
        newest.add(run.newest, (self._name, self._decoder.last_id))
        self.events.extend(newest, run.outdated)
        self._mark_snapshot(len(self.events) - 1)
        return self.reader.read_words(words, run.newest, appended=False)

    def _mark_snapshot(self, place: int) -> None:
        if self._envelope and not self._appends:
            self.events.mark_snapshot(place, self._envelope)

    def _read(self, events: Events) -> list[Update]:
        updates: list[Update] = []
        run: list[str] = []
        last = ""
        first = len(self.events)
        self.events.extend(events)
        for place, data in enumerate(events.data):
            words = None if events.labels[place][0] == "error" else self._repeated_words(data)
            if words is None:
                updates += self._read_run(run, last)
                updates += self._meaning(events.event_at(place))
                run = []
                continue
            self._mark_snapshot(first + place)
            run.append(words)
            last = data
        return updates + self._read_run(run, last)

    def _read_run(self, run: list[str], last: str) -> list[Update]:
        """Read events in a row that differ only in their words."""
        if self._appends and run:
            return self.reader.read_words("".join(run), last, appended=True)
        return [update for words in run for update in self.reader.read_words(words, last, appended=False)]

    def _repeated_words(self, data: str) -> str | None:
        """The words of an event that has the learned envelope; None if it has another, or if they are a file's URL."""
        words = self._envelope.words(data) if self._envelope else None
        return None if words is None or is_address(words) else words

    def _learn(self, event: ServerSentEvent) -> None:
        """Learn the envelope of an event, if it says nothing but its words. The first event may be the only one."""
        if self._envelopes_left > 0 and event.event != "error" and len(self.events) > 1:
            self._envelopes_left -= 1
            envelope = Envelope.of(event.data, _words_alone)
            appends = envelope is not None and _appends(envelope)
            if envelope and (appends or self.reader.are_snapshots):
                self._envelope, self._name, self._appends, self._snapshots = envelope, event.event, appends, None

    def _meaning(self, event: ServerSentEvent) -> list[Update]:
        if event.data == self._DONE:
            return []
        try:
            value = decode_json(event.data)
        except TooMuchJSON as exc:
            self.reader.note = _kept_as_text(exc)
            return self._words_of(event.data, event)
        except ValueError:
            is_half = self._is_over and event.data.startswith('{"')  # an object that the body's end has cut off
            if is_half:
                self._broken = event.data if len(self.events) == 1 else ""
                return []
            return self._words_of(event.data, event)
        if not isinstance(value, dict | list) and event.event != "error":
            return self._words_of(value if isinstance(value, str) else event.data, event)
        updates = self._read_value(value, failed=event.event == "error")
        if len(updates) == 1 and isinstance(updates[0], Text):
            self._learn(event)
        return updates

    def _read_value(self, value: Any, *, failed: bool = False) -> list[Update]:
        updates = self.reader.read(value, failed=failed)
        for update in updates:
            if isinstance(update, Piece):
                self._sound = self._sound or MediaBody(update.content_type)
                self._sound.feed(update.data)
        return updates

    def _words_of(self, words: str, event: ServerSentEvent) -> list[Update]:
        """Read an event that is not JSON, or is a single value: an error's message, or a piece of plain text."""
        if event.event == "error":
            self.reader.error = words or "error"
            return []
        if self.reader.text:  # the answer's text comes in JSON, and these words are not a part of it
            self.reader.others += 1
            return [Json(words)]
        change = self._words.append(words)
        return [Text(*change)] if change else []


class JSONBody(EventStreamBody):
    """A body of JSON, which is read at its end. If it is not JSON, it is kept as text."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = BytesIO()

    def feed(self, data: bytes) -> list[Update]:
        self._buffer.write(data)
        return []

    def finish(self) -> list[Update]:
        """Read the value, or the values in a row, and return their updates.

        Raises:
            InvalidResponse: the body is not JSON.
        """
        body, self._buffer = self._buffer.getvalue(), BytesIO()
        return self._read_whole(body, "JSON")


def _json_values(body: bytes) -> Events:
    """JSON objects and lists in a row, each as an event; no events if the body holds anything else."""
    events, at = Events(), 0
    try:
        check_json(body)
        text = body.decode("utf-8-sig").strip(_SPACE)
        while at < len(text) and len(events) < _MOST_JOINED:
            value, end = _JSON.raw_decode(text, at)
            if not isinstance(value, dict | list):
                return Events()
            events.add(text[at:end], NO_LABEL)
            while end < len(text) and text[end] in _SPACE:
                end += 1
            at = end
    except (ValueError, RecursionError):
        return Events()
    return events if at >= len(text) else Events()


def _kept_as_text(reason: TooMuchJSON) -> str:
    return f"its JSON {reason}: it is kept as text"


def _words_alone(value: Any) -> str | None:
    """The words of an event that says nothing else; None if it says more, or has none."""
    reader = EventReader()
    updates = reader.read(value)
    is_alone = len(updates) == 1 and reader.says_words_alone
    return updates[0].new if is_alone and isinstance(updates[0], Text) else None


def _appends(envelope: Envelope) -> bool:
    """Whether the words of events with this envelope are added to the earlier ones, and do not replace them."""
    reader, value = EventReader(), envelope.filled("words")
    return all(isinstance(update, Text) for update in reader.read(value) + reader.read(value))
