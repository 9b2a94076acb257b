"""Sans-I/O: how a run goes: which row is sent next, when, and when the run stops.

An engine asks `Conduct.next` what to do, does it, and reports what came of it. It knows sockets or the queue; this
module knows neither, nor the journal, nor the time, which the engine gives. So both engines behave alike, and a run of
a million rows can be tried in a second.

Rows that were refused go to the front: those that have waited longest are sent first.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from .budget import Budget
from .window import Window

USED_UP = "the budget is used up"
"""Why a run stops that would pass its budget."""
COST_UNKNOWN = "the cost of an answer is not known"
"""Why a run stops whose budget cannot be kept."""
_MOST_EQUAL = 10  # failures in a row that say the same
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds without any request under way, where the server gives no time
_KEY, _BALANCE = (401, 403), 402
_ENOUGH = 64  # rows that are held ready beyond the window


@dataclass(frozen=True, slots=True)
class Send:
    """Send this row. Its intent has to be on the disk before."""

    number: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be sent before a request ends, or before a time.

    Attributes:
        until: the time to ask again at; None where a request has to end before.
    """

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to send, and nothing is under way.

    Attributes:
        reason: why the run stopped before its end, on one line; empty where all rows were sent.
    """

    reason: str = ""


class Conduct:
    """Decides what is sent when.

    Args:
        window: how many may be under way.
        budget: what they may cost.

    Attributes:
        reason: why nothing more is sent, on one line; empty where more is.
        obstacle: why sending pauses, on one line; empty where it does not.
    """

    def __init__(self, window: Window, budget: Budget | None = None) -> None:
        self.reason = self.obstacle = ""
        self._window = window
        self._budget = budget or Budget()
        self._ready: list[int] = []
        self._has_more = True  # rows that were not read yet
        self._under_way: dict[int, int] = {}  # rows, and their place in the order of sending
        self._sent = 0
        self._not_before = 0.0
        self._pause = _FIRST_PAUSE
        self._failure = ""
        self._equal = 0

    @property
    def wanted(self) -> int:
        """How many rows should be given to `add`, so that one can be sent at once."""
        return max(0, self._window.size + _ENOUGH - len(self._ready)) if self._has_more and not self.reason else 0

    @property
    def is_short(self) -> bool:
        """Whether the rows that are held ready may soon be all sent, though there are more."""
        return self._has_more and not self.reason and len(self._ready) < _ENOUGH // 2

    @property
    def under_way(self) -> int:
        """How many requests are under way."""
        return len(self._under_way)

    @property
    def free(self) -> int:
        """How many more requests the window allows now."""
        return max(0, self._window.size - self.under_way)

    def upcoming(self, count: int, now: float) -> list[int]:
        """The rows that will be sent next, at most so many; none while nothing may be sent."""
        waits = self.reason or now < self._not_before or not self._budget.allows(self.under_way)
        return [] if waits or count <= 0 else heapq.nsmallest(count, self._ready)

    def add(self, numbers: Iterable[int]) -> None:
        """Take rows that are to be sent."""
        for number in numbers:
            heapq.heappush(self._ready, number)

    def end_of_rows(self) -> None:
        """Take note that there are no more rows than those that were read."""
        self._has_more = False

    def resumed(self, number: int) -> None:
        """Take a row that was submitted before a restart, and that counts as under way."""
        self._begin(number)

    def stop(self, reason: str) -> None:
        """Send nothing more. What is under way goes on."""
        self.reason = self.reason or reason

    def next(self, now: float) -> Send | Wait | Finished:
        """What to do now."""
        may_send = not self.reason and bool(self._ready)
        if may_send and not self._budget.allows(self.under_way):
            if self.under_way:
                return Wait()
            self.stop(COST_UNKNOWN if self._budget.is_blind else USED_UP)
            may_send = False
        if not may_send:
            return Wait() if self.under_way or (self._has_more and not self.reason) else Finished(self.reason)
        if self.under_way >= self._window.size:
            return Wait()
        if now < self._not_before:
            return Wait(self._not_before)
        number = heapq.heappop(self._ready)
        self._begin(number)
        return Send(number)

    # What came of it

    def arrived(self, number: int) -> None:
        """Take note that a request was answered, before it is known how: its place is free for the next row.

        With a budget it is kept until the cost is known. `done` or `failed` follows in any case.
        """
        if not self._budget.is_limited:
            self._under_way.pop(number, None)

    def done(self, number: int, cost: float | None = None) -> None:
        """A row has its answer."""
        self._end(number)
        self.obstacle = ""
        self._budget.billed(cost)
        self._window.answered()
        self._failure, self._equal, self._pause = "", 0, _FIRST_PAUSE

    def failed(self, number: int, status: int | None, message: str, cost: float | None = None) -> None:
        """A row failed, and is not sent again.

        Args:
            number: the row.
            status: the HTTP status, if one came.
            message: what happened, without what differs from row to row.
            cost: what was billed, if anything was.
        """
        self._end(number)
        self.obstacle = ""
        if cost is not None:
            self._budget.billed(cost)
        if status in _KEY:
            self.stop(f"the key was not accepted: {message}")
        elif status == _BALANCE:
            self.stop(f"the balance is used up: {message}")
        else:
            self._window.answered()
        self.count_failure(message, status)

    def count_failure(self, message: str, status: int | None = None) -> None:
        """Take note that a row failed, for itself where it was not sent; ten equal failures in a row stop the run.

        Args:
            message: what happened, without what differs from row to row.
            status: the HTTP status, if one came.
        """
        failure = f"{status} {message}"
        self._equal = self._equal + 1 if failure == self._failure else 1
        self._failure = failure
        if self._equal >= _MOST_EQUAL:
            self.stop(f"{_MOST_EQUAL} rows failed in the same way: {message}")

    def lost(self, number: int, message: str) -> None:
        """A row may have been received, and its answer cannot be had. It counts as a failure, and as billed."""
        self._budget.billed(None)
        self.failed(number, None, message)

    def dropped(self, number: int) -> None:
        """A row was taken back, and is not sent again in this run."""
        self._end(number)

    def refused(self, number: int, now: float, wait: float | None = None) -> None:
        """A row was refused because too much is under way (429), and is sent again.

        Args:
            number: the row.
            now: the time.
            wait: the seconds that the server asks to wait.
        """
        request = self._end(number)
        heapq.heappush(self._ready, number)
        if self.under_way:  # one of them will end and make room
            self._window.refused(request, self._sent, self.under_way)
        elif wait is None:  # others use the account, too
            wait = self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            self.obstacle = "too many requests of this account (429)"
        if wait is not None:
            self._not_before = max(self._not_before, now + wait)

    def not_sent(self, number: int, now: float, message: str) -> None:
        """There was no connection, so that nothing was sent. The row is sent again after a pause."""
        self._end(number)
        self.obstacle = message
        heapq.heappush(self._ready, number)
        if now >= self._not_before:  # of several that failed together, the first one counts
            self._equal = self._equal + 1 if self._failure == message else 1
            self._failure = message
            self._not_before = now + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        if self._equal >= _MOST_EQUAL:
            self.stop(f"no connection in {_MOST_EQUAL} tries: {message}")

    def _begin(self, number: int) -> None:
        self._sent += 1
        self._under_way[number] = self._sent

    def _end(self, number: int) -> int:
        return self._under_way.pop(number, 0)  # 0: `arrived` has taken it out
