"""What the bytes of a file are in Python: a picture of PIL, an array of NumPy, samples with their rate, text.

PIL, NumPy and soundfile are imported when they are asked for. WAV is read without soundfile.
"""

import codecs
import importlib
import io
import struct
from collections.abc import Iterator
from typing import Any

from ..errors import UnreadableFile
from .wav import MULAW, PCM, wav_chunks

_FLOATS, _EXTENSIBLE = 3, 0xFFFE  # format tags of WAV
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NPY = b"\x93NUMPY"


def picture_of(data: bytes, content_type: str) -> Any:
    """A picture of PIL.

    Raises:
        UnreadableFile: the bytes are no picture of pixels, or PIL is not installed.
    """
    pil = _package("PIL.Image", "pillow")
    try:
        picture = pil.open(io.BytesIO(data))
        picture.load()
    except Exception as exc:  # noqa: BLE001 - a broken file can fail in any way
        raise UnreadableFile(f"this {content_type} is no picture that PIL can read: {exc}") from None
    return picture


def array_of(data: bytes, content_type: str) -> Any:
    """The pixels of a picture, the samples of a recording, or the numbers of an NPY file, as an array of NumPy.

    Raises:
        UnreadableFile: the bytes are none of these, or a package is not installed.
    """
    numpy = _package("numpy", "numpy")
    if data.startswith(_NPY):
        try:
            return numpy.load(io.BytesIO(data), allow_pickle=False)  # a pickle could run anything
        except Exception as exc:  # noqa: BLE001 - a broken file can fail in any way
            raise UnreadableFile(f"this NPY file cannot be read: {exc}") from None
    if content_type.startswith("audio/"):
        return samples_of(data, content_type)[0]
    picture = picture_of(data, content_type)
    if picture.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return numpy.array(picture)


def samples_of(data: bytes, content_type: str) -> tuple[Any, int]:
    """The samples of a recording (frames, or frames × channels) and how many frames a second has.

    Samples of a WAV file keep their kind: whole numbers of 16 or 32 bits, or numbers from -1 to 1. Those of other files
    are numbers from -1 to 1.

    Raises:
        UnreadableFile: the bytes are no recording, or a package is not installed.
    """
    numpy = _package("numpy", "numpy")
    found = _wav(numpy, data)
    if found is not None:
        return found
    soundfile = _package("soundfile", "soundfile")
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    except Exception as exc:  # noqa: BLE001 - a broken file can fail in any way
        raise UnreadableFile(f"this {content_type} is no recording that can be read: {exc}") from None
    return samples, int(rate)


def text_of(data: bytes, content_type: str) -> str:
    """The text of a file: UTF-8, or what the mark at its beginning says.

    Raises:
        UnreadableFile: the bytes are no text.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise UnreadableFile(f"this {content_type} is no text in UTF-8", hint=".read() has its bytes") from None


def _package(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UnreadableFile(
            f"this needs the package {package}", hint=f"pip install {package}; .read() has the bytes"
        ) from None


def _wav(numpy: Any, data: bytes) -> tuple[Any, int] | None:
    """The samples and the rate of a WAV file of a usual kind; None for every other file."""
    chunks = dict(_first_chunks(data))
    try:
        encoding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
        if encoding == _EXTENSIBLE:
            (encoding,) = struct.unpack_from("<H", chunks[b"fmt "], 24)
        body = chunks[b"data"]
    except (KeyError, struct.error):
        return None
    if not channels or not rate or encoding == MULAW:
        return None
    samples = _samples(numpy, body, encoding, bits, channels)
    if samples is None:
        return None
    return (samples if channels == 1 else samples.reshape(-1, channels)), int(rate)


def _samples(numpy: Any, body: memoryview, encoding: int, bits: int, channels: int) -> Any:
    width = bits // 8
    body = body[: len(body) // (width * channels or 1) * (width * channels)]
    if encoding == _FLOATS and bits in (32, 64):
        return numpy.frombuffer(body, f"<f{width}").copy()
    if encoding != PCM:
        return None
    if bits in (16, 32):
        return numpy.frombuffer(body, f"<i{width}").copy()
    if bits == 8:
        return (numpy.frombuffer(body, "u1").astype("<i2") - 128) * 256
    if bits == 24:
        wide = numpy.zeros((len(body) // 3, 4), "u1")
        wide[:, 1:] = numpy.frombuffer(body, "u1").reshape(-1, 3)
        return wide.view("<i4").reshape(-1)
    return None


def _first_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view = memoryview(data)
    if len(view) < 12 or bytes(view[:4]) != b"RIFF" or bytes(view[8:12]) != b"WAVE":
        return
    seen: set[bytes] = set()
    for name, place in wav_chunks(view):
        length = struct.unpack_from("<I", view, place + 4)[0]
        if name not in seen:
            yield name, view[place + 8 : place + 8 + length]
        seen.add(name)
