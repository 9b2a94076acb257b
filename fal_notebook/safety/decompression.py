"""Decompression of an HTTP body, piece by piece and only as far as the caller reads.

A few kilobytes can decompress to gigabytes, and compression on compression to far more. So a single piece is
decompressed at a time, and a body that was compressed more than once is refused.
"""

import zlib
from collections.abc import Iterable, Iterator

_PIECE_BYTES = 65_536  # that are decompressed at once
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def decompressed(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """The bytes of an HTTP body, in pieces.

    Args:
        pieces: the body as it came.
        coding: its ``Content-Encoding``; empty where there is none.

    Raises:
        ValueError: the coding is neither gzip nor deflate, or the body is broken or not complete.
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
                yield inflater.decompress(rest, _PIECE_BYTES)
                rest = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as exc:
        raise ValueError(f"it cannot be unpacked: {exc}") from None
    if not inflater.eof:
        raise ValueError("it breaks off")
