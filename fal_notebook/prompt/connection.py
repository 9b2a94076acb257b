"""A widget's connection to its endpoint: opens it before the first prompt, and tells how it stands.

Several threads report: the page's, the one that waits for an attempt to connect, the one that follows an answer. The
last report is what the page shows.
"""

import concurrent.futures
import threading
from collections.abc import Callable

from ..client.sessions import session
from ..errors import FalNotebookError
from ..safety.plain_text import one_line
from .connection_state import Attempt, ConnectionState


class Connection:
    """The connection of a widget. Usable from any thread.

    Args:
        lock: the widget's lock.
        base_url: another host.
        is_streaming: whether an answer streams, which then decides about the state.
        tell: tells the page a new state and its reason; called while the lock is held.
        note: notes them for the user's own code; called without the lock.

    Attributes:
        known: what is known about the connection.
        reported: the state that was told last, and its reason.
    """

    def __init__(
        self,
        lock: threading.RLock,
        base_url: str | None,
        *,
        is_streaming: Callable[[], bool],
        tell: Callable[[str, str], None],
        note: Callable[[str, str], None],
    ) -> None:
        self.known = ConnectionState()
        self.reported = ("idle", "")
        self._lock = lock
        self._base_url = base_url
        self._is_streaming = is_streaming
        self._tell = tell
        self._note = note
        self._endpoint = ""  # of the latest attempt

    def open(self, endpoint: str) -> None:
        """Open the connection in the background, and report the outcome."""
        try:
            attempt = session().connect(endpoint, self._base_url)
        except FalNotebookError as exc:
            self.report("offline", str(exc))
            return
        with self._lock:
            self.known.attempt, self._endpoint = attempt, endpoint
        if not self._is_streaming():
            self.report(self.known.before_request(endpoint))
        threading.Thread(target=self._await, args=(attempt,), name="fal_notebook connect", daemon=True).start()

    def report(self, state: str, reason: str = "") -> None:
        """Tell the page and the user's code a state, unless it was the last one."""
        now = (state, one_line(reason))
        try:
            with self._lock:
                if now == self.reported:
                    return
                self._tell(*now)
                self.reported = now
        finally:
            self._note(*now)

    def report_attempt(self) -> None:
        """Report the state of the latest attempt to connect; without an attempt, the state is ready.

        Another thread may begin an attempt meanwhile. Then this report came too late, and the attempt is reported anew.
        """
        is_latest = False
        while not is_latest:
            attempt = self.known.attempt
            for state, reason in self.known.of_attempt(attempt, self._endpoint):
                self.report(state, reason)
            is_latest = attempt is self.known.attempt

    def _await(self, attempt: Attempt) -> None:
        """Report how an attempt to connect ended, unless a later attempt or a request has replaced it."""
        concurrent.futures.wait([attempt])
        if attempt is self.known.attempt and not self._is_streaming():
            self.report_attempt()
