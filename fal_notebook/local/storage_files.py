"""The files of the local storage: on the disk while they come, and until their time is over."""

import asyncio
import hashlib
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fal_notebook.local.asgi import Receive

_PIECE = 1_048_576  # bytes
_MOST_PARTS = 10_000
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")


class StoreError(Exception):
    """A file cannot be taken.

    Args:
        status: the HTTP status of the answer.
        words: why not.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@dataclass
class StoredFile:
    """A file that is stored, or comes.

    Attributes:
        id: its part of the URL that nobody can guess.
        upload: what allows to bring it; another secret, since many know the URL.
        name: its name, of harmless letters.
        content_type: its type.
        until: when its time is over, in seconds since 1970; None for never.
        size: its bytes, once it is whole; None before.
    """

    id: str
    upload: str
    name: str
    content_type: str
    until: float | None
    size: int | None = None


class Files:
    """The files in one folder. Used on one event loop.

    Args:
        folder: the folder.
        most_bytes: the most bytes of a file.
        clock: the time, in seconds since 1970.
    """

    def __init__(self, folder: Path, most_bytes: int, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._most_bytes, self._clock = folder, most_bytes, clock
        self._files: dict[str, StoredFile] = {}
        self._parts: dict[str, dict[int, tuple[str, int]]] = {}

    def __len__(self) -> int:
        return sum(file.size is not None for file in self._files.values())

    def begin(self, content_type: str, name: str, seconds: float | None) -> StoredFile:
        """A file that will come."""
        known = content_type if _TYPE.fullmatch(content_type) else "application/octet-stream"
        until = None if seconds is None else self._clock() + seconds
        file = StoredFile(secrets.token_urlsafe(16), secrets.token_urlsafe(16), _harmless(name), known, until)
        self._files[file.id] = file
        self._parts[file.id] = {}
        return file

    def of_upload(self, upload: str) -> StoredFile:
        """The file that an upload brings.

        Raises:
            StoreError: there is no such upload.
        """
        found = next((file for file in self._files.values() if secrets.compare_digest(file.upload, upload)), None)
        if found is None or found.size is not None:
            raise StoreError(404, "There is no such upload")
        return found

    def stored(self, file_id: str) -> StoredFile | None:
        """A file that is whole, and whose time is not over."""
        file = self._files.get(file_id)
        return file if file is not None and file.size is not None else None

    async def take(self, file_id: str, receive: Receive) -> None:
        """Store a file that comes as one body.

        Raises:
            StoreError: it is too large, or did not come whole.
        """
        try:
            size, _ = await self._write(self._folder / file_id, receive, self._most_bytes)
        except StoreError:
            self._files.pop(file_id, None)
            raise
        self._coming(file_id).size = size

    async def take_part(self, file_id: str, number: int, receive: Receive) -> str:
        """Store a part of a file, and return what proves it.

        Raises:
            StoreError: it is too large, or did not come whole.
        """
        parts = self._parts[self._coming(file_id).id]
        if not 1 <= number <= _MOST_PARTS:
            raise StoreError(422, "There is no part of this number")
        before = sum(size for other, (_, size) in parts.items() if other != number)
        size, etag = await self._write(self._part(file_id, number), receive, self._most_bytes - before)
        parts[number] = (etag, size)
        return etag

    async def complete(self, file_id: str, parts: Sequence[tuple[int, str]]) -> None:
        """Make a file of its parts.

        Raises:
            StoreError: they are not the ones that came.
        """
        came = self._parts[self._coming(file_id).id]
        if not parts or parts != sorted((number, etag) for number, (etag, _) in came.items()):
            raise StoreError(422, "These are not the parts that came")
        await asyncio.to_thread(self._join, file_id, [number for number, _ in parts])
        self._coming(file_id).size = sum(size for _, size in came.values())

    async def pieces(self, file: StoredFile) -> AsyncIterator[bytes]:
        """The bytes of a file."""
        with (self._folder / file.id).open("rb") as opened:
            while piece := await asyncio.to_thread(opened.read, _PIECE):
                yield piece

    def sweep(self) -> None:
        """Delete the files whose time is over."""
        now = self._clock()
        for file in [each for each in self._files.values() if each.until is not None and each.until <= now]:
            del self._files[file.id]
            for number in self._parts.pop(file.id, {}):
                self._part(file.id, number).unlink(missing_ok=True)
            (self._folder / file.id).unlink(missing_ok=True)

    def _coming(self, file_id: str) -> StoredFile:
        file = self._files.get(file_id)
        if file is None:
            raise StoreError(404, "The time of this file is over")
        return file

    async def _write(self, path: Path, receive: Receive, most: int) -> tuple[int, str]:
        size, digest = 0, hashlib.sha256()
        try:
            with path.open("wb") as file:
                async for piece in _body(receive, most):
                    size += len(piece)
                    digest.update(piece)
                    file.write(piece)
        except BaseException:
            path.unlink(missing_ok=True)  # noqa: ASYNC240 - as quick as the writes
            raise
        return size, f'"{digest.hexdigest()[:32]}"'

    def _join(self, file_id: str, numbers: Sequence[int]) -> None:
        with (self._folder / file_id).open("wb") as whole:
            for number in numbers:
                path = self._part(file_id, number)
                with path.open("rb") as part:
                    shutil.copyfileobj(part, whole, _PIECE)
                path.unlink()

    def _part(self, file_id: str, number: int) -> Path:
        return self._folder / f"{file_id}.{number}"


async def _body(receive: Receive, most: int) -> AsyncIterator[bytes]:
    """The pieces of a request's body.

    Raises:
        StoreError: there are more bytes, or the client has gone.
    """
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise StoreError(400, "The file did not come whole")
        piece = message.get("body", b"")
        size += len(piece)
        if size > most:
            raise StoreError(413, "The file is too large")
        yield piece
        more = message.get("more_body", False)


def _harmless(name: str) -> str:
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in name[-80:])
    return kept.strip(".") or "file"
