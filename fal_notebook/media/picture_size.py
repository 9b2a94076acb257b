"""The width and height of a picture, from the header of its file, and how many pixels a page draws of it.

PNG (its sections 11.2.1 and 11.3.6), GIF (sections 18 to 20), JPEG (ITU-T T.81, B.2.2), WebP (its container's
specification) and AVIF (ISO/IEC 23008-12, 6.5.3; ISO/IEC 14496-12, 8.7.3).
"""

import re
import struct

_NOT_A_FRAME = (0xC4, 0xC8, 0xCC)  # markers of a JPEG in the range of frame headers that are none
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))  # markers of a JPEG that no length follows
_MOST_SEGMENTS = 10_000  # of a JPEG before its frame header
_MOST_BLOCKS = 200_000  # of a GIF: a common file of 50 MB has so many
_LONGEST_AVIF_HEADER = 1_000_000  # bytes that are searched
_GIF_FRAME, _GIF_EXTENSION = 0x2C, 0x21


def pixels(data: bytes) -> tuple[int, int] | None:
    """Width and height of a picture, or None where its header does not plainly say."""
    try:
        size = _size(data)
    except struct.error:
        return None
    return size if size and all(size) else None


def drawn_pixels(data: bytes) -> int | None:
    """How many pixels a page draws of a picture, all frames of an animation included; None where that is unknown."""
    size = pixels(data)
    if size is None:
        return None
    if data.startswith(b"GIF"):
        return _gif_pixels(data, size)
    frames = 1
    if data.startswith(b"\x89PNG"):
        frames = data.count(b"fcTL")
    elif data.startswith(b"RIFF"):
        frames = data.count(b"ANMF")
    elif data[4:8] == b"ftyp":
        frames = max((count for _, count in _boxes(b"stsz", data)), default=1)
    return size[0] * size[1] * max(frames, 1)


def _size(data: bytes) -> tuple[int, int] | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return _pair(">II", data, 16)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _pair("<HH", data, 6)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if data[4:12] in (b"ftypavif", b"ftypavis"):  # the largest of its sizes: of the whole, of tiles, of alpha
        return max(_boxes(b"ispe", data), key=lambda size: size[0] * size[1], default=None)
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """The size in the frame header, which follows a chain of segments that each tell their length."""
    place = 2
    for _ in range(_MOST_SEGMENTS):
        if data[place : place + 1] != b"\xff":
            break
        marker, length = struct.unpack_from(">BH", data, place + 1)
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            place += 1 if marker == 0xFF else 2
        elif 0xC0 <= marker <= 0xCF and marker not in _NOT_A_FRAME:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        else:
            place += 2 + length
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = _pair("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _boxes(name: bytes, data: bytes) -> list[tuple[int, int]]:
    """The second and the third number of each box of this name in the header of an AVIF file."""
    found = re.finditer(re.escape(name) + b"(?=.{12})", data[:_LONGEST_AVIF_HEADER], re.DOTALL)
    return [_pair(">II", data, match.end() + 4) for match in found]


def _gif_pixels(data: bytes, size: tuple[int, int]) -> int | None:
    """The pixels of all frames, each counted with the size that holds all; None where there are too many blocks."""
    (width, height), frames, place = size, 0, 13 + _table_bytes(data[10])
    is_within = False  # a chain of blocks, each with its length, which an empty one ends
    try:
        for _ in range(_MOST_BLOCKS):
            kind = data[place]
            if is_within:
                place, is_within = place + 1 + kind, kind > 0
            elif kind == _GIF_FRAME:
                left, top, wide, high = struct.unpack_from("<HHHH", data, place + 1)
                width, height, frames = max(width, left + wide), max(height, top + high), frames + 1
                place, is_within = place + 11 + _table_bytes(data[place + 9]), True
            elif kind == _GIF_EXTENSION:
                place, is_within = place + 2, True
            else:
                return width * height * max(frames, 1)
    except (IndexError, struct.error):
        return width * height * max(frames, 1)
    return None


def _table_bytes(flags: int) -> int:
    """How many bytes the table of colours has that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _pair(form: str, data: bytes, place: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, data, place)
    return first, second
