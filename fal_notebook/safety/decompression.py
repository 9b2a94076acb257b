"""A body that came packed, unpacked only as far as somebody takes it.

A few kilobytes can unpack to gigabytes, and those again where packing is stacked. So no more is unpacked at once than
a piece, and what was packed more than once is refused.
"""

import zlib
from collections.abc import Iterable, Iterator

_AT_ONCE = 65_536  # bytes of a piece
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def unpacked(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The bytes of an HTTP body, in pieces.

    Args:
        pieces: the body as it came.
        coding: its ``Content-Encoding``; nothing where there is none.

    Raises:
        ValueError: it is packed in another way than by gzip or deflate, or is no such thing, or breaks off.
    """
    name = coding.strip().lower()
    if name in ("", "identity"):
        yield from pieces
    elif name in ("gzip", "x-gzip", "deflate"):
        yield from _inflated(pieces)
    else:
        raise ValueError(f"it is packed as {name}, which was not asked for")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for piece in pieces:
            rest = piece
            while rest and not inflater.eof:
                yield inflater.decompress(rest, _AT_ONCE)
                rest = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as exc:
        raise ValueError(f"it cannot be unpacked: {exc}") from None
    if not inflater.eof:
        raise ValueError("it breaks off")
