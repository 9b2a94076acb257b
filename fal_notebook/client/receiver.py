"""The I/O thread's side of a request: what comes for it, and when."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import FalNotebookError
from ..wire.protocol import Data, Event
from .inbox import Inbox


@dataclass(frozen=True)
class Over:
    """The last item of an inbox: the request has ended, with an error, by the caller's wish, or well."""

    error: FalNotebookError | None = None
    stopped: bool = False


class Receiver:
    """Takes what the connection hands over, on the I/O thread, and puts it into the inbox of the consumer.

    Times are those of `time.monotonic`, in seconds; None where it has not happened yet.

    Attributes:
        inbox: what the consumer has not taken yet.
        began: when the caller asked.
        sent_at: when the arguments began to go out.
        is_sent_whole: whether all of them did.
        first_byte_at: when the first byte of the body came.
        ended_at: when the request ended.
        over: how it ended.
        bytes: of the body, so far.
    """

    def __init__(self) -> None:
        self.inbox: Inbox[Event | Over] = Inbox()
        self.began = time.monotonic()
        self.sent_at: float | None = None
        self.is_sent_whole = False
        self.first_byte_at: float | None = None
        self.ended_at: float | None = None
        self.over: Over | None = None
        self.bytes = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the call; until the end, once that has come."""
        return (self.ended_at or time.monotonic()) - self.began

    @property
    def connect(self) -> float | None:
        """Seconds from the call until the arguments went out."""
        return _between(self.began, self.sent_at)

    @property
    def time_to_first_byte(self) -> float | None:
        """Seconds from then until the first byte of the body."""
        return _between(self.sent_at, self.first_byte_at)

    @property
    def first_byte_after(self) -> float | None:
        """Seconds from the call to the first byte of the body."""
        return _between(self.began, self.first_byte_at)

    def sent(self) -> None:
        """Note that the arguments go out."""
        self.sent_at = time.monotonic()

    def sent_whole(self) -> None:
        """Note that all of them went out."""
        self.is_sent_whole = True

    def receive(self, events: Sequence[Event], /) -> None:
        """Take the events that one read of the socket brought."""
        for event in events:
            if isinstance(event, Data):
                self.bytes += len(event.data)
                self.first_byte_at = self.first_byte_at or time.monotonic()
        self.inbox.put(*events)

    def end(self, error: FalNotebookError | None = None, *, stopped: bool = False) -> None:
        """Take the end of the request, however it came. The first is the only one."""
        if self.over is None:
            self.ended_at = time.monotonic()
            over = Over(error, stopped)
            self.inbox.put(over)
            self.over = over  # told only once it has been put: what fails before is tried again


def _between(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else second - first
