"""Derives the state of a widget's connection from its requests and from its attempts to connect.

Connections belong to the session: it opens one when it is told to, or when a request needs one. So this module opens
and closes none. It only names the state, for the widget's trait ``state``.
"""

import concurrent.futures
from collections.abc import Callable, Collection, Iterator

from ..client.result import Result
from ..client.sessions import session
from ..errors import ConnectError, ConnectionLost, FalNotebookError

STATES = ("idle", "connecting", "reconnecting", "ready", "streaming", "offline")
Attempt = concurrent.futures.Future[None]


def connected_endpoints() -> set[str]:
    """The endpoints to which the session has an open connection."""
    return {each.endpoint for each in session().connections}


class ConnectionState:
    """What is known about the connection.

    Args:
        connected: returns the endpoints that have an open connection now.

    Attributes:
        attempt: the latest attempt to connect; None after a request, whose own connection counts from then on.
    """

    def __init__(self, connected: Callable[[], Collection[str]] = connected_endpoints) -> None:
        self.attempt: Attempt | None = None
        self._connected = connected
        self._was_open_to = ""

    def opened(self, endpoint: str) -> None:
        """Note that a connection to this endpoint was open."""
        self._was_open_to = endpoint

    def opening(self, endpoint: str) -> str:
        """The state while a connection is being opened."""
        return "reconnecting" if endpoint == self._was_open_to else "connecting"

    def before_request(self, endpoint: str, open_state: str = "connecting") -> str:
        """The state before a request is sent: ``open_state`` if the endpoint has an open connection, else `opening`."""
        return open_state if endpoint in self._connected() else self.opening(endpoint)

    def of_attempt(self, attempt: Attempt | None, endpoint: str) -> Iterator[tuple[str, str]]:
        """The states of an attempt to connect, each with its reason; without an attempt, the state is ready.

        For an attempt that is still running, the first state says so. If the attempt ends while the caller reports
        this state, a second one follows. Otherwise call this again when the attempt has ended.
        """
        if attempt is None:
            yield "ready", ""
            return
        if not attempt.done():
            yield self.before_request(endpoint), ""
            if not attempt.done():
                return
        state, reason = "ready", ""
        try:
            attempt.result()
        except FalNotebookError as exc:
            state, reason = "offline", str(exc)
        except concurrent.futures.CancelledError:
            state, reason = "offline", "the session was closed"
        else:
            self.opened(endpoint)
        yield state, reason

    def is_lost(self, result: Result) -> bool:
        """Whether a request ended because there was no connection."""
        return isinstance(result.error, (ConnectError, ConnectionLost)) or self._was_never_connected(result)

    def _was_never_connected(self, result: Result) -> bool:
        """Whether the request failed before it was sent, because the handshake was refused or took too long."""
        never_sent = result.error is not None and result.metrics.connect is None
        return never_sent and result.endpoint not in self._connected()
