"""Documents with schemas on this machine's disk, in the user's folder for caches.

A document is public, and nothing of the user's is in it. The folder may be read-only, full, or another process's at the
same time: then nothing is stored, and nobody is told.
"""

import contextlib
import hashlib
import time
from pathlib import Path

from ..media.disk import write_whole

_MOST_BYTES = 50_000_000  # of all documents together
_MOST_FILES = 500


class SchemaDisk:
    """The documents on the disk, by their address. Usable from any thread and by several processes."""

    def read(self, url: str) -> tuple[bytes, float] | None:
        """A document, and when it was fetched, in seconds since the epoch; None if it is not there."""
        try:
            path = _folder() / _name(url)
            return path.read_bytes(), min(path.stat().st_mtime, time.time())
        except (OSError, RuntimeError):
            return None

    def write(self, url: str, document: bytes) -> None:
        """Store a document, and remove the oldest ones if there are too many."""
        with contextlib.suppress(OSError, RuntimeError):
            folder = _folder()
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / _name(url), document, overwrite=True)
            _remove_oldest(folder)


def _folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("fal_notebook") / "schemas"


def _name(url: str) -> str:
    return f"{hashlib.sha256(url.encode()).hexdigest()[:40]}.json"


def _remove_oldest(folder: Path) -> None:
    found = sorted(((each.stat(), each) for each in folder.glob("*.json")), key=lambda pair: -pair[0].st_mtime)
    size = 0
    for number, (stat, path) in enumerate(found):
        size += stat.st_size
        if number >= _MOST_FILES or size > _MOST_BYTES:
            path.unlink(missing_ok=True)
