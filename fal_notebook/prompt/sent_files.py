"""The files that were sent with a prompt, as they stand in the conversation: a small picture, or a name and a size.

A notebook must not grow by the bytes of each photo that was sent, so that a large picture is made small by PIL. Where
PIL is not installed, it is named like every other file. Nothing but pixels is shown, and no URL is fetched.
"""

import contextlib
import importlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

from ..errors import InvalidRequest
from ..media.data_uris import is_data_uri, media_from_data_uri
from ..media.media import Media, first_raster
from ..media.picture_size import drawn_pixels
from ..render.file_words import file_title, size_words
from ..render.markdown import text_html
from ..safety.plain_text import one_line

_LONGEST_NAME = 80  # characters
_SIDE = 320  # pixels of a small picture
_SMALL = 30_000  # bytes of a picture that is kept as it is
_LARGEST = 200_000  # bytes of one that is kept as it is where PIL cannot make it smaller
_FEW_PIXELS = 4_000_000  # of a picture that is kept as it is, in all its frames
_MOST_PIXELS = 30_000_000  # of a picture that is made smaller: it takes four bytes of memory for each
_LONGEST_URI = 64_000_000  # characters of a data URI that is read
_KINDS = {"image_url": "picture", "input_audio": "recording"}
_IMAGE_STYLE = "display:block;max-width:100%;max-height:10em;margin:.4em 0"
_CHIP_STYLE = (
    "display:block;width:fit-content;max-width:100%;margin:.4em 0;padding:0 .5em;border:1px solid rgba(128,128,128,.5);"
    "border-radius:4px;font-size:85%"
)


@dataclass(frozen=True)
class SentFile:
    """A file that was sent.

    Attributes:
        name: what it is called, or what it is.
        size: how many bytes it has, where that is known.
        media: the file itself, where its bytes are known.
    """

    name: str
    size: int | None = None
    media: Media | None = field(default=None, repr=False)

    @cached_property
    def picture(self) -> Media | None:
        """A small picture of it, if it is a picture. It is made when it is first needed."""
        return None if self.media is None else _small(self.media)

    @property
    def words(self) -> str:
        """Its name and its size."""
        return self.name if self.size is None else f"{self.name} · {size_words(self.size)}"

    @property
    def html(self) -> str:
        """The file as static HTML."""
        if self.picture is None:
            return f'<span style="{_CHIP_STYLE}">{text_html(self.words)}</span>'
        words = escape(self.words)
        return f'<img src="{self.picture.data_uri()}" alt="{words}" title="{words}" style="{_IMAGE_STYLE}">'

    @property
    def for_page(self) -> dict[str, str]:
        """The file as the page gets it."""
        picture = {} if self.picture is None else {"picture": self.picture.data_uri()}
        return {"name": self.name, "words": self.words, **picture}


def sent_file(file: Media | Mapping[str, Any]) -> SentFile:
    """A file as it stands in the conversation; that of a stored conversation is a part in OpenAI's form."""
    if isinstance(file, Media):
        return SentFile(one_line(file.file_name or file_title(file), _LONGEST_NAME), file.size, file)
    kind = str(file.get("type"))
    held = file.get(kind)
    part: Mapping[str, Any] = held if isinstance(held, Mapping) else {}
    name = one_line(str(part.get("filename") or ""), _LONGEST_NAME) or _KINDS.get(kind, "file")
    address = part.get("url") or part.get("file_data")
    if isinstance(address, str) and len(address) <= _LONGEST_URI and is_data_uri(address):
        with contextlib.suppress(InvalidRequest):
            media = media_from_data_uri(address)
            return SentFile(name, media.size, media)
    data = part.get("data")
    return SentFile(name, len(data) * 3 // 4 if isinstance(data, str) else None)


def _small(media: Media) -> Media | None:
    """A small picture of a file; None if it is no picture of pixels, or cannot be made small."""
    picture = first_raster([media])
    if picture is None or picture.data is None:
        return None
    drawn = drawn_pixels(picture.data) or 0
    if len(picture.data) <= _SMALL and drawn <= _FEW_PIXELS:
        return picture
    may_stay = len(picture.data) <= _LARGEST and drawn <= _FEW_PIXELS
    return (_shrunk(picture.data) if drawn <= _MOST_PIXELS else None) or (picture if may_stay else None)


def _shrunk(data: bytes) -> Media | None:
    try:
        pil, operations = (importlib.import_module(f"PIL.{name}") for name in ("Image", "ImageOps"))
        with pil.open(io.BytesIO(data)) as opened:
            opened.draft("RGB", (_SIDE, _SIDE))
            opened.thumbnail((_SIDE, _SIDE))
            upright = operations.exif_transpose(opened)
        is_clear = upright.has_transparency_data
        kind = "PNG" if is_clear else "JPEG"
        written = io.BytesIO()
        upright.convert("RGBA" if is_clear else "RGB").save(written, kind)
    except Exception:  # noqa: BLE001 - PIL is missing, or a broken file makes it fail in any way
        return None
    return Media(f"image/{kind.lower()}", written.getvalue())
