import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from fal_notebook.local import repaint as module
from fal_notebook.local.app import create_app
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.repaint import STYLES, NoPictureError, repaint
from fal_notebook.local.server import LocalServer

from .wire import ask


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(create_app())) as server:
        yield f"{server.url}/local/repaint"


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30), form: str = "PNG") -> bytes:
    across, down = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    pixels = np.stack([across * 6 % 256, down * 8 % 256, (across + down) % 256], -1).astype("uint8")
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, form)
    return file.getvalue()


def opened(png: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.asarray(Image.open(io.BytesIO(png)))


@pytest.mark.parametrize("style", STYLES)
def test_each_style_gives_another_picture_of_the_same_size(style: str) -> None:
    png, width, height = repaint(picture(), style=style, colours=4, strength=1)
    assert (width, height) == (40, 30)
    assert opened(png).shape == (30, 40, 3)
    assert not np.array_equal(opened(png), opened(picture()))
    unchanged, _, _ = repaint(picture(), style=style, colours=4, strength=0)
    assert np.array_equal(opened(unchanged), opened(picture()))


def test_a_poster_has_so_many_colours_and_an_outline_is_where_the_brightness_changes() -> None:
    png, _, _ = repaint(picture(), style="poster", colours=4, strength=1)
    assert len(np.unique(opened(png).reshape(-1, 3), axis=0)) <= 4
    halves = np.zeros((20, 20, 3), "uint8")
    halves[:, 10:] = 255
    file = io.BytesIO()
    Image.fromarray(halves).save(file, "PNG")
    lines = opened(repaint(file.getvalue(), style="outline", colours=2, strength=1)[0])
    assert lines[:, 9:11].max() == 0
    assert lines[:, :8].min() == lines[:, 12:].min() == 255


@pytest.mark.parametrize(("mode", "form"), [("L", "PNG"), ("P", "GIF"), ("RGBA", "PNG"), ("CMYK", "JPEG")])
def test_pictures_of_other_kinds_are_read(mode: str, form: str) -> None:
    assert repaint(picture(mode, form=form), style="mosaic", colours=2, strength=1)[1:] == (40, 30)


def test_a_large_picture_becomes_smaller() -> None:
    assert repaint(picture(size=(3_000, 10)), style="mosaic", colours=2, strength=1)[1] == 1_024


@pytest.mark.parametrize("data", [b"", b"<svg/>", picture()[:60], b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_told(data: bytes) -> None:
    with pytest.raises(NoPictureError):
        repaint(data, style="poster", colours=4, strength=1)


def test_a_picture_with_too_many_pixels_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 1_000)
    with pytest.raises(NoPictureError, match="at most 1,000 pixels"):
        repaint(picture(), style="poster", colours=4, strength=1)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://fal.media/a.png", "reads no addresses"),
        ("data:image/png;base64,!", "base64 of the data URI is broken"),
        ("data:image/png;base64,AAAA", "no picture"),
    ],
)
def test_an_address_that_is_no_picture_is_refused_as_fal_refuses(address: str, words: str, url: str) -> None:
    answer = ask(url, {"image_url": address})
    (mistake,) = answer.json["detail"]
    assert (answer.status, mistake["loc"]) == (422, ["body", "image_url"])
    assert words in mistake["msg"]


def test_a_picture_comes_back_as_a_file(url: str) -> None:
    address = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
    answer = ask(url, {"image_url": address, "strength": 0}).json
    image = answer["image"]
    assert (image["width"], image["height"], image["content_type"]) == (40, 30, "image/png")
    assert np.array_equal(opened(base64.b64decode(image["url"].partition(",")[2])), opened(picture()))
