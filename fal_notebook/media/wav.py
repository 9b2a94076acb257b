"""WAV headers, made for samples that came without one, and corrected where a server did not know the lengths.

A server that streams a WAV sends the header before it knows how many samples follow, so the two lengths in it
are 0, 0xFFFFFFFF or made up. Players then show no duration, or refuse to seek or to play.
Layout: "Multimedia Programming Interface and Data Specifications 1.0", RIFF and WAVE.
"""

import struct
from collections.abc import Iterator
from io import BytesIO

PCM = 1
MULAW = 7
_UNKNOWN = 0xFFFFFFFF
_MOST_CHUNKS = 10_000  # that are searched: a file can consist of empty ones
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


def wav_header(rate: int, channels: int = 1, bits: int = 16, encoding: int = PCM) -> bytes:
    """The 44 bytes before raw samples of a length that is not yet known.

    Args:
        rate: frames a second.
        channels: samples a frame.
        bits: bits a sample.
        encoding: the format tag, `PCM` or `MULAW`.
    """
    frame = channels * bits // 8
    return _HEADER.pack(
        b"RIFF",
        _UNKNOWN,
        b"WAVE",
        b"fmt ",
        16,
        encoding,
        channels,
        rate,
        rate * frame,
        frame,
        bits,
        b"data",
        _UNKNOWN,
    )


def correct_wav_lengths(body: BytesIO) -> None:
    """Write the true lengths into a WAV file whose header has wrong ones; leave any other file as it is.

    Only the eight bytes of the two lengths change, in place: a large recording is not copied.
    """
    place = _data_chunk(body)
    if place is None:
        return
    total = len(body.getbuffer())
    said = struct.unpack("<I", body.getbuffer()[place + 4 : place + 8])[0]
    there = total - place - 8
    if said <= there and (said or not there):
        return
    with body.getbuffer() as view:
        struct.pack_into("<I", view, 4, min(total - 8, _UNKNOWN))
        struct.pack_into("<I", view, place + 4, min(there, _UNKNOWN))


def wav_seconds(data: bytes | memoryview) -> float | None:
    """The duration that a WAV file's header gives, in seconds, or None where the bytes are no such file."""
    body = BytesIO(data)
    place = _data_chunk(body)
    if place is None:
        return None
    view = body.getbuffer()
    rate = _byte_rate(view)
    length = min(struct.unpack("<I", view[place + 4 : place + 8])[0], len(view) - place - 8)
    return length / rate if rate else None


def _data_chunk(body: BytesIO) -> int | None:
    """Where the ``data`` chunk's header stands."""
    view = body.getbuffer()
    if len(view) < 12 or bytes(view[:4]) != b"RIFF" or bytes(view[8:12]) != b"WAVE":
        return None
    return next((place for name, place in wav_chunks(view) if name == b"data"), None)


def _byte_rate(view: memoryview) -> int:
    for name, place in wav_chunks(view):
        if name == b"fmt " and place + 20 <= len(view):
            rate: int = struct.unpack_from("<I", view, place + 16)[0]
            return rate
    return 0


def wav_chunks(view: memoryview) -> Iterator[tuple[bytes, int]]:
    """The names of a WAV file's chunks, and where each header stands."""
    place = 12
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(view):
            return
        name, length = struct.unpack_from("<4sI", view, place)
        yield name, place
        place += 8 + length + length % 2
