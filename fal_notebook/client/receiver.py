"""The I/O thread's side of a request: takes its events from the connection, and notes when they came.

The times are taken here, on the I/O thread, so that a consumer that is slow or busy does not change them.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import FalNotebookError
from ..response.updates import Log, Progress
from ..wire.protocol import Data, Event
from .inbox import Inbox
from .thinking_time import Arrivals
from .transfers import Transfer


@dataclass(frozen=True)
class RequestEnd:
    """The last item of an inbox: the request has ended well, with an error, or because the caller stopped it."""

    error: FalNotebookError | None = None
    stopped: bool = False


class Receiver:
    """Takes events from the connection, on the I/O thread, and puts them into the inbox of the consumer.

    Times are those of `time.monotonic`, in seconds. A time is None until the event happens.

    Attributes:
        inbox: the items that the consumer has not taken yet.
        began: when the caller made the request.
        sent_at: when the arguments began to go out.
        is_sent_whole: whether all of the arguments went out.
        first_byte_at: when the first byte of the body came.
        ended_at: when the request ended.
        request_end: how the request ended; None until it has.
        bytes: how many bytes of the body have come.
        arrivals: when they came.
        transfer: the uploads that come before the request; None if there are none.
    """

    def __init__(self) -> None:
        self.inbox: Inbox[Event | RequestEnd | Log | Progress] = Inbox()
        self.began = time.monotonic()
        self.sent_at: float | None = None
        self.is_sent_whole = False
        self.first_byte_at: float | None = None
        self.ended_at: float | None = None
        self.request_end: RequestEnd | None = None
        self.bytes = 0
        self.arrivals = Arrivals()
        self.transfer: Transfer | None = None

    @property
    def elapsed(self) -> float:
        """Seconds from the call until the end of the request, or until now if it has not ended."""
        return (self.ended_at or time.monotonic()) - self.began

    @property
    def connect(self) -> float | None:
        """Seconds from the call until the arguments began to go out."""
        return _between(self.began, self.sent_at)

    @property
    def time_to_first_byte(self) -> float | None:
        """Seconds from the sending of the arguments until the first byte of the body."""
        return _between(self.sent_at, self.first_byte_at)

    @property
    def first_byte_after(self) -> float | None:
        """Seconds from the call to the first byte of the body."""
        return _between(self.began, self.first_byte_at)

    def sent(self) -> None:
        """Note that the arguments begin to go out."""
        self.sent_at = time.monotonic()

    def sent_whole(self) -> None:
        """Note that all of the arguments went out."""
        self.is_sent_whole = True

    def receive(self, events: Sequence[Event], /) -> None:
        """Take the events that one read of the socket brought."""
        for event in events:
            if isinstance(event, Data):
                self.bytes += len(event.data)
                self.first_byte_at = self.first_byte_at or time.monotonic()
        self.arrivals.add(self.bytes, time.monotonic())
        self.inbox.put(*events)

    def end(self, error: FalNotebookError | None = None, *, stopped: bool = False) -> None:
        """Note that the request has ended, and how. Only the first call counts."""
        if self.request_end is None:
            self.ended_at = time.monotonic()
            request_end = RequestEnd(error, stopped)
            self.inbox.put(request_end)
            self.request_end = request_end  # set last: if the steps above fail, a further call tries them again


def _between(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else second - first
