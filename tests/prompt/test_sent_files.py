"""Files that were sent with a prompt: small pictures of pixels, and names for all others."""

import base64
import io
import sys
import zlib
from collections.abc import Mapping
from typing import Any

import pytest
from PIL import Image

from fal_notebook.media.media import Media
from fal_notebook.prompt.entry import Entry
from fal_notebook.prompt.sent_files import sent_file

from ..endpoints import PNG

HOSTILE = '"><script>hacked</script><img src=x onerror=hacked>'
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='hacked()'><script>hacked()</script></svg>"


def photo(kind: str = "JPEG", size: tuple[int, int] = (1600, 1200), mode: str = "RGB", **options: Any) -> bytes:
    written = io.BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(written, kind, **options)
    return written.getvalue()


def part(data: bytes, content_type: str = "image/png") -> dict[str, Any]:
    address = f"data:{content_type};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": address}}


@pytest.mark.parametrize(("kind", "mode", "made"), [("JPEG", "RGB", "jpeg"), ("PNG", "RGBA", "png")])
def test_a_large_picture_is_shown_small_with_its_name_and_its_own_size(kind: str, mode: str, made: str) -> None:
    data = photo(kind, mode=mode)
    shown = sent_file(Media(f"image/{kind.lower()}", data, file_name="cat.jpg"))
    assert shown.picture is not None
    assert shown.picture.pixels == (320, 240)
    assert shown.picture.content_type == f"image/{made}"
    assert shown.words.startswith("cat.jpg · ")
    assert f'<img src="data:image/{made};base64,' in shown.html
    assert len(shown.html) < len(data) / 3


def test_a_picture_stands_upright_and_tells_no_place_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "at home"
    shown = sent_file(Media("image/jpeg", photo(exif=exif))).picture
    assert shown is not None
    assert shown.pixels == (240, 320)
    assert b"at home" not in (shown.data or b"")


def test_a_small_picture_stays_as_it_is_also_that_of_a_stored_conversation() -> None:
    for file in (Media("image/png", PNG), part(PNG), part(PNG, "image/svg+xml")):
        shown = sent_file(file).picture
        assert shown is not None
        assert (shown.content_type, shown.data) == ("image/png", PNG)


def _bomb() -> bytes:
    """A PNG of few bytes with 90 million pixels."""
    chunk = b"IHDR" + (9_000).to_bytes(4, "big") + (10_000).to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")


@pytest.mark.parametrize(
    "file",
    [
        Media("image/svg+xml", SVG),
        part(SVG, "image/svg+xml"),
        part(SVG),
        Media("image/png", _bomb()),
        Media("image/jpeg", photo()[:200_000] + b"broken" * 100_000),
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}},
        {"type": "image_url", "image_url": None},
        {"type": "file", "file": {"filename": HOSTILE, "file_data": 1}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": None},
        Media("application/pdf", b"%PDF-1", file_name=HOSTILE),
        Media("image/png", None, url="https://example.com/cat.png"),
    ],
    ids=str,
)
def test_everything_else_has_a_name_is_inert_and_fetches_nothing(file: Media | Mapping[str, Any]) -> None:
    shown = sent_file(file)
    assert "<script" not in shown.html
    assert "<img src=x" not in shown.html
    assert "https://" not in shown.html
    assert "svg+xml;" not in shown.html
    if shown.picture is not None:  # as far as PIL could read it
        assert shown.picture.pixels is not None
    assert shown.name


def test_without_pil_a_large_picture_is_named_and_a_middling_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    large, middling = Media("image/png", photo("PNG")), Media("image/jpeg", photo(size=(400, 300)))
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    assert sent_file(large).picture is None
    assert sent_file(middling).picture == middling


def test_the_words_of_a_prompt_name_its_files() -> None:
    files: list[Media | Mapping[str, Any]] = [Media("image/png", PNG, file_name="cat.png"), part(PNG)]
    files.append({"type": "file", "file": {"filename": "a.pdf"}})
    assert Entry(1, "a/b", {}, "look", files).asked == "look\n\n(cat.png, picture, a.pdf)"
