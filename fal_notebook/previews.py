"""Floor 4: the pictures of an answer as a page takes them while they stream: the newest, and only so often.

A page is given bytes of types that cannot act: no SVG, which may hold a script, and no URL, which would be fetched.
"""

import time

from .media import SNIFF_BYTES, sniff
from .updates import Preview

_RASTER = ("image/png", "image/jpeg", "image/webp", "image/gif")
_BYTES_A_SECOND = 2_000_000
_LARGEST = 8_000_000


class NewestPicture:
    """Collects an answer's previews, and gives the newest picture when the pace allows one."""

    def __init__(self) -> None:
        self._picture: tuple[str, bytes] | None = None
        self._due = 0.0

    def feed(self, update: Preview) -> None:
        """Collect new previews; the first that is a picture counts."""
        for media in update.media:
            content_type = sniff((media.data or b"")[:SNIFF_BYTES])
            if media.data and content_type in _RASTER and len(media.data) <= _LARGEST:
                self._picture = (content_type, media.data)
                return

    def take(self) -> tuple[str, bytes] | None:
        """Type and bytes of the newest picture, if there is one since the last call and it may go out now."""
        now = time.monotonic()
        if self._picture is None or now < self._due:
            return None
        picture, self._picture = self._picture, None
        self._due = now + len(picture[1]) / _BYTES_A_SECOND
        return picture
