"""The uploads of a session: each content once while its URL lives, several at a time, stopped when nobody waits for it.

An upload runs on a thread of its own, since fal-client blocks, and tells its requests on the I/O thread.
"""

import asyncio
import hashlib
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import InvalidRequest, UploadFailed
from ..media.media import Media
from ..wire.connection import Caller
from ..wire.target import Authorization, Target
from .exchanges import Exchange
from .off_loop import on_thread
from .payloads import Payload
from .transfers import Transfer, Upload

if TYPE_CHECKING:
    from ..wire.storage import StorageAccess

KEPT_SECONDS = 24 * 3600
"""For how long fal's storage is asked to keep a file."""
REUSED_SHARE = 0.9
"""The share of this time in which the URL is given to further requests."""
_AT_ONCE = 4  # files of a request
_MOST_KNOWN = 1_000  # URLs that a session remembers

Content = tuple[str, str, Authorization]


class Uploads:
    """The uploads of a session.

    Attributes:
        tell: shows one line to the user.
        kept_seconds: for how long the storage is asked to keep a file.
    """

    def __init__(self) -> None:
        self.tell: Callable[[str], object] = _print
        self.kept_seconds = KEPT_SECONDS
        self._is_told = False
        self._lock = threading.Lock()
        self._known: dict[Content, Upload] = {}
        self._access: dict[Authorization, StorageAccess] = {}

    def announce(self, files: Mapping[str, Media], target: Target) -> Transfer | None:
        """The transfer of a request's files, if there are any. It tells once that uploads are public. On any thread.

        Raises:
            InvalidRequest: there is no key to upload with.
        """
        if not files:
            return None
        if target.authorization is None:
            message = "an upload goes to fal's storage and needs a key of fal"
            raise InvalidRequest(message, hint="set FAL_KEY, or send files within the request: --inline")
        transfer = Transfer(list(files.values()))
        transfer.notice = self.tell_once()
        return transfer

    def tell_once(self) -> str:
        """Tell the user that uploads are public, unless that was told; return what is told. On the user's thread."""
        with self._lock:
            is_first, self._is_told = not self._is_told, True
        if not is_first:
            return ""
        hours = self.kept_seconds / 3600
        notice = (
            f"uploading to fal's storage: whoever has the URL of a file can read it, for {hours:.0f} hours; "
            "%config FalMagics.upload = 'never' sends files within the request"
        )
        self.tell(notice)
        return notice

    async def urls(self, files: Mapping[str, Media], target: Target, transfer: Transfer) -> dict[str, str]:
        """The URLs of files by their marks, once all are uploaded. On the I/O thread.

        Raises:
            UploadFailed: one was not taken. The others are stopped.
        """
        authorization = target.authorization
        if authorization is None:
            raise InvalidRequest("an upload needs a key of fal")
        room = asyncio.Semaphore(_AT_ONCE)

        async def url(number: int, media: Media) -> str:
            async with room:
                content = await on_thread(lambda: _content(media, authorization))
                upload = self._begin(content, media)
                transfer.begin(number, upload)
                return await self._wait(content, upload)

        tasks = [asyncio.create_task(url(number, media)) for number, media in enumerate(files.values())]
        try:
            found = dict(zip(files, await asyncio.gather(*tasks), strict=True))
            transfer.is_whole = True
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        else:
            return found
        finally:
            transfer.is_running = False

    def before(self, exchange: Exchange, payload: Payload, target: Target, transfer: Transfer | None) -> Exchange:
        """An exchange that first uploads the files of a message, if it has any, and then sends it."""
        if transfer is None:
            return exchange

        async def upload_and_send(_: str, caller: Caller) -> None:
            await exchange(await self.message(payload, target, transfer), caller)

        return upload_and_send

    def before_all(
        self, exchange: Exchange, requests: Sequence[tuple[Payload, Transfer | None]], target: Target
    ) -> tuple[list[Exchange], Callable[[], object]]:
        """The exchanges of a pipeline's requests, which wait for all uploads together, and so keep their order.

        Returns:
            The exchange of each request, and what stops the uploads.
        """
        messages = asyncio.gather(*(self.message(payload, target, transfer) for payload, transfer in requests))

        def numbered(number: int) -> Exchange:
            async def send(_: str, caller: Caller) -> None:
                await exchange((await asyncio.shield(messages))[number], caller)

            return send

        return [numbered(number) for number in range(len(requests))], messages.cancel

    async def message(self, payload: Payload, target: Target, transfer: Transfer | None) -> str:
        """The message with the URLs of its files, once all are uploaded. On the I/O thread.

        Raises:
            UploadFailed: one was not taken.
        """
        if transfer is None:
            return payload.message
        return payload.with_urls(await self.urls(payload.files, target, transfer))

    def _begin(self, content: Content, media: Media) -> Upload:
        """The upload of a content: one that runs or is fresh, else a new one. Each caller waits for it."""
        with self._lock:
            upload = self._known.get(content)
            if upload is None or not upload.is_usable(REUSED_SHARE * self.kept_seconds):
                self._known.pop(content, None)
                self._known[content] = upload = Upload()
                self._drop_oldest()
                access = self._access_of(content[2])
                threading.Thread(
                    target=_perform,
                    args=(upload, access, media, self.kept_seconds),
                    name="fal_notebook upload",
                    daemon=True,
                ).start()
            upload.waiting += 1
            return upload

    async def _wait(self, content: Content, upload: Upload) -> str:
        is_good = False
        try:
            url = await asyncio.wrap_future(upload.url)
            is_good = True
            return url
        finally:
            with self._lock:
                upload.waiting -= 1
                if not is_good and not upload.waiting:
                    upload.stopped.set()
                    if self._known.get(content) is upload:
                        del self._known[content]

    def _access_of(self, authorization: Authorization) -> "StorageAccess":
        from ..wire.storage import StorageAccess

        access = self._access.get(authorization)
        if access is None:
            self._access[authorization] = access = StorageAccess(authorization)
        return access

    def _drop_oldest(self) -> None:
        for content in [each for each, upload in self._known.items() if upload.url.done()][:-_MOST_KNOWN]:
            del self._known[content]


def _content(media: Media, authorization: Authorization) -> Content:
    return hashlib.sha256(media.data or b"").hexdigest(), media.content_type, authorization


def _perform(upload: Upload, access: "StorageAccess", media: Media, kept: int) -> None:
    try:
        name = media.file_name or f"file{media.extension}"
        url = access.upload(
            media.data or b"", media.content_type, name, kept=kept, progress=upload.note, stopped=upload.stopped
        )
        upload.url.set_result(url)
    except UploadFailed as exc:
        upload.url.set_exception(exc)
    except BaseException as exc:  # noqa: BLE001 - whoever still waits has to be told
        upload.url.set_exception(UploadFailed(f"the upload was stopped: {type(exc).__name__}"))


def _print(words: str) -> None:
    sys.stderr.write(f"{words}\n")
