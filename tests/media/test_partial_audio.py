"""What can be played of a recording before the whole is there, however it is cut."""

import struct

import pytest

from fal_notebook.media.partial_audio import FLOAT, Playable, SampleFormat, raw_format
from fal_notebook.media.wav import MULAW, PCM, wav_header

SOUND = bytes(range(1, 241))
TITLE = b"LIST" + struct.pack("<I", 4) + b"INFO"


def wav(samples: bytes, length: int, before: bytes = b"") -> bytes:
    """A WAV file of 16-bit samples whose header says this length."""
    header = wav_header(24_000)
    return header[:36] + before + b"data" + struct.pack("<I", length) + samples


def played(content_type: str, pieces: list[bytes]) -> tuple[Playable, bytes]:
    playable = Playable(content_type)
    return playable, b"".join(playable.feed(piece) for piece in pieces)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 43, 45, 1000])
@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFFFFF, len(SOUND)])
def test_a_wav_header_is_read_wherever_it_is_cut_and_whatever_length_it_says(size: int, length: int) -> None:
    body = wav(SOUND, length, before=TITLE)
    playable, sound = played("audio/wav", [body[at : at + size] for at in range(0, len(body), size)])
    assert playable.format == SampleFormat(PCM, 24_000, 1, 16)
    assert sound == SOUND


def test_what_stands_behind_the_samples_is_no_sound() -> None:
    assert played("audio/wav", [wav(SOUND, len(SOUND)) + TITLE])[1] == SOUND


@pytest.mark.parametrize("size", range(1, 20))
def test_raw_samples_leave_in_whole_frames(size: int) -> None:
    playable = Playable("audio/pcm;rate=44100;channels=2")
    sent = [playable.feed(SOUND[at : at + size]) for at in range(0, len(SOUND), size)]
    assert all(len(piece) % 4 == 0 for piece in sent)
    assert b"".join(sent) == SOUND
    assert playable.format == SampleFormat(PCM, 44_100, 2, 16)


def test_a_wav_under_the_label_of_raw_samples_is_a_wav() -> None:
    playable, sound = played("audio/pcm;rate=8000", [wav(SOUND, 0)])
    assert (playable.format, sound) == (SampleFormat(PCM, 24_000, 1, 16), SOUND)


def test_an_mp3_is_played_as_it_is_whatever_the_later_bytes_look_like() -> None:
    playable, sound = played("audio/mp3", [b"ID3\x04" + bytes(20), b"RIFF----WAVE"])
    assert (playable.file_type, playable.format) == ("audio/mpeg", None)
    assert sound == b"ID3\x04" + bytes(20) + b"RIFF----WAVE"


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("audio/ogg", b"OggS\x00" + bytes(50)),
        ("image/png", b"\x89PNG\r\n\x1a\n" + bytes(50)),
        ("application/octet-stream", bytes(50)),
        ("audio/wav", wav_header(8_000, bits=4, encoding=17) + bytes(50)),
        ("audio/wav", b"RIFF\0\0\0\0WAVEdata\0\0\0\0" + bytes(50)),
        ("audio/wav", b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\xff" + bytes(100_000)),
        ("audio/wav", wav_header(8_000, channels=0) + bytes(50)),
        ("audio/pcm", b"short"),
    ],
)
def test_what_cannot_be_played_in_pieces_gives_nothing(content_type: str, data: bytes) -> None:
    playable, sound = played(content_type, [data, bytes(50)] if content_type != "audio/pcm" else [data])
    assert (playable.format and playable.format.name, playable.file_type, sound) == (None, None, b"")


def test_an_extensible_header_names_its_encoding_further_on() -> None:
    tail = struct.pack("<HHIH14s", 22, 32, 0, FLOAT, bytes(14))
    chunk = struct.pack("<HHIIHH", 0xFFFE, 2, 48_000, 48_000 * 8, 8, 32) + tail
    body = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(chunk)) + chunk + b"data\0\0\0\0" + SOUND
    playable, sound = played("audio/wav", [body])
    assert playable.format == SampleFormat(FLOAT, 48_000, 2, 32)
    assert sound == SOUND


def test_a_content_type_names_the_format_of_raw_samples() -> None:
    assert raw_format("audio/pcm;rate=24000;channels=2") == SampleFormat(PCM, 24_000, 2, 16)
    assert raw_format("audio/basic") == SampleFormat(MULAW, 8_000, 1, 8)
    assert raw_format("audio/wav") is None
