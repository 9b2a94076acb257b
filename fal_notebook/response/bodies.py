"""Sans-I/O: the ways to read the body of a response: here words, and files; elsewhere what builds upon them.

Each is fed bytes, cut anywhere, and keeps the body once: media in a single buffer whose bytes are handed out
without a copy, an event stream as its events, text and JSON as text.
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
    """One body, and what it has said so far.

    Attributes:
        events: the server-sent events.
        reader: what the JSON values in it say.
        significant_bytes: the part of the last bytes that has all they say. None: all of them.
    """

    def __init__(self) -> None:
        self.events = EventLog()
        self.reader = EventReader()
        self.significant_bytes: bytes | None = None

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


def _text_decoder(label: str = "") -> codecs.IncrementalDecoder:
    try:
        name = str(parameter(label, "charset") or "utf-8")
        b"a".decode(name, "replace")  # refuses what is no encoding of text
        if codecs.lookup(name).name == "punycode":  # of host names, and only as a whole
            name = "utf-8"
        return codecs.getincrementaldecoder(name)("replace")
    except (LookupError, ValueError):
        return codecs.getincrementaldecoder("utf-8")("replace")
