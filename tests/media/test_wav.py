import struct
import wave
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.media.wav import MULAW, correct_wav_lengths, wav_header, wav_seconds

SECOND = bytes(32_000)  # of 16-bit samples at 16 kHz


def with_lengths(riff: int, data: int, samples: bytes = SECOND) -> bytes:
    """A WAV file whose header says these lengths."""
    header = bytearray(wav_header(16_000))
    struct.pack_into("<I", header, 4, riff)
    struct.pack_into("<I", header, 40, data)
    return bytes(header) + samples


def corrected(data: bytes) -> bytes:
    body = BytesIO(data)
    correct_wav_lengths(body)
    return body.getvalue()


def written(samples: bytes = SECOND) -> bytes:
    """A WAV file that Python's own writer made."""
    body = BytesIO()
    with wave.open(body, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples)
    return body.getvalue()


def test_a_header_is_44_bytes() -> None:
    assert len(wav_header(16_000)) == 44


def test_header_and_samples_are_the_file_that_pythons_writer_makes() -> None:
    assert corrected(wav_header(16_000) + SECOND) == written()


def test_a_header_tells_rate_channels_and_width() -> None:
    with wave.open(BytesIO(corrected(wav_header(44_100, channels=2, bits=24) + bytes(600)))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (44_100, 2, 3, 100)


def test_a_header_tells_mulaw() -> None:
    tag, _, rate, byte_rate, frame, bits = struct.unpack("<HHIIHH", wav_header(8_000, bits=8, encoding=MULAW)[20:36])
    assert (tag, rate, byte_rate, frame, bits) == (7, 8_000, 8_000, 1, 8)


@pytest.mark.parametrize("said", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 32_001])
def test_a_length_that_cannot_be_is_corrected(said: int) -> None:
    assert corrected(with_lengths(said, said)) == written()


@pytest.mark.parametrize("end", [b"", b"LIST\x04\x00\x00\x00INFO"])
def test_a_file_that_knows_its_length_stays_as_it_is(end: bytes) -> None:
    assert corrected(written() + end) == written() + end


def test_chunks_before_the_samples_are_passed_over() -> None:
    chunk = b"LIST\x03\x00\x00\x00abc\x00"
    data = written()[:36] + chunk + with_lengths(0, 0xFFFFFFFF)[36:]
    fixed = corrected(data)
    assert wav_seconds(fixed) == 1.0
    assert struct.unpack_from("<I", fixed, 4) == (len(data) - 8,)


@pytest.mark.parametrize("data", [b"", b"RIFF", wav_header(16_000)[:36], b"ID3" + bytes(60), b"RIFF\0\0\0\0WEBP" * 9])
def test_what_is_no_wav_stays_as_it_is_and_has_no_duration(data: bytes) -> None:
    assert corrected(data) == data
    assert wav_seconds(data) is None


@given(st.binary(max_size=80))
def test_no_bytes_after_riff_and_wave_do_harm(rest: bytes) -> None:
    data = b"RIFF\xff\xff\xff\xffWAVE" + rest
    assert len(corrected(data)) == len(data)
    assert wav_seconds(data) is None or rest


@pytest.mark.parametrize("said", [0xFFFFFFFF, 32_000])
def test_the_duration_is_that_of_the_samples_there_are(said: int) -> None:
    assert wav_seconds(with_lengths(said, said)) == 1.0
    assert wav_seconds(memoryview(with_lengths(said, said))) == 1.0


def test_a_rate_of_zero_has_no_duration() -> None:
    assert wav_seconds(wav_header(0) + SECOND) is None
