"""Formats those answers of a static transcript that have only words at first, on a thread, once the page is up."""

import threading
import time
from collections.abc import Callable, Iterable

from .transcript import Transcript

_LONGEST_WAIT = 5.0  # seconds for a page, which opens after the cell; there may be none


class Formatting:
    """Formats what a transcript has of earlier answers. Usable from any thread.

    The thread rests after each answer for as long as that took, so that a cell which runs meanwhile loses little. Only
    then are all pieces written, one shortly after the other: after each change, JupyterLab searches all outputs of the
    cell for headings.

    Args:
        lock: the widget's lock.
        transcript: the transcript.
        write: writes pieces into their outputs. It is called while the lock is held.
        ended: called once at the end, while the lock is held.
    """

    def __init__(
        self,
        lock: threading.RLock,
        transcript: Transcript,
        write: Callable[[Iterable[int]], None],
        ended: Callable[[], None],
    ) -> None:
        self._lock = lock
        self._transcript = transcript
        self._write = write
        self._ended = ended
        self._may_begin = threading.Event()
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """Format once the page is up, or after some seconds, if there is something to format."""
        with self._lock:
            if self._thread is None and self._transcript.with_words_only:
                self._thread = threading.Thread(target=self._format_all, name="fal_notebook transcript", daemon=True)
                self._thread.start()

    def begin(self) -> None:
        """The page is up: format, if there is something to format."""
        self._may_begin.set()
        self.prepare()

    def _format_all(self) -> None:
        self._may_begin.wait(_LONGEST_WAIT)
        for entry in self._transcript.unformatted:
            began = time.thread_time()
            entry.bundle  # noqa: B018 - it is made once, when it is first needed
            time.sleep(time.thread_time() - began)
        for number in self._transcript.with_words_only:
            with self._lock:
                self._write(self._transcript.format(number))
        with self._lock:
            self._ended()
