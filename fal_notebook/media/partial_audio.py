"""Sans-I/O: what can be played of a recording while it arrives, cut anywhere.

Samples can be played as soon as whole frames of them are there, with or without a WAV header before them; an MP3
as soon as there are bytes of it. Every other kind of file can be played only when it is whole.
"""

import struct
from dataclasses import dataclass
from email.message import Message
from typing import Any, ClassVar

from .media import SNIFF_BYTES, normal_type, sniff
from .wav import MULAW, PCM

FLOAT = 3
_EXTENSIBLE_FORMAT = 0xFFFE
_RAW_TYPES: dict[str, tuple[int, int]] = {
    "audio/pcm": (PCM, 16),
    "audio/x-pcm": (PCM, 16),
    "audio/mulaw": (MULAW, 8),
    "audio/x-mulaw": (MULAW, 8),
    "audio/basic": (MULAW, 8),  # RFC 2046, 4.3: 8 kHz, one channel
}
_LONGEST_HEADER = 65_536
_MOST_CHANNELS = 128
_LONGEST_LABEL = 1_000  # characters of a content type that are parsed, which costs the square of their number


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How samples are written: little-endian, with the channels of a frame interleaved.

    Attributes:
        encoding: the format tag of a WAV file: `PCM`, `FLOAT` or `MULAW`.
        rate: frames a second.
        channels: samples a frame.
        bits: bits a sample.
    """

    encoding: int
    rate: int
    channels: int
    bits: int

    _NAMES: ClassVar[dict[tuple[int, int], str]] = {
        (PCM, 8): "u8",
        (PCM, 16): "s16",
        (PCM, 24): "s24",
        (PCM, 32): "s32",
        (FLOAT, 32): "f32",
        (MULAW, 8): "mulaw",
    }

    @property
    def name(self) -> str | None:
        """The encoding in a word, or None where a page cannot play it."""
        is_plain = self.rate > 0 and 0 < self.channels <= _MOST_CHANNELS
        return self._NAMES.get((self.encoding, self.bits)) if is_plain else None

    @property
    def frame(self) -> int:
        """Bytes a frame."""
        return self.channels * self.bits // 8


def raw_format(label: str) -> SampleFormat | None:
    """The format of raw samples that a content type describes, or None where it is not a type of raw samples."""
    kind = normal_type(label)
    if kind not in _RAW_TYPES:
        return None
    encoding, bits = _RAW_TYPES[kind]
    rate = _number(label, "rate", 16_000 if encoding == PCM else 8_000, 10_000_000)
    return SampleFormat(encoding, rate, _number(label, "channels", 1, _MOST_CHANNELS), bits)


def parameter(label: str, name: str) -> Any:
    """A parameter of a content type, or None."""
    message = Message()
    message["Content-Type"] = label[:_LONGEST_LABEL]
    return message.get_param(name)


class Playable:
    """The playable part of one recording, which is fed as it arrives.

    Attributes:
        format: how the samples are written, once that is known; None for a file.
        file_type: the MIME type of a file that is played as it is, once that is known.
    """

    def __init__(self, content_type: str) -> None:
        self.format: SampleFormat | None = None
        self.file_type: str | None = None
        self._label = content_type
        self._held = b""
        self._header: _WAVHeader | None = None
        self._is_known = False
        self._bytes_left: int | None = None

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes and return those that can be played now: whole frames, or a file's bytes."""
        if not self._is_known:
            data = self._begin(data)
        elif self._held:
            data = self._held + data
        if self.format is not None:
            return self._whole_frames(data, self.format.frame)
        return data if self.file_type else b""

    def _begin(self, data: bytes) -> bytes:
        """The bytes after the header; none while the header is not whole, when the bytes are held."""
        if self._header is not None:
            return self._begin_wav(self._header, data)
        data, self._held = self._held + data, b""
        if len(data) < SNIFF_BYTES:
            self._held = data
            return b""
        raw = raw_format(self._label)
        kind = sniff(data[:SNIFF_BYTES], samples=raw is not None) or normal_type(self._label)
        if kind == "audio/wav":
            self._header = _WAVHeader()
            return self._begin_wav(self._header, data)
        self._is_known = True
        self.format = raw
        self.file_type = kind if kind == "audio/mpeg" else None
        return data

    def _begin_wav(self, header: "_WAVHeader", data: bytes) -> bytes:
        samples = header.feed(data)
        if samples is None and header.may_come:
            return b""
        self._is_known, self._header = True, None
        if samples is None or header.format is None or header.format.name is None:
            return b""
        self.format, self._bytes_left = header.format, header.length or None
        return samples

    def _whole_frames(self, data: bytes, frame: int) -> bytes:
        """The whole frames, without the chunks after the samples, such as the recording's title."""
        data = data if self._bytes_left is None else data[: self._bytes_left]
        whole = len(data) - len(data) % frame
        self._held = data[whole:]
        if self._bytes_left is not None:
            self._bytes_left -= whole
        return data[:whole]


class _WAVHeader:
    """The header of a WAV file as it arrives; each chunk of it is read once.

    Attributes:
        format: of the samples, once that is known.
        length: bytes of samples, as the header says.
    """

    def __init__(self) -> None:
        self.format: SampleFormat | None = None
        self.length = 0
        self._header_bytes = bytearray()
        self._place = 12

    @property
    def may_come(self) -> bool:
        """Whether the rest of the header may still come: so far it is no longer than a header may be."""
        return len(self._header_bytes) <= _LONGEST_HEADER

    def feed(self, data: bytes) -> bytes | None:
        """Take the next bytes and return the samples behind the header, once it is whole."""
        self._header_bytes += data
        while self._place + 8 <= len(self._header_bytes):
            name, length = struct.unpack_from("<4sI", self._header_bytes, self._place)
            if name == b"data":
                self.length = length
                return bytes(self._header_bytes[self._place + 8 :])
            if name == b"fmt " and not self._read_format():
                return None
            self._place += 8 + length + length % 2
        return None

    def _read_format(self) -> bool:
        """Read the chunk with the format, and return whether enough of it has come."""
        have = len(self._header_bytes) - self._place
        if have < 24:
            return False
        encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", self._header_bytes, self._place + 8)
        if encoding == _EXTENSIBLE_FORMAT:
            if have < 34:
                return False
            (encoding,) = struct.unpack_from("<H", self._header_bytes, self._place + 32)
        self.format = SampleFormat(encoding, rate, channels, bits)
        return True


def _number(label: str, name: str, default: int, most: int) -> int:
    value = str(parameter(label, name))
    return int(value) if value.isdecimal() and len(value) < 12 and 0 < int(value) <= most else default
