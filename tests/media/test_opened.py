"""A file of an answer is a picture, an array, samples or text in Python, and such a file comes back as it was."""

import contextlib
import io
import struct
import sys
import wave
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fal_notebook.errors import ConnectError, UnreadableFile
from fal_notebook.media.at_hand import file_at_hand
from fal_notebook.media.media import Media
from fal_notebook.media.wav import wav_header

PIXELS = np.arange(2 * 5 * 4, dtype="uint8").reshape(2, 5, 4) * 6
SOUND = np.arange(-32_000, 32_000, 100, dtype="int16")


def file_of(value: Any) -> Media:
    media = file_at_hand(value)
    assert media is not None
    return media


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[..., :3], PIXELS[..., 0], PIXELS[..., :2]])
def test_pixels_come_back_as_they_were(pixels: Any) -> None:
    media = file_of(pixels)
    assert np.array_equal(media.array, pixels)
    assert isinstance(media.image, Image.Image)
    assert np.array_equal(file_of(media.image).array, pixels)


@pytest.mark.parametrize("mode", ["P", "CMYK", "YCbCr"])
def test_other_kinds_of_pixels_become_colours(mode: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (3, 2), (255, 0, 0)).convert(mode).save(file, "TIFF" if mode != "P" else "GIF")
    array = Media("image/tiff", file.getvalue()).array
    assert array.shape[:2] == (2, 3)
    assert tuple(array[0, 0][:3]) in ((255, 0, 0), (254, 0, 0))


@pytest.mark.parametrize("samples", [SOUND, np.stack([SOUND, -SOUND], 1)])
def test_samples_come_back_as_they_were(samples: Any) -> None:
    media = file_of((samples, 16_000))
    back, rate = media.audio
    assert (rate, back.dtype) == (16_000, np.dtype("int16"))
    assert np.array_equal(back, samples)
    assert np.array_equal(media.array, samples)
    assert file_of(media.audio).data == media.data


def _wav(body: bytes, tag: int, bits: int, *, extensible: bool = False) -> Media:
    header = wav_header(8_000, 1, bits, 0xFFFE if extensible else tag)
    if extensible:
        fmt = header[12:16] + struct.pack("<I", 40) + header[20:36] + struct.pack("<HHIH", 22, bits, 0, tag) + bytes(14)
        header = header[:12] + fmt + header[36:40] + struct.pack("<I", len(body))
    return Media("audio/wav", header + body)


@pytest.mark.parametrize(
    ("media", "samples"),
    [
        (_wav(bytes([0, 128, 255]), 1, 8), np.array([-32_768, 0, 32_512], "int16")),
        (_wav(b"\0\0\x80\xff\xff\x7f", 1, 24), np.array([-(2**31), 0x7FFFFF00], "int32")),
        (_wav(struct.pack("<2i", -5, 7), 1, 32), np.array([-5, 7], "int32")),
        (_wav(struct.pack("<2f", -0.5, 1), 3, 32), np.array([-0.5, 1], "float32")),
        (_wav(struct.pack("<2d", -0.5, 1), 3, 64), np.array([-0.5, 1], "float64")),
        (_wav(struct.pack("<2h", -5, 7), 1, 16, extensible=True), np.array([-5, 7], "int16")),
        (_wav(struct.pack("<2h", -5, 7) + b"\1", 1, 16), np.array([-5, 7], "int16")),
    ],
)
def test_the_kinds_of_wav_are_read(media: Media, samples: Any) -> None:
    back, rate = media.audio
    assert (rate, back.dtype) == (8_000, samples.dtype)
    assert np.array_equal(back, samples)


def test_a_wav_of_the_standard_library_is_read() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((2, 2, 44_100, 0, "NONE", ""))
        sound.writeframes(SOUND.tobytes())
    samples, rate = Media("audio/wav", file.getvalue()).audio
    assert (samples.shape, rate) == ((320, 2), 44_100)


def test_text_is_read_by_its_mark_or_as_utf_8() -> None:
    words = "Grüße, 世界"
    for data in (words.encode(), words.encode("utf-8-sig"), words.encode("utf-16")):
        assert Media("text/plain", data).text == words
    with pytest.raises(UnreadableFile, match=r"no text in UTF-8 \(\.read\(\) has its bytes\)"):
        _ = Media("image/png", b"\x89PNG").text


def test_numbers_of_an_npy_file_are_read_and_no_pickle_is() -> None:
    file = io.BytesIO()
    np.save(file, np.eye(3))
    assert np.array_equal(Media("application/octet-stream", file.getvalue()).array, np.eye(3))
    file = io.BytesIO()
    np.save(file, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableFile, match="NPY file cannot be read"):
        _ = Media("application/octet-stream", file.getvalue()).array


@pytest.mark.parametrize("content_type", ["image/svg+xml", "video/mp4", "application/pdf"])
def test_what_is_no_picture_is_told(content_type: str) -> None:
    with pytest.raises(UnreadableFile, match=f"this {content_type.replace('+', '.')} is no picture"):
        _ = Media(content_type, b"<svg/>").image


@settings(max_examples=60)
@given(st.binary(max_size=80), st.sampled_from([b"", b"RIFF\0\0\0\0WAVEfmt ", b"\x89PNG\r\n\x1a\n"]))
def test_any_bytes_are_read_or_told(data: bytes, head: bytes) -> None:
    for name in ("image", "array", "text"):
        with contextlib.suppress(UnreadableFile):
            getattr(Media("image/png", head + data), name)


@pytest.mark.parametrize(("module", "name"), [("PIL.Image", "image"), ("numpy", "array"), ("soundfile", "audio")])
def test_a_package_that_is_missing_is_named(module: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UnreadableFile, match=r"this needs the package .*\(pip install "):
        getattr(Media("audio/mpeg", b"ID3\x03\0"), name)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://127.0.0.1:1/a.png", "http://169.254.169.254/", "http://10.0.0.1/", "ftp://a/b"],
)
def test_no_file_of_this_machine_or_its_network_is_read(url: str) -> None:
    with pytest.raises(ConnectError):
        _ = Media("text/plain", url=url).text
