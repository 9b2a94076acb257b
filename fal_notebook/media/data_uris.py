"""Files as text: addresses that know their file, and files from ``data:`` URIs (RFC 2397).

These are decoded in pieces: a long one may consist of escapes alone.
"""

import base64
import binascii
import re
from typing import Self
from urllib.parse import unquote_to_bytes

from ..errors import InvalidRequest
from .media import Media, media_from_bytes

_DATA_URI = re.compile(r"data:([^;,\s/]+/[^;,\s]+)((?:;[^;,]*)*),", re.IGNORECASE)
_MOST_ESCAPES = 250_000  # in a data URI: each takes a hundred times as long to decode as a letter of base64
_UNESCAPED_AT_ONCE = 16_384  # bytes, each of which may be an object while they are decoded
_BASE64_AT_ONCE = 4_000_000  # characters, a multiple of four


class FileAddress(str):
    """The address of a file as text, its URL or a data URI, that knows its file: what sends it may choose another one.

    Attributes:
        media: the file.
    """

    media: Media

    def __new__(cls, media: Media) -> Self:
        """The address of a file, whose bytes are within it if it has no URL."""
        address = super().__new__(cls, media.url or media.data_uri())
        address.media = media
        return address

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[Media]]:
        return type(self), (self.media,)


def is_data_uri(text: str) -> bool:
    """Whether the text is a ``data:`` URI (RFC 2397)."""
    return _DATA_URI.match(text) is not None


def media_from_data_uri(uri: str) -> Media:
    """A file from a ``data:`` URI (RFC 2397).

    Raises:
        InvalidRequest: the text is no such URI.
    """
    match = _DATA_URI.match(uri)
    if match is None:
        raise InvalidRequest("not a data URI")
    if uri.count("%") > _MOST_ESCAPES:
        raise InvalidRequest(f"a data URI has more than {_MOST_ESCAPES:,} escapes", hint="base64 needs none")
    body = _unescaped(uri[match.end() :].encode("utf-8", "replace"))
    if "base64" in match[2].lower().split(";"):
        try:
            body = _from_base64(body + b"=" * (-len(body) % 4))
        except binascii.Error:
            raise InvalidRequest("the base64 of a data URI is broken") from None
    return media_from_bytes(body, match[1])


def _from_base64(text: bytes) -> bytes:
    """Decode base64, piece by piece if no other characters stand in it."""
    try:
        pieces = [base64.b64decode(text[at : at + _BASE64_AT_ONCE]) for at in range(0, len(text), _BASE64_AT_ONCE)]
    except binascii.Error:
        return base64.b64decode(text)
    is_plain = all(4 * len(piece) == 3 * _BASE64_AT_ONCE for piece in pieces[:-1])
    return b"".join(pieces) if is_plain else base64.b64decode(text)


def _unescaped(text: bytes) -> bytes:
    """Decode escapes such as ``%41`` for ``A``, piece by piece."""
    if b"%" not in text:
        return text
    pieces: list[bytes] = []
    at = 0
    while at < len(text):
        end = at + _UNESCAPED_AT_ONCE
        cut = text.find(b"%", max(at, end - 2), end)  # an escape that would be cut goes into the next piece
        end = cut if cut > at else end
        pieces.append(unquote_to_bytes(text[at:end]))
        at = end
    return b"".join(pieces)
