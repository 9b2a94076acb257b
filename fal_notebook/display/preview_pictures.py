"""Chooses which preview pictures a page gets while an answer streams: only the newest, at a limited pace.

A page gets only the bytes of raster pictures. It gets no SVG, which may hold a script, and no URL, which it would load.
"""

import time

from ..media.media import first_raster
from ..response.updates import Preview

PICTURE_BYTES = 2_000_000
"""The most bytes of pictures that go to a page in a second, on average."""
_LARGEST_BYTES = 8_000_000


class NewestPicture:
    """Collects an answer's previews, and returns the newest picture when the pace allows one."""

    def __init__(self) -> None:
        self._picture: tuple[str, bytes] | None = None
        self._due = 0.0

    def feed(self, update: Preview) -> None:
        """Collect new previews. Only the first raster picture among them counts."""
        picture = first_raster(media for media in update.media if len(media.data or b"") <= _LARGEST_BYTES)
        if picture is not None and picture.data:
            self._picture = (picture.content_type, picture.data)

    def take(self) -> tuple[str, bytes] | None:
        """The type and bytes of the newest picture, if it is new since the last call and may be sent now."""
        now = time.monotonic()
        if self._picture is None or now < self._due:
            return None
        picture, self._picture = self._picture, None
        self._due = now + len(picture[1]) / PICTURE_BYTES
        return picture
