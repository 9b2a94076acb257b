"""The pictures of an answer as a page takes them while they stream: the newest, and only so often.

A page is given bytes of types that cannot act: no SVG, which may hold a script, and no URL, which would be fetched.
"""

import time

from ..media.media import raster
from ..response.updates import Preview

PICTURE_BYTES = 2_000_000
"""How many bytes of pictures may go to a page in a second, on the average."""
_LARGEST = 8_000_000


class NewestPicture:
    """Collects an answer's previews, and gives the newest picture when the pace allows one."""

    def __init__(self) -> None:
        self._picture: tuple[str, bytes] | None = None
        self._due = 0.0

    def feed(self, update: Preview) -> None:
        """Collect new previews; the first that is a picture counts."""
        picture = raster(media for media in update.media if len(media.data or b"") <= _LARGEST)
        if picture is not None and picture.data:
            self._picture = (picture.content_type, picture.data)

    def take(self) -> tuple[str, bytes] | None:
        """Type and bytes of the newest picture, if there is one since the last call and it may go out now."""
        now = time.monotonic()
        if self._picture is None or now < self._due:
            return None
        picture, self._picture = self._picture, None
        self._due = now + len(picture[1]) / PICTURE_BYTES
        return picture
