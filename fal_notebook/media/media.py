"""A picture, a recording, a video or another file, as bytes or as a URL.

The type of a file follows from its first bytes where these are a known signature, else from the server's label: fal's
own documentation shows audio under a ``text/event-stream`` header.
"""

import base64
import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..safety.file_names import file_extension, file_name
from ..safety.plain_text import one_line
from ..wire.fetching import download, may_be_fetched
from .disk import write_whole
from .opened import array_of, picture_of, samples_of, text_of
from .picture_size import drawn_pixels, pixels

MAX_BYTES = 2 * 1024**3
"""The most bytes that are fetched from a URL, unless the caller says otherwise."""
_OCTET_STREAM = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")
_MAGIC: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), content_type)
    for pattern, content_type in (
        (rb"RIFF....WAVE", "audio/wav"),
        (rb"RIFF....WEBP", "image/webp"),
        (rb"ID3[\x02-\x04][\x00-\x10]", "audio/mpeg"),
        (rb"OggS\x00", "audio/ogg"),
        (rb"fLaC\x00", "audio/flac"),
        (rb"\x89PNG\r\n\x1a\n", "image/png"),
        (rb"\xff\xd8\xff", "image/jpeg"),
        (rb"GIF8[79]a", "image/gif"),
        (rb"\x00\x00..ftypM4A", "audio/mp4"),
        (rb"\x00\x00..ftypavi[fs]", "image/avif"),
        (rb"\x00\x00..ftyp", "video/mp4"),
        (rb"\x1a\x45\xdf\xa3", "video/webm"),
        (rb"%PDF-\d", "application/pdf"),
    )
)
_AUDIO_FRAMES: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\xff[\xf2\xf3\xfa\xfb][\x10-\xef]"), "audio/mpeg"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "audio/aac"),
)
_SOUND_FILES = tuple((magic, content_type) for magic, content_type in _MAGIC if content_type.startswith("audio/"))
_FIRST_BYTES_OF_MAGIC = frozenset(b"RIOfG%\x00\x1a\x89\xff")
_SOUND_OR_VIDEO = ("audio/ogg", "video/mp4", "video/webm")
SNIFF_BYTES = 12
"""How many first bytes `sniff` needs to be sure."""
_RASTER_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
_PICTURE_TYPES = (*_RASTER_TYPES, "image/avif")
_MARKUP = re.compile(r"svg|xml|html")
_MOST_SHOWN = 64_000_000  # bytes of a picture that go into a notebook
MOST_PIXELS = 100_000_000
"""The most pixels of one answer's pictures that a page gets to draw: each takes it four bytes of memory."""

_TYPES_BY_EXTENSION = {
    "glb": "model/gltf-binary",
    "gltf": "model/gltf+json",
    "zip": "application/zip",
    **dict.fromkeys(("fbx", "obj", "ply", "safetensors", "splat", "stl", "usdz"), _OCTET_STREAM),
}
"""3-D models, weights and archives. Most machines know no type for them, and a page never fetches them by itself."""
_SYNONYMS = {
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/x-flac": "audio/flac",
    "image/jpg": "image/jpeg",
}


@dataclass(frozen=True)
class Media:
    """One file of an answer.

    Attributes:
        content_type: the MIME type, lower case, without parameters.
        data: the bytes, where the answer held them.
        url: the address of the bytes, where it did not.
        file_name: the name that the server gave.
        width, height: of a picture, in pixels, where the server gave them.
        seed: the seed of this picture, where the server gave it.
        duration: of sound or video, in seconds, where the server gave it.
        file_size: in bytes, where the server gave it.
        name: what the answer calls it, such as ``vocals``; empty if its name in the JSON says no more than its type.
        gateway: the host that named the URL, if it is this machine or in a private network: files on this host may be
            fetched, while any other host has to be public.
    """

    content_type: str
    data: bytes | None = None
    url: str | None = None
    file_name: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    seed: int | None = None
    file_size: int | None = field(default=None, compare=False)
    name: str = field(default="", compare=False)
    gateway: str | None = field(default=None, compare=False, repr=False)

    @property
    def kind(self) -> str:
        """``image``, ``audio``, ``video``, or another type's first word."""
        return self.content_type.partition("/")[0]

    @property
    def extension(self) -> str:
        """The type's usual extension, with its dot; ``.bin`` or ``.txt`` for types that programs run."""
        return file_extension(self.content_type)

    @property
    def size(self) -> int | None:
        """How many bytes it has, where that is known."""
        return self.file_size if self.data is None else len(self.data)

    @property
    def pixels(self) -> tuple[int, int] | None:
        """Width and height of a picture, from the server or else from its bytes."""
        if self.width and self.height:
            return self.width, self.height
        return pixels(self.data) if self.data and self.kind == "image" else None

    @property
    def address(self) -> str | None:
        """The URL, if a page may fetch it; None if its host is plainly in a private network."""
        return self.url if self.url and may_be_fetched(self.url, self.gateway) else None

    def data_uri(self) -> str:
        """The bytes as a ``data:`` URI (RFC 2397), for use as an argument of another request."""
        return f"data:{self.content_type};base64,{base64.b64encode(self.read()).decode('ascii')}"

    def read(self, timeout: float = 60, *, max_bytes: int = MAX_BYTES) -> bytes:
        """The bytes, fetched from the URL where the answer did not hold them.

        fal's media URLs are public, so no key goes with the request, and hosts that are not public are not asked.

        Args:
            timeout: seconds to wait for the server, and at any time for its next bytes.
            max_bytes: the most bytes to fetch, counted after decompression.

        Raises:
            ConnectError: the URL could not be fetched, or leads into a private network.
            ResponseTooLarge: there are more bytes.
        """
        if self.data is not None:
            return self.data
        return download(self.url or "", timeout=timeout, max_bytes=max_bytes, gateway=self.gateway)

    @property
    def image(self) -> Any:
        """The file as a picture of PIL. As for `array`, `audio` and `text`, its bytes are fetched if need be.

        Raises:
            UnreadableFile: it is no picture of pixels, or PIL is not installed.
            ConnectError, ResponseTooLarge: as for `read`.
        """
        return picture_of(self.read(), self.content_type)

    @property
    def array(self) -> Any:
        """The file as an array of NumPy: rows × columns × values of a picture's pixels, or a recording's samples.

        Raises:
            UnreadableFile: it is neither, or a package is not installed.
        """
        return array_of(self.read(), self.content_type)

    @property
    def audio(self) -> tuple[Any, int]:
        """The file as samples of NumPy (frames, or frames × channels) and their rate, in frames a second.

        Raises:
            UnreadableFile: it is no recording, or the package soundfile, which reads other files than WAV, is missing.
        """
        return samples_of(self.read(), self.content_type)

    @property
    def text(self) -> str:
        """The file as text.

        Raises:
            UnreadableFile: it is none.
        """
        return text_of(self.read(), self.content_type)

    def save(self, path: str | Path, *, overwrite: bool = True) -> Path:
        """Write the file and return where it is.

        Args:
            path: a file, which gets the type's extension if it has none; or a folder, where the file gets the server's
                name with the type's extension, and a number if that name is taken.
            overwrite: whether to replace an existing file; if not, the new one gets a number, too.

        Raises:
            ConnectError: the URL could not be fetched.
            ResponseTooLarge: there are more than `MAX_BYTES` at the URL.
            OSError: the file could not be written.
        """
        target = Path(path).expanduser()
        if target.is_dir():
            target, overwrite = target / file_name(self.file_name, self.content_type), False
        if not target.suffix:
            target = target.with_suffix(self.extension)
        return write_whole(target, self.read(), overwrite=overwrite)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """A picture for a notebook, if its bytes are here; of anything else, the words."""
        picture = first_raster([self]) if (self.size or 0) <= _MOST_SHOWN else None
        if picture is None or picture.data is None:
            return {"text/plain": repr(self)}
        return {"text/plain": repr(self), picture.content_type: base64.b64encode(picture.data).decode()}

    def __repr__(self) -> str:
        where = one_line(self.url or "") if self.data is None else f"{len(self.data):,} bytes"
        return f"<Media {self.content_type}, {where}>"


def sniff(head: bytes, *, samples: bool = False) -> str | None:
    """The type whose signature a file begins with, or None.

    Args:
        head: the first `SNIFF_BYTES`, or all there are.
        samples: whether the bytes are sound and may be raw samples. These can look like the start of a picture, or of
            an MP3 or AAC frame, so that only the header of a sound file counts then.
    """
    known = _SOUND_FILES if samples else _MAGIC + _AUDIO_FRAMES
    return next((content_type for magic, content_type in known if magic.match(head)), None)


def first_raster(media: Iterable[Media]) -> Media | None:
    """The first picture that a page can draw without harm, or None.

    Its bytes are there and of a type that holds only pixels, unlike SVG, and it has at most `MOST_PIXELS`.
    """
    for each in media:
        content_type = sniff((each.data or b"")[:SNIFF_BYTES])
        picture = Media(content_type or "", each.data)
        if content_type in _RASTER_TYPES and all(drawable([picture])):
            return picture
    return None


def drawable(pictures: Iterable[Media]) -> list[bool]:
    """For each of an answer's pictures, whether a page can draw it: it has pixels, and all together not too many.

    A vector drawing such as SVG is none, whatever its label says: a few bytes can make the page work without a bound.
    A picture at a URL is judged by its label and the URL alone.
    """
    drawn: list[bool] = []
    rest = MOST_PIXELS
    for picture in pictures:
        size = _pixels_to_draw(picture)
        drawn.append(size is not None and size <= rest)
        rest -= size if size is not None and drawn[-1] else 0
    return drawn


def _pixels_to_draw(picture: Media) -> int | None:
    """How many pixels a page draws of a picture; 0 where that is unknown, None where it may not be drawn."""
    told = (picture.width or 0) * (picture.height or 0)
    if picture.content_type not in _PICTURE_TYPES:
        return None
    if picture.data is not None:
        return drawn_pixels(picture.data) if sniff(picture.data[:SNIFF_BYTES]) in _PICTURE_TYPES else None
    guessed = guess_type(picture.url or "") or ""
    return None if _MARKUP.search(guessed) else max(told, 0)


def needs_more(head: bytes) -> bool:
    """Whether these first bytes are too few for `sniff` to tell the type."""
    return len(head) < SNIFF_BYTES and (not head or head[0] in _FIRST_BYTES_OF_MAGIC)


def normal_type(label: str | None) -> str:
    """A content type by its usual name, in lower case, without parameters; ``application/octet-stream`` for others."""
    bare = (label or "").partition(";")[0].strip().lower()
    return _SYNONYMS.get(bare, bare) if _TYPE.fullmatch(bare) else _OCTET_STREAM


def media_from_bytes(data: bytes, label: str | None = None) -> Media:
    """A file from its bytes and the server's label.

    Ogg, MP4 and WebM files can hold sound or video: the label tells which.
    """
    plainly, said = sniff(data[:SNIFF_BYTES]), normal_type(label)
    if plainly is None or (plainly in _SOUND_OR_VIDEO and said.startswith(("audio/", "video/"))):
        return Media(said, data)
    return Media(plainly, data)


def guess_type(url: str) -> str | None:
    """The content type that the extension of a URL's path stands for, or None."""
    guessed = only_linked_type(url) or mimetypes.guess_type(urlsplit(url).path)[0]
    return normal_type(guessed) if guessed else None


def only_linked_type(url: str) -> str | None:
    """The content type of a 3-D model or an archive, by the extension of its URL; None for every other URL."""
    return _TYPES_BY_EXTENSION.get(urlsplit(url).path.lower().rpartition(".")[2])
