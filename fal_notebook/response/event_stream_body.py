"""Sans-I/O: bodies of JSON: an event stream, whose events usually hold a JSON value each, and JSON that comes whole.

Most events of an answer repeat the JSON around their words. Its shape is learned from the first events, so that those
behind them are read without being decoded whole; see `envelopes` and `snapshots`.
"""

import json
from io import BytesIO
from typing import Any, ClassVar

from ..errors import InvalidResponse
from ..media.media import Media
from ..safety.bounded_json import TooMuchJSON, check_json, decode_json
from .bodies import Body, MediaBody
from .envelopes import Shape
from .files_in_json import is_address
from .growing_text import GrowingText
from .json_events import EventReader
from .snapshots import Run, Snapshots
from .sse import NO_LABEL, Events, EventStreamDecoder, ServerSentEvent
from .updates import Json, Piece, Text, Update

_FIRST = 1024  # bytes of a stream that are read first: what they teach makes those behind them cheap
_JSON = json.JSONDecoder()
_SPACE = " \t\r\n\x1e"  # that may stand between JSON values: RFC 8259, and the separator of RFC 7464
_MOST_EVENTS = 1_000_000  # that are read of one response: each takes a hundred bytes and more, however short it is
_MOST_JOINED = 30_000  # JSON values without a line between them that are read as events: they are read at once
_SHAPES = 32  # that are learned of one response: events that carry a clock have a new one each


class EventStreamBody(Body):
    """Events, each of which usually holds a JSON value.

    Args:
        decoder: of server-sent events, unless the body is divided in another way.
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
        self._shape: Shape | None = None
        self._name = ""
        self._appends = False
        self._snapshots: Snapshots | None = None
        self._shapes = _SHAPES

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
            self.told = None
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
        self.told = told[0] if len(told) == 1 else b"".join(told)
        return updates

    def finish(self) -> list[Update]:
        """Take the end of the body, whole or not.

        Raises:
            InvalidResponse: there is no event in it, and no JSON either; or all of it is one event that breaks off.
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
        """Read JSON that is whole: one value, or several, of which each is an event.

        Raises:
            InvalidResponse: it is not JSON.
        """
        updates: list[Update] = []
        if body.strip():
            try:
                updates = self._read_value(decode_json(body))
            except KeyboardInterrupt:  # what had come is not lost
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

    def _run(self, data: bytes, at: int) -> Run:
        """What is to be read next, from a place in the data on."""
        if self._shape is None or self._appends:
            return Run(len(data) if at or self.events else _FIRST)
        if self._snapshots is None:
            self._snapshots = Snapshots(self._shape, self._name, b"\r\n" if b"\r\n" in data else b"\n")
        begins = self._decoder.is_between_events
        return self._snapshots.run(data, at) if begins else self._snapshots.no_run(data, at)

    def _read_snapshots(self, run: Run, words: str) -> list[Update]:
        newest = Events()
        newest.add(run.newest, (self._name, self._decoder.last_id))
        self.events.extend(newest, run.outdated)
        self._name_snapshot(len(self.events) - 1)
        return self.reader.read_words(words, run.newest, appended=False)

    def _name_snapshot(self, place: int) -> None:
        if self._shape and not self._appends:
            self.events.name_snapshot(place, self._shape)

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
            self._name_snapshot(first + place)
            run.append(words)
            last = data
        return updates + self._read_run(run, last)

    def _read_run(self, run: list[str], last: str) -> list[Update]:
        """Read events one behind the other that differ in their words alone."""
        if self._appends and run:
            return self.reader.read_words("".join(run), last, appended=True)
        return [update for words in run for update in self.reader.read_words(words, last, appended=False)]

    def _repeated_words(self, data: str) -> str | None:
        """The words of an event that has the known shape."""
        words = self._shape.words(data) if self._shape else None
        return None if words is None or is_address(words) else words

    def _learn(self, event: ServerSentEvent) -> None:
        """Look whether events like this one will say nothing but their words; of a first event, none may follow."""
        if self._shapes > 0 and event.event != "error" and len(self.events) > 1:
            self._shapes -= 1
            shape = Shape.of(event.data, _words_alone)
            appends = shape is not None and _appends(shape)
            if shape and (appends or self.reader.are_snapshots):
                self._shape, self._name, self._appends, self._snapshots = shape, event.event, appends, None

    def _meaning(self, event: ServerSentEvent) -> list[Update]:
        if event.data == self._DONE:
            return []
        try:
            value = decode_json(event.data)
        except TooMuchJSON as exc:
            self.reader.note = _kept_as_text(exc)
            return self._words_of(event.data, event)
        except ValueError:
            is_half = self._is_over and event.data.startswith('{"')  # an object that the end has cut off is no text
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
        """An event that is no JSON object: an error's message, or a piece of plain text."""
        if event.event == "error":
            self.reader.error = words or "error"
            return []
        if self.reader.text:  # the answer is JSON, and these words are none of its
            self.reader.others += 1
            return [Json(words)]
        change = self._words.append(words)
        return [Text(*change)] if change else []


class JSONBody(EventStreamBody):
    """JSON, read when it is whole. What is none stays readable as text."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = BytesIO()

    def feed(self, data: bytes) -> list[Update]:
        self._buffer.write(data)
        return []

    def finish(self) -> list[Update]:
        """Read the value, or the values.

        Raises:
            InvalidResponse: it is not JSON.
        """
        body, self._buffer = self._buffer.getvalue(), BytesIO()
        return self._read_whole(body, "JSON")


def _json_values(body: bytes) -> Events:
    """JSON objects and lists that stand one behind the other, each as an event; none where anything else stands."""
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
    """The words of an event that says nothing else."""
    reader = EventReader()
    updates = reader.read(value)
    is_alone = len(updates) == 1 and reader.has_one_without_calls
    return updates[0].new if is_alone and isinstance(updates[0], Text) else None


def _appends(shape: Shape) -> bool:
    """Whether the words of such events come behind those before, and not in their place."""
    reader, value = EventReader(), shape.filled("words")
    return all(isinstance(update, Text) for update in reader.read(value) + reader.read(value))
