"""Files that a page sends in pieces: whole ones are kept, and everything has a bound."""

import io

import pytest
from PIL import Image

from fal_notebook.errors import InvalidRequest
from fal_notebook.prompt.attachments import LARGEST_FILE, MOST_FILES, Attachments, Piece
from fal_notebook.prompt.page_messages import attached

from ..endpoints import PNG


def piece(data: bytes, at: int = 0, size: int | None = None, file: str = "f", name: str = "cat.png") -> Piece:
    return Piece(file, name, "image/png", len(data) if size is None else size, "", at, data)


def test_pieces_become_a_file_with_its_name() -> None:
    files = Attachments()
    for at in range(0, len(PNG), 10):
        assert not files.media
        found = files.take(piece(PNG[at : at + 10], at, len(PNG)))
    assert found is not None
    (media,) = files.media
    assert (media.data, media.content_type, media.file_name) == (PNG, "image/png", "cat.png")
    assert found.picture is not None
    assert found.picture.data == PNG
    files.remove("f")
    assert files.media == []


def test_files_are_in_the_order_in_which_they_arrived() -> None:
    files = Attachments()
    files.take(piece(PNG[:5], size=len(PNG), file="slow"))
    files.take(piece(PNG, file="quick"))
    files.take(piece(PNG[5:], 5, len(PNG), "slow"))
    assert [name for name, _ in files.whole] == ["quick", "slow"]


def test_the_page_gets_a_small_picture_of_a_large_one() -> None:
    large = io.BytesIO()
    Image.effect_noise((1200, 900), 90).save(large, "PNG")
    files = Attachments()
    found = files.take(piece(large.getvalue()))
    assert found is not None
    message, (picture,) = attached(files.whole, {})
    assert len(large.getvalue()) > 1_000_000
    assert len(picture) < 60_000
    (shown,) = message["files"]
    assert (shown["type"], Image.open(io.BytesIO(picture)).size) == ("image/jpeg", (320, 240))
    assert files.media[0].data == large.getvalue()


def test_the_content_decides_over_the_pages_word() -> None:
    files = Attachments()
    files.take(Piece("a", "../a\n.png", "text/html", len(PNG), "", 0, PNG))
    (named,) = files.media
    assert (named.content_type, named.file_name) == ("image/png", "../a .png")


def test_an_empty_file_is_refused_before_anything_is_paid_for() -> None:
    files = Attachments()
    with pytest.raises(InvalidRequest, match=r"nothing.png is empty"):
        files.take(piece(b"", name="nothing.png"))
    assert files.media == []


def test_a_file_that_is_too_large_or_one_too_many_is_refused() -> None:
    files = Attachments()
    for size in (LARGEST_FILE + 1, -1):
        with pytest.raises(InvalidRequest, match=r"larger than 32 MB"):
            files.take(piece(b"x", size=size))
    for number in range(MOST_FILES):
        files.take(piece(PNG, file=str(number)))
    with pytest.raises(InvalidRequest, match="are the most"):
        files.take(piece(PNG))
    other = Attachments()
    for number in range(2):
        other.take(piece(b"x", size=LARGEST_FILE, file=str(number)))
    with pytest.raises(InvalidRequest, match="are the most"):
        other.take(piece(b"x"))


@pytest.mark.parametrize(("at", "data"), [(2, b"x"), (0, b"xxxx"), (1, b"xxx")])
def test_a_piece_that_does_not_follow_drops_the_file(at: int, data: bytes) -> None:
    files = Attachments()
    files.take(piece(b"x", size=3))
    with pytest.raises(InvalidRequest, match="did not arrive whole"):
        files.take(piece(data, at, 3))
    assert files.take(piece(b"xx", 1, 3)) is None
    assert files.media == []


def test_files_on_their_way_stay_when_the_others_were_sent() -> None:
    files = Attachments()
    files.take(piece(PNG, file="whole"))
    files.take(piece(PNG[:5], size=len(PNG), file="coming"))
    files.clear()
    assert files.media == []
    files.take(piece(PNG[5:], 5, len(PNG), "coming"))
    assert len(files.media) == 1
