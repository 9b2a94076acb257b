"""How far the uploads of a request are. They run on threads of their own; these values are read from any thread."""

import concurrent.futures
import os
import threading
import time
from collections.abc import Sequence

from ..media.media import Media


class Upload:
    """One content on its way to the storage, or there.

    Attributes:
        url: the URL, once it is there.
        sent: how many of its bytes are on their way or have arrived.
        stopped: set when it is no longer wanted.
        waiting: how many requests wait for it.
        began: when it began, in seconds of `time.monotonic`.
    """

    def __init__(self) -> None:
        self.url: concurrent.futures.Future[str] = concurrent.futures.Future()
        self.url.set_running_or_notify_cancel()  # a request that is stopped must not end it for the others
        self.sent = 0
        self.stopped = threading.Event()
        self.waiting = 0
        self.began = time.monotonic()
        self._process = os.getpid()

    def note(self, sent: int) -> None:
        """Note how many bytes are on their way."""
        self.sent = sent

    def is_usable(self, seconds: float) -> bool:
        """Whether it began within so many seconds, and goes on: in a forked process, its thread is not there."""
        goes_on = self.url.done() or self._process == os.getpid()
        return goes_on and time.monotonic() <= self.began + seconds


class Transfer:
    """The uploads of one request, as its consumer sees them. Read from any thread.

    Args:
        files: the files.

    Attributes:
        is_running: whether the request still waits for them.
        is_whole: whether all are uploaded.
        total: how many bytes they have together.
        notice: what is told before the first upload of a kernel; empty for every later one.
    """

    def __init__(self, files: Sequence[Media]) -> None:
        self.is_running = True
        self.is_whole = False
        self.total = sum(len(media.data or b"") for media in files)
        self.notice = ""
        self._sizes = [len(media.data or b"") for media in files]
        self._uploads: list[Upload | None] = [None] * len(files)

    def begin(self, number: int, upload: Upload) -> None:
        """Note the upload of a file."""
        self._uploads[number] = upload

    @property
    def sent(self) -> int:
        """How many bytes are on their way or have arrived."""
        each = zip(self._uploads, self._sizes, strict=True)
        return sum(size if upload.url.done() else upload.sent for upload, size in each if upload is not None)

    @property
    def words(self) -> str:
        """How far it is: ``4.2 of 12.0 MB``, and which of several files have arrived."""
        done = sum(upload is not None and upload.url.done() for upload in self._uploads)
        files = f" · {done} of {len(self._uploads)} files" if len(self._uploads) > 1 else ""
        return f"{self.sent / 1e6:.1f} of {self.total / 1e6:.1f} MB{files}"
