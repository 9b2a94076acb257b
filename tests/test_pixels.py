import io
from typing import Any

import pytest
from PIL import Image

from fal_notebook.pixels import pixels

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
