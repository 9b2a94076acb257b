"""Floor 3, sans-I/O: a recording as it arrives, cut anywhere, as what can be played of it at once.

Samples can be played as soon as whole frames of them are there, with or without a WAV header before them; an MP3
as soon as there are bytes of it. Every other kind of file is played when it is whole.
"""

import struct
from dataclasses import dataclass
from email.message import Message
from typing import Any, ClassVar

from .media import SNIFF_BYTES, normal_type, sniff
from .wav import MULAW, PCM

FLOAT = 3
_EXTENSIBLE = 0xFFFE
_RAW: dict[str, tuple[int, int]] = {
    "audio/pcm": (PCM, 16),
    "audio/x-pcm": (PCM, 16),
    "audio/mulaw": (MULAW, 8),
    "audio/x-mulaw": (MULAW, 8),
    "audio/basic": (MULAW, 8),  # RFC 2046, 4.3: 8 kHz, one channel
}
_LONGEST_HEADER = 65_536


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How samples are written: little-endian, the channels of a frame side by side.

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
        """The encoding in a word, or None where it is none that a page can play."""
        return self._NAMES.get((self.encoding, self.bits)) if self.rate and self.channels else None

    @property
    def frame(self) -> int:
        """Bytes a frame."""
        return self.channels * self.bits // 8


def raw_format(label: str) -> SampleFormat | None:
    """The format that a content type gives to raw samples, or None where it does not speak of such."""
    kind = normal_type(label)
    if kind not in _RAW:
        return None
    encoding, bits = _RAW[kind]
    rate = _number(label, "rate", 16_000 if encoding == PCM else 8_000, 10_000_000)
    return SampleFormat(encoding, rate, _number(label, "channels", 1, 128), bits)


def parameter(label: str, name: str) -> Any:
    """A parameter of a content type, or None."""
    message = Message()
    message["Content-Type"] = label
    return message.get_param(name)


class Playable:
    """One recording, which is fed as it arrives.

    Attributes:
        format: how the samples are written, once that is known; None for a file.
        file_type: the MIME type of a file that is played as it is, once that is known.
    """

    def __init__(self, content_type: str) -> None:
        self.format: SampleFormat | None = None
        self.file_type: str | None = None
        self._label = content_type
        self._held = b""
        self._is_known = False
        self._left: int | None = None

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes and return those that can be played now: whole frames, or a file's bytes."""
        data = self._held + data if self._held else data
        if not self._is_known:
            self._held = b""
            data = self._begin(data)
        if self.format is not None:
            return self._whole_frames(data, self.format.frame)
        return data if self.file_type else b""

    def _begin(self, data: bytes) -> bytes:
        """What follows the header; where the header is not whole, nothing, and the bytes are held."""
        if len(data) < SNIFF_BYTES:
            self._held = data
            return b""
        raw = raw_format(self._label)
        kind = sniff(data[:SNIFF_BYTES], samples=raw is not None) or normal_type(self._label)
        if kind == "audio/wav":
            return self._begin_wav(data)
        self._is_known = True
        self.format = raw
        self.file_type = kind if kind == "audio/mpeg" else None
        return data

    def _begin_wav(self, data: bytes) -> bytes:
        header = _wav_header(data)
        if header is None and len(data) <= _LONGEST_HEADER:
            self._held = data
            return b""
        self._is_known = True
        if header is None or header[0].name is None:
            return b""
        self.format, start, length = header
        self._left = length or None
        return data[start:]

    def _whole_frames(self, data: bytes, frame: int) -> bytes:
        """The frames that are whole; chunks behind the samples, such as the recording's title, are no sound."""
        data = data if self._left is None else data[: self._left]
        whole = len(data) - len(data) % frame
        self._held = data[whole:]
        if self._left is not None:
            self._left -= whole
        return data[:whole]


def _wav_header(head: bytes) -> tuple[SampleFormat, int, int] | None:
    """The format of a WAV file, where its samples begin and how many bytes they are said to be."""
    place, found = 12, None
    while place + 8 <= len(head):
        name, length = struct.unpack_from("<4sI", head, place)
        if name == b"data":
            return (found, place + 8, length) if found else None
        if name == b"fmt " and place + 24 <= len(head):
            encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, place + 8)
            if encoding == _EXTENSIBLE and place + 34 <= len(head):
                (encoding,) = struct.unpack_from("<H", head, place + 32)
            found = SampleFormat(encoding, rate, channels, bits)
        place += 8 + length + length % 2
    return None


def _number(label: str, name: str, default: int, most: int) -> int:
    value = str(parameter(label, name))
    return int(value) if value.isdecimal() and len(value) < 12 and 0 < int(value) <= most else default
