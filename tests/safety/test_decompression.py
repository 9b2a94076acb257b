import gzip
import tracemalloc
import zlib

import pytest

from fal_notebook.safety.decompression import decompressed

WORDS = b"some words " * 10_000


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", WORDS),
        ("identity", WORDS),
        ("gzip", gzip.compress(WORDS)),
        ("GZIP ", gzip.compress(WORDS)),
        ("deflate", zlib.compress(WORDS)),
    ],
)
@pytest.mark.parametrize("size", [1, 1000, 1_000_000])
def test_a_body_is_unpacked_wherever_it_is_cut(coding: str, body: bytes, size: int) -> None:
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    assert b"".join(decompressed(pieces, coding)) == WORDS


@pytest.mark.parametrize(
    ("coding", "body", "reason"),
    [
        ("gzip", b"no gzip", "cannot be unpacked"),
        ("gzip", gzip.compress(WORDS)[:-20], "breaks off"),
        ("br", b"", "packed as br"),
        ("gzip, gzip", b"", "packed as gzip, gzip"),
    ],
)
def test_what_cannot_be_unpacked_is_told(coding: str, body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        list(decompressed([body], coding))


def test_no_more_is_unpacked_than_is_taken() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    try:
        assert len(next(decompressed([bomb], "gzip"))) <= 65_536
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
