"""Sans-I/O: the readers of a response's body: their base class, and those for text and for files.

The readers in `event_stream_body` and `unlabelled_body` build upon them. A reader is fed bytes, cut anywhere, and keeps
the body only once: a file in a single buffer, whose bytes are handed out without a copy; an event stream as its events;
text and JSON as text. In their arguments, a label is the content type that the server gave the body.
"""

import codecs
from abc import ABC, abstractmethod
from io import BytesIO

from ..media.media import SNIFF_BYTES, Media, media_from_bytes, sniff
from ..media.partial_audio import parameter, raw_format
from ..media.wav import correct_wav_lengths, wav_header
from .event_log import EventLog
from .growing_text import GrowingText
from .json_events import EventReader
from .updates import Piece, Text, Update


class Body(ABC):
    """One body, and what has been read of it so far.

    Attributes:
        events: the server-sent events.
        reader: reads the JSON values in the body, and keeps what they add up to.
        significant_bytes: the part of the bytes fed last that holds all that they say, such as the newest of several
            snapshots; None if that is all of them.
    """

    def __init__(self) -> None:
        self.events = EventLog()
        self.reader = EventReader()
        self.significant_bytes: bytes | None = None

    @property
    def is_file(self) -> bool:
        """Whether the body is a file."""
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
        """Take the next bytes of the body, and return the updates that they bring."""

    def finish(self) -> list[Update]:
        """Take the end of the body, which may be cut off, and return the last updates."""
        return []


class TextBody(Body):
    """Text in the charset that the content type names, by default UTF-8."""

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
        except UnicodeError:  # some codecs raise it even if told to replace, such as UTF-16 without a byte order mark
            held, _ = self._decoder.getstate()
            self._decoder = _text_decoder()
            return self._decoder.decode(held + data, final)

    def _grow(self, words: str) -> list[Update]:
        if words and self._is_first:
            words, self._is_first = words.removeprefix("\ufeff"), False  # the byte order mark
        change = self._words.append(words)
        return [Text(*change)] if change else []


class MediaBody(Body):
    """A file, or raw samples of sound, which get the header of a WAV file."""

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
            # BytesIO shares the bytes that it is made of until more come, so a body in one message is not copied.
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
        """The WAV header for raw samples; empty if the body is anything else, or has a header of its own."""
        samples = raw_format(self._label)
        if samples is None or sniff(head[:SNIFF_BYTES], samples=True):
            return b""
        return wav_header(samples.rate, samples.channels, samples.bits, samples.encoding)


def _text_decoder(label: str = "") -> codecs.IncrementalDecoder:
    """A decoder for the charset in a content type, or for UTF-8 if it names none that can be used."""
    try:
        name = str(parameter(label, "charset") or "utf-8")
        b"a".decode(name, "replace")  # raises LookupError for codecs that are not for text
        if codecs.lookup(name).name == "punycode":  # is for host names, and cannot decode piece by piece
            name = "utf-8"
        return codecs.getincrementaldecoder(name)("replace")
    except (LookupError, ValueError):
        return codecs.getincrementaldecoder("utf-8")("replace")
