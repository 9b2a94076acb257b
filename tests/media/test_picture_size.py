import io
import struct
from typing import Any

import pytest
from PIL import Image

from fal_notebook.media.picture_size import drawn_pixels, pixels

FILES: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("GIF", {}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"exif": b"Exif\x00\x00" + b"\xff\xc0" * 200, "comment": b"\xff\xc2"}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"exif": b"Exif\x00\x00MM\x00*"}),
]
EACH_FILE = pytest.mark.parametrize(("kind", "options"), FILES, ids=[f"{kind} {[*more]}" for kind, more in FILES])


def drawn(kind: str, options: dict[str, Any], size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind, **options)
    return file.getvalue()


@EACH_FILE
@pytest.mark.parametrize("size", [(1, 1), (640, 400), (300, 1025)])
def test_the_size_is_that_of_the_picture(kind: str, options: dict[str, Any], size: tuple[int, int]) -> None:
    assert pixels(drawn(kind, options, size)) == size


@EACH_FILE
def test_a_file_cut_anywhere_has_its_size_or_none(kind: str, options: dict[str, Any]) -> None:
    whole = drawn(kind, options, (64, 48))
    assert {pixels(whole[:length]) for length in range(len(whole))} == {None, (64, 48)}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF\x00\x00\x00\x00WEBPVP9 " + bytes(20),
        b"\x89PNG\r\n\x1a\n" + bytes(30),
        b"GIF89a" + bytes(10),
        b"\xff\xd8" + b"\xff" * 10_000,
        b"\xff\xd8\xff\xe0\x00\x00" * 50,
        b"<svg width='3'/>",
    ],
)
def test_what_says_no_size_has_none(data: bytes) -> None:
    assert pixels(data) is None


@pytest.mark.parametrize(("kind", "options"), [*FILES, ("AVIF", {})])
def test_a_still_picture_draws_its_own_pixels(kind: str, options: dict[str, Any]) -> None:
    assert drawn_pixels(drawn(kind, options, (300, 1025))) == 300 * 1025


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_a_moving_picture_draws_those_of_each_frame(kind: str) -> None:
    frames = [Image.new("RGB", (64, 48), (number * 9, 255 - number * 9, 7)) for number in range(25)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=40)
    assert drawn_pixels(file.getvalue()) == 64 * 48 * 25


def test_a_gif_whose_frames_are_beyond_its_size_draws_as_much_as_they_need() -> None:
    frame = b"," + struct.pack("<HHHHB", 10, 20, 9000, 8000, 0) + b"\x02\x02\x44\x01\x00"
    header = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    assert drawn_pixels(header + frame * 3 + b";") == 9010 * 8020 * 3
    assert drawn_pixels(header + b",") == 1


def test_a_gif_of_countless_blocks_is_left_open() -> None:
    header = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
    assert drawn_pixels(header + b"!\xfe" + b"\x01x" * 1_000_000) is None
