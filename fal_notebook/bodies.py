"""Floor 5, sans-I/O: the four ways to read the body of a response.

Each is fed bytes, cut anywhere, and keeps the body once: media in a single buffer whose bytes are handed out
without a copy, an event stream as its events, text and JSON as text.
"""

import codecs
import json
from abc import ABC, abstractmethod
from io import BytesIO
from typing import Any, ClassVar

from .errors import InvalidResponse
from .event_log import EventLog
from .events import EventReader
from .files import is_address
from .growing import GrowingText
from .media import SNIFF_BYTES, Media, media_from_bytes, sniff
from .samples import parameter, raw_format
from .shapes import Shape
from .snapshots import Run, Snapshots
from .sse import Events, EventStreamDecoder, ServerSentEvent
from .updates import Piece, Text, Update
from .wav import correct_wav_lengths, wav_header

_FIRST = 1024  # bytes of a stream that are read first: what they teach makes those behind them cheap
_SHAPES = 32  # that are learned of one response: events that carry a clock have a new one each


class Body(ABC):
    """One body, and what it has said so far.

    Attributes:
        events: the server-sent events.
        reader: what the JSON values in it say.
    """

    def __init__(self) -> None:
        self.events = EventLog()
        self.reader = EventReader()

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
        change = self._words.append(words)
        return [Text(*change)] if change else []


class JSONBody(Body):
    """One JSON value, read when it is whole. What is none stays readable as text."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = BytesIO()
        self._broken: str | None = None

    @property
    def text(self) -> str:
        return self._broken or self.reader.text

    def feed(self, data: bytes) -> list[Update]:
        self._buffer.write(data)
        return []

    def finish(self) -> list[Update]:
        """Read the value.

        Raises:
            InvalidResponse: it is not JSON.
        """
        body, self._buffer = self._buffer.getvalue(), BytesIO()
        if not body.strip():
            return []
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as exc:
            self._broken = body.decode("utf-8", "replace")
            raise InvalidResponse(f"the response says that it is JSON and is not: {exc}") from None
        return self.reader.read(value)


class EventStreamBody(Body):
    """Server-sent events, each of which usually holds a JSON value."""

    _DONE: ClassVar[str] = "[DONE]"  # the last event of OpenAI's streams

    def __init__(self) -> None:
        super().__init__()
        self._decoder = EventStreamDecoder()
        self._words = GrowingText()
        self._sound: MediaBody | None = None
        self._is_over = False
        self._shape: Shape | None = None
        self._name = ""
        self._appends = False
        self._snapshots: Snapshots | None = None
        self._shapes = _SHAPES

    @property
    def text(self) -> str:
        return self.reader.text or str(self._words)

    @property
    def media(self) -> tuple[Media, ...]:
        return (self._sound.media if self._sound else ()) + self.reader.media

    def feed(self, data: bytes) -> list[Update]:
        updates: list[Update] = []
        at = 0
        while at < len(data):
            run = self._run(data, at)
            if run.words is None or is_address(run.words):
                updates += self._read(self._decoder.feed(data[at : run.end]))
            else:
                updates += self._read_snapshots(run, run.words)
            at = run.end
        return updates

    def finish(self) -> list[Update]:
        self._is_over = True
        updates = self._read(self._decoder.close())
        if self._sound:
            self._sound.finish()
        return updates

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
            value = event.json()
        except (ValueError, RecursionError):
            is_half = self._is_over and event.data.startswith('{"')  # an object that the end has cut off is no text
            return [] if is_half else self._words_of(event.data, event)
        if not isinstance(value, dict | list) and event.event != "error":
            return self._words_of(value if isinstance(value, str) else event.data, event)
        updates = self.reader.read(value, failed=event.event == "error")
        if len(updates) == 1 and isinstance(updates[0], Text):
            self._learn(event)
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
        change = self._words.append(words)
        return [Text(*change)] if change else []


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


def _text_decoder(label: str = "") -> codecs.IncrementalDecoder:
    try:
        name = str(parameter(label, "charset") or "utf-8")
        b"a".decode(name, "replace")  # refuses what is no encoding of text
        if codecs.lookup(name).name == "punycode":  # of host names, and only as a whole
            name = "utf-8"
        return codecs.getincrementaldecoder(name)("replace")
    except (LookupError, ValueError):
        return codecs.getincrementaldecoder("utf-8")("replace")
