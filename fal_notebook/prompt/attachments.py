"""The files that go with the next prompt of a box. The page sends each in pieces, since a message has a bound.

Usable from any thread, with the widget's lock held.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import InvalidRequest
from ..media.media import Media, media_from_bytes
from ..safety.plain_text import one_line
from .sent_files import sent_file

MOST_FILES = 10
LARGEST_FILE = 32 * 1024 * 1024  # bytes; the page has the same bound
MOST_BYTES = 64 * 1024 * 1024  # of all files together, whole or on their way
_LONGEST_NAME = 120
_LONGEST_TYPE = 100


class FileRefused(InvalidRequest):
    """A file was not attached; the message names it."""


@dataclass(frozen=True)
class Piece:
    """A piece of a file, as the page sends it.

    Attributes:
        file: the file's id, which the page has chosen.
        name: the file's name.
        content_type: what the page takes it for.
        size: the bytes of the whole file.
        argument: the argument that it is for; empty for the next prompt.
        at: the offset of the piece.
        data: its bytes.
    """

    file: str
    name: str
    content_type: str
    size: int
    argument: str
    at: int
    data: bytes


@dataclass
class Attachment:
    """A file that a page sends.

    Attributes:
        first: its first piece, which says all of the file but its bytes.
        media: the file, once all of it is here.
    """

    first: Piece
    media: Media | None = None
    received: bytearray = field(default_factory=bytearray, repr=False)

    @cached_property
    def picture(self) -> Media | None:
        """A small picture of a file that is here, if it is a picture, as the conversation will have it."""
        return None if self.media is None else sent_file(self.media).picture


class Attachments:
    """The files of a box, in the order in which they arrived."""

    def __init__(self) -> None:
        self._files: dict[str, Attachment] = {}

    @property
    def whole(self) -> Sequence[tuple[str, Attachment]]:
        """The files that are here, each with its id."""
        return [(name, each) for name, each in self._files.items() if each.media is not None]

    @property
    def media(self) -> list[Media]:
        """The files that are here, for a request."""
        return [each.media for each in self._files.values() if each.media is not None]

    def take(self, piece: Piece) -> Attachment | None:
        """Take a piece of a file. Return the file with its last piece, else None.

        Raises:
            FileRefused: the file is empty or too large, there are too many, or the piece follows no other.
        """
        if piece.at == 0:
            self._check(piece)
            self._files[piece.file] = Attachment(piece)
        found = self._files.get(piece.file)
        if found is None or found.media is not None:
            return None
        received = found.received
        if piece.at != len(received) or len(received) + len(piece.data) > found.first.size:
            del self._files[piece.file]
            raise FileRefused(f"{_name(piece)} did not arrive whole", hint="attach it again")
        received += piece.data
        if len(received) < found.first.size:
            return None
        media = media_from_bytes(bytes(received), piece.content_type[:_LONGEST_TYPE] or None)
        self._files[piece.file] = self._files.pop(piece.file)  # the order is that of arrival
        found.media = Media(media.content_type, media.data, file_name=_name(found.first))
        found.received = bytearray()
        return found

    def remove(self, file: str) -> None:
        """Remove a file, if it is there."""
        self._files.pop(file, None)

    def clear(self) -> None:
        """Remove the files that are here; those on their way stay."""
        self._files = {name: each for name, each in self._files.items() if each.media is None}

    def _check(self, piece: Piece) -> None:
        others = [each for name, each in self._files.items() if name != piece.file]
        if piece.size == 0:
            raise FileRefused(f"{_name(piece)} is empty", hint="it was not attached")
        if not 0 < piece.size <= LARGEST_FILE:
            raise FileRefused(f"{_name(piece)} is larger than 32 MB", hint="give its URL as an argument")
        if len(others) >= MOST_FILES or sum(each.first.size for each in others) + piece.size > MOST_BYTES:
            raise FileRefused(f"{_name(piece)} is not attached: {MOST_FILES} files of 64 MB together are the most")


def _name(piece: Piece) -> str:
    return one_line(piece.name, _LONGEST_NAME) or "file"
