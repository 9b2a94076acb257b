"""What is fetched in the background: each thing by one thread, a few at once, so that no request waits for it."""

import contextlib
import os
import threading
from collections.abc import Callable, Hashable

_MOST_THREADS = 4


class Loads:
    """Loads under way. Usable from any thread."""

    def __init__(self) -> None:
        self._begin_anew()

    def begin(self, mark: Hashable, load: Callable[[], object]) -> threading.Event:
        """Load on a thread, unless this is being loaded, or too much is.

        Args:
            mark: what is loaded.
            load: loads it; its errors are dropped, since nobody waits for them, and the next request tries again.

        Returns:
            An event that is set at its end, or at once if it was not begun.
        """
        if self._process != os.getpid():  # forked: a thread that is not here may hold the lock, and none is loading
            self._begin_anew()
        ended = threading.Event()
        with self._lock:
            if mark in self._under_way:
                return self._under_way[mark]
            if len(self._under_way) >= _MOST_THREADS:
                ended.set()
                return ended
            self._under_way[mark] = ended

        def work() -> None:
            try:
                with contextlib.suppress(Exception):
                    load()
            finally:
                self._end(mark)

        try:
            threading.Thread(target=work, name="fal_notebook schema", daemon=True).start()
        except RuntimeError:  # no thread can be started
            self._end(mark)
        return ended

    def _begin_anew(self) -> None:
        self._lock, self._process = threading.Lock(), os.getpid()
        self._under_way: dict[Hashable, threading.Event] = {}

    def _end(self, mark: Hashable) -> None:
        with self._lock:
            ended = self._under_way.pop(mark, None)
        if ended is not None:
            ended.set()
