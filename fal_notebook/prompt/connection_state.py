"""How a widget's connection stands, from what its requests and its attempts to connect show.

A connection belongs to the session, which opens one when it is asked to, or when a request needs it. So nothing here
opens or closes any; this only finds the words for what is known.
"""

import concurrent.futures
from collections.abc import Callable, Collection, Iterator

from ..client.result import Result
from ..client.sessions import session
from ..errors import ConnectError, ConnectionLost, FalNotebookError

STATES = ("idle", "connecting", "reconnecting", "ready", "streaming", "offline")
Attempt = concurrent.futures.Future[None]


def connected_endpoints() -> set[str]:
    """The endpoints to which the session has a connection that is open."""
    return {each.endpoint for each in session().connections}


class ConnectionState:
    """What is known of the connection.

    Args:
        connected: gives the endpoints to which a connection is open now.

    Attributes:
        attempt: the attempt to connect that counts; a later one takes its place, and so does a request.
    """

    def __init__(self, connected: Callable[[], Collection[str]] = connected_endpoints) -> None:
        self.attempt: Attempt | None = None
        self._connected = connected
        self._was_open_to = ""

    def opened(self, endpoint: str) -> None:
        """Note that a connection was open."""
        self._was_open_to = endpoint

    def opening(self, endpoint: str) -> str:
        """The state while a connection is being opened."""
        return "reconnecting" if endpoint == self._was_open_to else "connecting"

    def before_request(self, endpoint: str, open_state: str = "connecting") -> str:
        """The state before a request is on its way: whether the connection for it has to be opened anew."""
        return open_state if endpoint in self._connected() else self.opening(endpoint)

    def of_attempt(self, attempt: Attempt | None, endpoint: str) -> Iterator[tuple[str, str]]:
        """How an attempt to connect stands, if there is one: each state to tell, with its reason.

        It may end while the first is told. Then the second is its end; else what awaits it has to ask again.
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
        return isinstance(result.error, (ConnectError, ConnectionLost)) or self._found_none(result)

    def _found_none(self, result: Result) -> bool:
        """Whether it failed before it was sent, and no connection is open: the handshake was refused, or slow."""
        never_sent = result.error is not None and result.metrics.connect is None
        return never_sent and result.endpoint not in self._connected()
