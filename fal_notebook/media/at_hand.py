"""Files of what users have at hand: paths, open files, bytes, pictures in memory, arrays, figures, recordings.

Each is known by its form and not by its class, so that none of the packages that make them has to be imported: the
value comes from a package that is there. Arrays become PNG and WAV with the standard library.
"""

import difflib
import io
import operator
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest
from .media import Media, guess_type, media_from_bytes
from .wav import correct_wav_lengths, wav_header

_MOST_CHANNELS = 8  # of sound; an array with more is not sound, or lies on its side
_RATES = range(1_000, 400_000)  # samples a second that a recording may have
_LONGEST_PATH = 1_000
_CHANNELS_FIRST = (1, 3, 4)  # of a picture as PyTorch has it
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's numbers for grey, grey with alpha, RGB and RGBA, by the number of values of a pixel."""


def file_at_hand(value: Any) -> Media | None:
    """The file that a value stands for, or None if it stands for none.

    Args:
        value: a `Media`; a `pathlib.Path`, or another path that is no text; an open binary file; bytes; a picture of
            PIL; a Matplotlib figure; what ``IPython.display`` has for pictures, sound and video; an array or a tensor
            that is a picture (rows × columns, or with 1 to 4 values of a pixel; whole numbers of 8 bits, numbers from
            0 to 1, or true and false); a pair of samples and their rate.

    Raises:
        InvalidRequest: it looks like a file, and cannot be read as one.
    """
    for is_one, as_file in _FORMS:
        if is_one(value):
            try:
                return as_file(value)
            except InvalidRequest:
                raise
            except Exception as exc:  # noqa: BLE001 - a package that is not known here may fail in any way
                name = type(value).__name__
                raise InvalidRequest(f"this {name} cannot be read as a file: {type(exc).__name__}: {exc}") from None
    return None


def has_no_words(value: Any) -> bool:
    """Whether a value is a picture, a recording or another file in memory: within a text it would be its ``repr``."""
    return isinstance(value, Media) or _is_pil(value) or _is_figure(value) or _is_display(value)


def file_of_path(path: Path) -> Media:
    """The file at a path.

    Raises:
        InvalidRequest: there is none, or it cannot be read.
    """
    path = path.expanduser()
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise InvalidRequest(_why_not_read(path, exc), hint=_nearest_name(path)) from None
    return _named(media_from_bytes(data, guess_type(path.as_uri() if path.is_absolute() else path.name)), path.name)


def is_sound(value: Any) -> bool:
    """Whether a value is a pair of samples and their rate, in either order."""
    return isinstance(value, tuple) and len(value) == 2 and _samples_and_rate(value) is not None


def _why_not_read(path: Path, exc: OSError) -> str:
    if isinstance(exc, FileNotFoundError):
        return f"there is no file {path}"
    return f"the file {path} cannot be read: {exc.strerror or type(exc).__name__}"


def _nearest_name(path: Path) -> str | None:
    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError:
        return f"there is no folder {path.parent}"
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else None


def _named(media: Media, name: Any) -> Media:
    return Media(media.content_type, media.data, file_name=name if isinstance(name, str) else None)


# Files and bytes.


def _is_bytes(value: Any) -> bool:
    return isinstance(value, bytes | bytearray | memoryview)


def _is_path(value: Any) -> bool:
    return isinstance(value, os.PathLike)


def _of_path(value: Any) -> Media:
    return file_of_path(Path(os.fsdecode(value)))


def _is_open_file(value: Any) -> bool:
    return callable(getattr(value, "read", None)) and callable(getattr(value, "seek", None))


def _of_open_file(file: Any) -> Media:
    try:
        place = file.tell()
        data = file.read()
        file.seek(place)
    except (OSError, ValueError) as exc:
        raise InvalidRequest(f"an open file cannot be read: {exc}") from None
    if not isinstance(data, bytes):
        raise InvalidRequest("a file is open as text", hint='open it with "rb", or give its path')
    name = getattr(file, "name", None)
    name = Path(name).name if isinstance(name, str) else None
    return _named(media_from_bytes(data, guess_type(name or "")), name)


# Pictures and figures.


def _is_pil(value: Any) -> bool:
    return _is_from(value, "PIL") and hasattr(value, "mode") and callable(getattr(value, "save", None))


def _of_pil(picture: Any) -> Media:
    is_photo = picture.format == "JPEG" and picture.mode in ("L", "RGB")
    known = picture if picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else picture.convert("RGB")
    return _written(
        lambda file: known.save(file, **({"format": "JPEG", "quality": 95} if is_photo else {"format": "PNG"}))
    )


def _is_figure(value: Any) -> bool:
    return callable(getattr(value, "savefig", None))


def _of_figure(figure: Any) -> Media:
    return _written(lambda file: figure.savefig(file, format="png", bbox_inches="tight"))


def _written(write: Callable[[io.BytesIO], object]) -> Media:
    file = io.BytesIO()
    write(file)
    return media_from_bytes(file.getvalue())


def _is_display(value: Any) -> bool:
    is_one = _is_from(value, "IPython") and type(value).__name__ in ("Image", "Audio", "Video", "SVG")
    return is_one and (hasattr(value, "data") or hasattr(value, "url"))


def _of_display(shown: Any) -> Media:
    data, url, name = (getattr(shown, each, None) for each in ("data", "url", "filename"))
    label = getattr(shown, "mimetype", None) or getattr(shown, "_mimetype", None)
    for path in (data, name, url):  # a video keeps its path as its data
        if isinstance(path, str) and 0 < len(path) <= _LONGEST_PATH and Path(path).is_file():
            return file_of_path(Path(path))
    if data:
        return media_from_bytes(data.encode() if isinstance(data, str) else data, label)
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        return Media(label or guess_type(url) or "application/octet-stream", url=url)
    raise InvalidRequest(f"this {type(shown).__name__} of IPython.display has no bytes and no web address")


# Arrays and tensors.


def _is_array(value: Any) -> bool:
    return (
        hasattr(value, "shape") and hasattr(value, "dtype") and getattr(value, "ndim", 0) > 0 and not _is_table(value)
    )


def _is_table(value: Any) -> bool:
    return hasattr(value, "to_dict") or hasattr(value, "to_list")


def _as_array(value: Any) -> Any:
    """The array, on this machine's memory; a tensor becomes an array."""
    for name in ("detach", "cpu"):
        step = getattr(value, name, None)
        value = step() if callable(step) else value
    as_numpy = getattr(value, "numpy", None)
    if not callable(as_numpy):
        return value
    try:
        return as_numpy()
    except TypeError:  # NumPy has no bfloat16
        return value.float().numpy()


def _of_array(value: Any) -> Media:
    """An array as a PNG."""
    array = _as_array(value)
    shape = tuple(array.shape)
    if len(shape) == 3 and shape[0] in _CHANNELS_FIRST and shape[2] not in _COLOUR_TYPES:
        array = array.transpose(1, 2, 0)
        shape = tuple(array.shape)
    is_picture = len(shape) == 2 or (len(shape) == 3 and shape[2] in _COLOUR_TYPES)
    if not is_picture or 0 in shape:
        raise _no_picture(value, f"its shape is {shape}")
    array = _as_bytes(value, array)
    return Media("image/png", _png(array.tobytes(), shape[1], shape[0], shape[2] if len(shape) == 3 else 1))


def _as_bytes(value: Any, array: Any) -> Any:
    """The array with whole numbers of 8 bits."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "b":
        return array.astype("uint8") * 255
    if kind == "u" and size == 1:
        return array
    if kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):
            raise _no_picture(value, "its numbers are not from 0 to 1")
        return (array * 255).round().astype("uint8")
    raise _no_picture(value, f"its numbers are {array.dtype}")


def _no_picture(value: Any, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"this {type(value).__name__} is no picture: {why}",
        hint="a picture has uint8 or numbers from 0 to 1; give (samples, rate) for sound, .tolist() for numbers",
    )


def _png(pixels: bytes, width: int, height: int, values: int) -> bytes:
    """Rows of pixels as a PNG (RFC 2083)."""
    row = width * values
    rows = b"".join(b"\0" + pixels[start : start + row] for start in range(0, row * height, row))
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[values], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


# Sound.


def _samples_and_rate(value: tuple[Any, Any]) -> tuple[Any, int] | None:
    for samples, rate in (value, value[::-1]):
        if _is_array(samples) and len(samples.shape) in (1, 2) and _is_rate(rate):
            return samples, operator.index(rate)
    return None


def _is_rate(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and operator.index(value) in _RATES
    except TypeError:
        return False


def _of_sound(value: tuple[Any, Any]) -> Media:
    """Samples and their rate as a WAV with 16 bits a sample."""
    found = _samples_and_rate(value)
    if found is None:
        raise InvalidRequest("sound is a pair: (samples, rate)")
    array, rate = _as_array(found[0]), found[1]
    shape = tuple(array.shape)
    if len(shape) == 2 and shape[0] <= _MOST_CHANNELS < shape[1]:
        array = array.transpose(1, 0)  # as PyTorch has sound
        shape = tuple(array.shape)
    channels = 1 if len(shape) == 1 else shape[1]
    if not 1 <= channels <= _MOST_CHANNELS or 0 in shape:
        raise InvalidRequest(
            f"these samples are no sound: their shape is {shape}", hint="samples × channels, or samples"
        )
    body = io.BytesIO(wav_header(rate, channels) + _as_samples(array).tobytes())
    correct_wav_lengths(body)
    return Media("audio/wav", body.getvalue())


def _as_samples(array: Any) -> Any:
    """The array with samples of 16 bits, little-endian."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "f":
        return (array.clip(-1, 1) * 32_767).round().astype("<i2")
    if kind == "i" and size in (2, 4):
        return (array if size == 2 else array // 65_536).astype("<i2")
    raise InvalidRequest(f"these samples are no sound: their numbers are {array.dtype}", hint="int16, or from -1 to 1")


def _is_from(value: Any, package: str) -> bool:
    return any(each.__module__.partition(".")[0] == package for each in type(value).__mro__)


_FORMS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Media]], ...] = (
    (lambda value: isinstance(value, Media), lambda value: value),
    (_is_path, _of_path),
    (_is_bytes, lambda value: media_from_bytes(bytes(value))),
    (is_sound, _of_sound),
    (_is_pil, _of_pil),
    (_is_figure, _of_figure),
    (_is_display, _of_display),
    (_is_open_file, _of_open_file),
    (_is_array, _of_array),
)
