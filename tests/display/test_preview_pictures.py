"""Which preview pictures a page gets while an answer streams."""

import pytest

from fal_notebook.display.preview_pictures import NewestPicture
from fal_notebook.media.media import Media
from fal_notebook.response.updates import Preview

from ..endpoints import PNG


def test_the_newest_picture_is_given_once() -> None:
    pictures = NewestPicture()
    pictures.feed(Preview((Media("image/png", PNG + b"old"),)))
    pictures.feed(Preview((Media("image/png", PNG),)))
    assert pictures.take() == ("image/png", PNG)
    assert pictures.take() is None


def test_a_large_one_makes_the_next_wait() -> None:
    pictures = NewestPicture()
    pictures.feed(Preview((Media("image/png", PNG + bytes(4_000_000)),)))
    assert pictures.take()
    pictures.feed(Preview((Media("image/png", PNG),)))
    assert pictures.take() is None


@pytest.mark.parametrize(
    "media",
    [
        Media("image/svg+xml", b"<svg onload='window.owned = 1'/>"),
        Media("image/png", b"<svg onload='window.owned = 1'/>"),
        Media("image/png", url="http://127.0.0.1:9/evil.png"),
        Media("audio/wav", b"RIFF\0\0\0\0WAVE"),
        Media("image/png", PNG + bytes(8_000_000)),
    ],
)
def test_what_can_act_is_remote_no_picture_or_too_large_is_not_given(media: Media) -> None:
    pictures = NewestPicture()
    pictures.feed(Preview((media,)))
    assert pictures.take() is None
