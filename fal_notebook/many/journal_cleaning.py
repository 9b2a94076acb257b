"""Sans-I/O: the key is taken out of everything that a journal stores."""

from collections.abc import Iterable
from dataclasses import replace

from ..media.media import Media
from ..safety.redaction import Redaction
from .row_files import RowFile
from .stored import Row

_NO_TEXT = ("image", "audio", "video")  # kinds of files that hold no key, and that take long to look through


class Cleaning:
    """Takes a key out of what is stored.

    Args:
        redaction: knows the key.
    """

    def __init__(self, redaction: Redaction) -> None:
        self.text, self.value = redaction.text, redaction.value
        self._redaction = redaction

    def row(self, row: Row) -> Row:
        """A row, as it is stored."""
        if not self._redaction:
            return row
        return Row(self.text(row.label), self.text(row.columns), self.text(row.arguments), self.files(row.files))

    def files(self, files: Iterable[RowFile]) -> tuple[RowFile, ...]:
        """Files, as they are stored."""
        return tuple(RowFile(each.content, self._media(each.media)) for each in files)

    def body(self, body: bytes) -> bytes:
        """The bytes of an answer or a file, as they are stored."""
        if not self._redaction or not self._redaction.is_in_body(body):
            return body
        try:
            return self.text(body.decode()).encode()
        except UnicodeError:
            return self.value(body)

    def _media(self, media: Media) -> Media:
        return media if media.kind in _NO_TEXT else replace(media, data=self.body(media.data or b""))
