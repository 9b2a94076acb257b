"""Sans-I/O: which of many queued requests is looked at next, and how often.

A request is looked at when it is likely to have ended: those that wait, by how many are ahead of them and how fast the
queue goes; those at work, by how long earlier ones have worked. Of several that are due, the oldest is first. To look
at a request that has ended costs nothing, since it brings an answer. Looks in vain are few a second, however many rows
there are.
"""

import heapq
from dataclasses import dataclass, field

from ..wire.queue_address import Links
from ..wire.queue_protocol import QueueStatus

IN_VAIN = 5.0
"""The most looks a second that find nothing new."""
_SOONEST, _LATEST = 0.2, 20.0  # seconds until a request is looked at again
_FIRST = 0.1  # seconds until a request is looked at that was just submitted, if nothing else is known
_GROWTH = 1.6  # of the pause with each look in vain at a request that is at work
_WEIGHT = 0.1  # of the newest in running means
_LATE = 0.05  # of the time that requests work: so late an end may be found
_SHARE = 0.8  # of the time that a request is expected to wait, after which it is looked at


@dataclass(order=True)
class Outstanding:
    """A request in the queue. It is ordered by when it is due, and then by its age.

    Attributes:
        due: when it is looked at next.
        age: its place in the order of submission.
        number: its row.
        request_id: its id.
        links: where the queue answers for it.
        sent: when it was submitted, in seconds since 1970.
        state: the last known state.
        vain: how often it was looked at in vain since it is at work.
        is_cancelled: whether it was asked to be taken out of the queue.
        is_late: whether that was for its time-out.
        unknown: how often the queue did not know it.
    """

    due: float
    age: int
    number: int = field(compare=False)
    request_id: str = field(compare=False)
    links: Links = field(compare=False)
    sent: float = field(compare=False, default=0.0)
    state: str = field(compare=False, default="IN_QUEUE")
    vain: int = field(compare=False, default=0)
    is_cancelled: bool = field(compare=False, default=False)
    is_late: bool = field(compare=False, default=False)
    unknown: int = field(compare=False, default=0)


class QueuePace:
    """The requests that are outstanding, and when each is looked at.

    Times are those of one clock, in seconds, which the caller gives.

    Args:
        in_vain: the most looks a second that find nothing new.
    """

    def __init__(self, in_vain: float = IN_VAIN) -> None:
        self._in_vain = in_vain
        self._later: list[Outstanding] = []  # a heap: what is due first
        self._due: list[tuple[int, Outstanding]] = []  # a heap of what is due: the oldest
        self._allowed, self._counted = in_vain, 0.0
        self._ages = 0
        self._work = 0.0  # seconds that a request works, a running mean; 0 while none is known
        self._between = 0.0  # seconds between the ends of two requests, a running mean
        self._last_end: float | None = None

    def __len__(self) -> int:
        return len(self._later) + len(self._due)

    def add(self, number: int, request_id: str, links: Links, now: float, sent: float) -> None:
        """Take a request that is in the queue now."""
        self._ages += 1
        pause = max(_FIRST, _SHARE * self._work) if self._work else _FIRST
        due = now + min(pause, _LATEST)
        heapq.heappush(self._later, Outstanding(due, self._ages, number, request_id, links, sent))

    def next(self, now: float) -> Outstanding | float | None:
        """What to look at now; else the seconds to wait; None where nothing is outstanding.

        What is given out counts as looked at in vain until `ended` says that it was not.
        """
        while self._later and self._later[0].due <= now:
            found = heapq.heappop(self._later)
            heapq.heappush(self._due, (found.age, found))
        if not self._due:
            return self._later[0].due - now if self._later else None
        most = max(1.0, self._in_vain, self._allowed)
        self._allowed = min(most, self._allowed + (now - self._counted) * self._in_vain)
        self._counted = now
        if self._allowed < 1.0:
            return (1.0 - self._allowed) / self._in_vain
        self._allowed -= 1.0
        return heapq.heappop(self._due)[1]

    def look_at_all(self) -> None:
        """Look at all again, once and at once, since what is to be done with them has changed."""
        self._allowed += len(self)
        self._due += [(each.age, each) for each in self._later]
        self._later.clear()
        heapq.heapify(self._due)

    def still_there(self, found: Outstanding, status: QueueStatus, now: float) -> None:
        """Take back a request that has not ended."""
        is_waiting = status.state == "IN_QUEUE"
        found.vain = 0 if is_waiting else found.vain + 1
        found.state, found.unknown = status.state, 0
        self._put(found, now, self._pause_in_line(status.position or 0) if is_waiting else self._pause_at_work(found))

    def later(self, found: Outstanding, seconds: float, now: float) -> None:
        """Take back a request of which nothing could be found out."""
        self._put(found, now, seconds)

    def ended(self, status: QueueStatus, now: float) -> None:
        """Take note that a request has ended, which was not looked at in vain."""
        self._allowed += 1.0
        if status.seconds is not None:
            self._work += (_WEIGHT if self._work else 1.0) * (status.seconds - self._work)
        if self._last_end is not None:
            between = max(0.0, now - self._last_end)
            self._between += (_WEIGHT if self._between else 1.0) * (between - self._between)
        self._last_end = now

    def _put(self, found: Outstanding, now: float, pause: float) -> None:
        found.due = now + pause
        heapq.heappush(self._later, found)

    def _pause_in_line(self, ahead: int) -> float:
        expected = (ahead + 1) * self._between + self._work
        return min(_LATEST, max(_SOONEST, _SHARE * expected if expected else 0.1 * ahead))

    def _pause_at_work(self, found: Outstanding) -> float:
        most = max(1.0, _LATE * self._work) if self._work else _LATEST
        return min(_LATEST, most, _SOONEST * _GROWTH ** min(found.vain - 1, 20))
