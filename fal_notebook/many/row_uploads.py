"""The files of rows go to fal's storage before the rows are sent, as those of a single request do.

A row with files is given to the conduct only when they are there. So a row whose file is still on its way was certainly
not sent, takes no place in the window, and waits for nothing once it is its turn. The URLs are in the journal before
the row is sent: with them, a row whose answer was lost is found in fal's list of requests.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping

from ..client.payloads import UploadChoice
from ..client.sessions import session
from ..client.transfers import Transfer
from ..client.uploads import REUSED_SHARE, Uploads
from ..errors import InvalidRequest, UploadFailed
from ..media.media import Media
from ..wire.target import Target
from .conduct import Conduct
from .journal import Journal
from .row_files import filled

_AT_ONCE = 4  # files, each of which is in memory while it is uploaded
_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 30.0, 30.0, 30.0)  # seconds, after each upload that failed for a moment
_FOR_A_MOMENT = (408, 429)  # statuses of the storage which, besides those from 500 on, do not speak of the file
_TO_ALL = (401, 403)
Uploaded = tuple[str, str, float]
"""A file's content, its URL, and when it was uploaded, in seconds since 1970."""
Read = Callable[[str], Awaitable[Media | None]]


class RowUploads:
    """Uploads files of rows, each content once while its URL lives. Made on the user's thread; used on one event loop.

    Args:
        target: where the rows are sent.
        choice: what the user wishes for uploads.

    Attributes:
        is_needed: whether files are uploaded; else they are sent within the requests.
    """

    def __init__(self, target: Target, choice: UploadChoice) -> None:
        self.is_needed = choice == "always" or (choice == "auto" and target.is_fal)
        self._target = target
        self._uploads = session().companion(Uploads)
        self._known: dict[str, tuple[str, float]] = {}
        self._not_stored: list[Uploaded] = []
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._room = asyncio.Semaphore(_AT_ONCE)

    def know(self, urls: Mapping[str, tuple[str, float]]) -> None:
        """Take URLs of before a restart."""
        self._known.update(urls)

    def take(self) -> list[Uploaded]:
        """The URLs that are to be stored, each once."""
        found, self._not_stored = self._not_stored, []
        return found

    async def upload(self, contents: Iterable[str], read: Read) -> None:
        """Have files uploaded that were not, or not lately.

        Args:
            contents: the files.
            read: reads one.

        Raises:
            UploadFailed: the storage did not take one.
        """
        for content in contents:
            async with self._locks[content], self._room:
                if not self._is_fresh(content):
                    await self._upload(content, read)

    def message(self, text: str, journal: Journal) -> str:
        """The message of a row, with the URLs of its files in it, or else the files. On any thread."""
        return filled(text, journal.address_of if self.is_needed else journal.data_uri_of)

    async def _upload(self, content: str, read: Read) -> None:
        media = await read(content)
        if media is not None:  # else the text only looks like the mark of a file
            found = await self._uploads.urls({content: media}, self._target, Transfer([media]))
            self._known[content] = url, when = found[content], time.time()
            self._not_stored.append((content, url, when))

    def _is_fresh(self, content: str) -> bool:
        if content not in self._known:
            return False
        return abs(time.time() - self._known[content][1]) < REUSED_SHARE * self._uploads.kept_seconds


class Arrivals:
    """New rows on their way from the journal to the conduct: those with files come when these are uploaded.

    Args:
        conduct: takes the rows that can be sent.
        uploads: has files uploaded.
        read: reads a file.
        refused: takes a row that cannot be sent, and why.
        changed: called when a row has come, or comes no more.
    """

    def __init__(
        self,
        conduct: Conduct,
        uploads: RowUploads,
        read: Read,
        refused: Callable[[int, UploadFailed], None],
        changed: Callable[[], None],
    ) -> None:
        self._conduct, self._uploads, self._read = conduct, uploads, read
        self._refused, self._changed = refused, changed
        self._rows: dict[int, asyncio.Task[None]] = {}

    @property
    def count(self) -> int:
        """How many rows wait for their files."""
        return len(self._rows)

    def take(self, numbers: list[int], contents: Mapping[int, tuple[str, ...]]) -> None:
        """Take new rows.

        Args:
            numbers: the rows.
            contents: the files of those that have any.
        """
        self._conduct.add(each for each in numbers if each not in contents)
        for number, files in contents.items():
            self._rows[number] = asyncio.create_task(self._bring(number, files))

    def end(self) -> None:
        """Bring no more."""
        for task in list(self._rows.values()):
            task.cancel()

    async def _bring(self, number: int, contents: tuple[str, ...]) -> None:
        try:
            await self._upload(contents)
        except InvalidRequest as exc:  # there is no key to upload with
            self._conduct.stop(exc.words)
        except UploadFailed as exc:
            if exc.status in _TO_ALL or _is_for_a_moment(exc):
                self._conduct.stop(exc.message)
            else:
                self._refused(number, exc)
        else:
            self._conduct.add([number])
        finally:
            del self._rows[number]
            self._changed()

    async def _upload(self, contents: tuple[str, ...]) -> None:
        for pause in _PAUSES:
            try:
                await self._uploads.upload(contents, self._read)
            except UploadFailed as exc:
                if not _is_for_a_moment(exc):
                    raise
                self._conduct.obstacle = exc.message
                await asyncio.sleep(pause)
            else:
                return
        await self._uploads.upload(contents, self._read)


def _is_for_a_moment(failure: UploadFailed) -> bool:
    """Whether an upload may succeed a little later."""
    status = failure.status
    return status is None or status in _FOR_A_MOMENT or status >= 500
