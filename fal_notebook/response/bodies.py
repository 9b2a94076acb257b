"""Sans-I/O: the ways to read the body of a response.

Each is fed bytes, cut anywhere, and keeps the body once: media in a single buffer whose bytes are handed out
without a copy, an event stream as its events, text and JSON as text.
"""

import codecs
import json
import re
from abc import ABC, abstractmethod
from io import BytesIO
from typing import Any, ClassVar

from ..errors import InvalidResponse
from ..media.media import SNIFF_BYTES, Media, media_from_bytes, sniff
from ..media.partial_audio import parameter, raw_format
from ..media.wav import correct_wav_lengths, wav_header
from ..safety.bounded_json import TooMuchJSON, check_json, decode_json
from .envelopes import Shape
from .event_log import EventLog
from .files_in_json import is_address
from .growing_text import GrowingText
from .json_events import EventReader
from .snapshots import Run, Snapshots
from .sse import NO_LABEL, Events, EventStreamDecoder, ServerSentEvent
from .updates import Json, Piece, Text, Update

_FIRST = 1024  # bytes of a stream that are read first: what they teach makes those behind them cheap
_JSON = json.JSONDecoder()
_SPACE = " \t\r\n\x1e"  # that may stand between JSON values: RFC 8259, and the separator of RFC 7464
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")  # that no words hold
_MOST_EVENTS = 1_000_000  # that are read of one response: each takes a hundred bytes and more, however short it is
_MOST_JOINED = 30_000  # JSON values without a line between them that are read as events: they are read at once
_SHAPES = 32  # that are learned of one response: events that carry a clock have a new one each


class Body(ABC):
    """One body, and what it has said so far.

    Attributes:
        events: the server-sent events.
        reader: what the JSON values in it say.
        told: of the bytes that were fed last those that say all of them. None: it takes all of them.
    """

    def __init__(self) -> None:
        self.events = EventLog()
        self.reader = EventReader()
        self.told: bytes | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is the bytes of a file."""
        return False

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return self.reader.text

    @property
    def media(self) -> tuple[Media, ...]:
        """The files of the answer."""
        return self.reader.media

    @abstractmethod
    def feed(self, data: bytes) -> list[Update]:
        """Take the next bytes."""

    def finish(self) -> list[Update]:
        """Take the end of the body, whole or not."""
        return []


class TextBody(Body):
    """Words in the charset that the content type names, UTF-8 by default."""

    def __init__(self, label: str = "") -> None:
        super().__init__()
        self._decoder = _text_decoder(label)
        self._words = GrowingText()
        self._is_first = True

    @property
    def text(self) -> str:
        return str(self._words)

    def feed(self, data: bytes) -> list[Update]:
        return self._grow(self._decode(data))

    def finish(self) -> list[Update]:
        return self._grow(self._decode(b"", final=True))

    def _decode(self, data: bytes, *, final: bool = False) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeError:  # UTF-16 without its mark: some charsets bear no broken bytes, told to replace or not
            held, _ = self._decoder.getstate()
            self._decoder = _text_decoder()
            return self._decoder.decode(held + data, final)

    def _grow(self, words: str) -> list[Update]:
        if words and self._is_first:
            words, self._is_first = words.removeprefix("\ufeff"), False  # the byte order mark
        change = self._words.append(words)
        return [Text(*change)] if change else []


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
    updates = EventReader().read(value)
    return updates[0].new if len(updates) == 1 and isinstance(updates[0], Text) else None


def _appends(shape: Shape) -> bool:
    """Whether the words of such events come behind those before, and not in their place."""
    reader, value = EventReader(), shape.filled("words")
    return all(isinstance(update, Text) for update in reader.read(value) + reader.read(value))


class MediaBody(Body):
    """A file's bytes, or raw samples, which get the header of a WAV file."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self._label = label
        self._buffer: BytesIO | None = None
        self._media: Media | None = None

    @property
    def is_file(self) -> bool:
        return True

    @property
    def media(self) -> tuple[Media, ...]:
        return (self._media,) if self._media else ()

    def feed(self, data: bytes) -> list[Update]:
        if not data:
            return []
        if self._buffer is None:
            header = self._header(data)
            # A buffer made of the first bytes shares them until more come: one large message is kept once.
            self._buffer = BytesIO(header + data if header else data)
            self._buffer.seek(0, 2)
        else:
            self._buffer.write(data)
        return [Piece(data, self._label)]

    def finish(self) -> list[Update]:
        if self._buffer is not None:
            correct_wav_lengths(self._buffer)
            self._media = media_from_bytes(self._buffer.getvalue(), self._label)
            self._buffer = None
        return []

    def _header(self, head: bytes) -> bytes:
        """The WAV header for raw samples; nothing for what has a header of its own."""
        samples = raw_format(self._label)
        if samples is None or sniff(head[:SNIFF_BYTES], samples=True):
            return b""
        return wav_header(samples.rate, samples.channels, samples.bits, samples.encoding)


class UnlabelledBody(Body):
    """A body of which no label says what it is: JSON, words, or else a file.

    It is a file from the first byte on that no words hold, and what came before is a part of it. Words could still
    become one with each byte, so they are read at the end.

    Args:
        label: of the file.
    """

    def __init__(self, label: str) -> None:
        super().__init__()
        self._label = label
        self._buffer = BytesIO()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._body: Body | None = None

    @property
    def is_file(self) -> bool:
        return self._body is not None and self._body.is_file

    @property
    def text(self) -> str:
        return self._body.text if self._body else ""

    @property
    def media(self) -> tuple[Media, ...]:
        return self._body.media if self._body else ()

    def feed(self, data: bytes) -> list[Update]:
        if self._body:
            return self._body.feed(data)
        self._buffer.write(data)
        return [] if self._are_words(data) else self._read_as(MediaBody(self._label))

    def finish(self) -> list[Update]:
        if self._body:
            return self._body.finish()
        if not self._are_words(b"", final=True):
            return self._read_as(MediaBody(self._label)) + self.finish()
        body = self._buffer.getvalue()
        try:
            return self._read_as(JSONBody()) + self.finish()
        except InvalidResponse:
            self._buffer.write(body)
            return self._read_as(TextBody()) + self.finish()

    def _are_words(self, data: bytes, *, final: bool = False) -> bool:
        try:
            self._decoder.decode(data, final)
        except UnicodeDecodeError:
            return False
        return not _CONTROLS.search(data)

    def _read_as(self, body: Body) -> list[Update]:
        self._body, self.events, self.reader = body, body.events, body.reader
        data, self._buffer = self._buffer.getvalue(), BytesIO()
        return body.feed(data)


def _text_decoder(label: str = "") -> codecs.IncrementalDecoder:
    try:
        name = str(parameter(label, "charset") or "utf-8")
        b"a".decode(name, "replace")  # refuses what is no encoding of text
        if codecs.lookup(name).name == "punycode":  # of host names, and only as a whole
            name = "utf-8"
        return codecs.getincrementaldecoder(name)("replace")
    except (LookupError, ValueError):
        return codecs.getincrementaldecoder("utf-8")("replace")
