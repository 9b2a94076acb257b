"""How a run stands: what is counted while it goes on, and the line that tells it."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from ..client.usage import money
from ..safety.plain_text import one_line
from .conduct import COST_UNKNOWN, USED_UP
from .row_states import OPEN, State
from .stored import Outcome

INTERRUPTED, CANCELLED = "interrupted", "cancelled"
BY_USER = (INTERRUPTED, CANCELLED)
"""The reasons for which a user stops a run."""
_HOW_TO_GO_ON = {
    USED_UP: "run.resume(budget=…) goes on",
    COST_UNKNOWN: 'run.resume(budget=float("inf")) goes on without a budget',
}
_NEWEST = 5  # rows
_MOST_TIMES = 4_000  # ends of rows, of which the rate is known
_RATE_SECONDS = 30.0  # for which the rate is counted
_BAR_LENGTH = 20  # characters
_NOT_DONE: tuple[State, ...] = ("failed", "unknown", "cancelled")
_WITHOUT_ANSWER: tuple[State, ...] = ("failed", "unknown")
_DIGITS = 2  # of a sum of money, behind its first zeros


@dataclass(frozen=True)
class Standing:
    """How a run stands at a moment.

    Attributes:
        endpoint: the endpoint that is asked.
        total: how many requests there are; rows that share another one's answer are none.
        counts: how many of them are in each state.
        spent: US dollars, as far as answers said so.
        rate: rows that ended in a second; 0 where that is not known.
        is_running: whether the run goes on.
        reason: why it stopped before its end; empty where it did not.
        notes: what else is to be said.
    """

    endpoint: str
    total: int
    counts: Mapping[State, int]
    spent: float = 0.0
    rate: float = 0.0
    is_running: bool = False
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def ended(self) -> int:
        """How many rows have ended, in whatever way."""
        return self.total - self.left

    @property
    def left(self) -> int:
        """How many rows are still to be done."""
        return sum(self.counts.get(state, 0) for state in OPEN)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take; None where that is not known, or nothing more is sent."""
        goes_on = self.is_running and not self.reason
        return self.left / self.rate if goes_on and self.rate and self.left else None

    @property
    def bar(self) -> str:
        """A bar of characters, and the part that has ended."""
        part = self.ended / self.total if self.total else 1.0
        full = int(part * _BAR_LENGTH)
        return f"{'█' * full}{'░' * (_BAR_LENGTH - full)} {int(part * 100)} %"

    @property
    def words(self) -> str:
        """Everything on one line, the bar left out."""
        return one_line(" · ".join(filter(None, [self.counted, self.stopped, self.way_on, *self._advice, *self.notes])))

    @property
    def stopped(self) -> str:
        """That it stopped before its end, and why; empty where it did not stop."""
        return f"stopped: {self.reason}" if self.reason else ""

    @property
    def way_on(self) -> str:
        """How it goes on if it stopped; empty where nothing is left."""
        if not self.reason or not self.left or self.is_running:
            return ""
        return _HOW_TO_GO_ON.get(self.reason, "run.resume() goes on")

    @property
    def has_failed(self) -> bool:
        """Whether it stopped by itself before its end."""
        return bool(self.reason) and self.reason not in BY_USER

    @property
    def is_to_be_told(self) -> bool:
        """Whether its end is to be told also to who has waited for a moment only: not all rows have an answer."""
        return self.has_failed or any(self.counts.get(state) for state in _WITHOUT_ANSWER)

    @property
    def others(self) -> str:
        """What else is to be said beside the counts and why it stopped."""
        return " · ".join([*self._advice, *self.notes])

    @property
    def counted(self) -> str:
        """The counts, the rate and what was spent."""
        under_way = self.counts.get("intent", 0) + self.counts.get("submitted", 0)
        parts = [f"{self.counts.get('done', 0):,} of {self.total:,} done"]
        parts += [f"{self.counts[state]:,} {state}" for state in _NOT_DONE if self.counts.get(state)]
        parts += [f"{under_way:,} under way"] if under_way and self.is_running else []
        parts += [f"{self.counts['new']:,} waiting"] if self.counts.get("new") else []
        parts += [f"{self.rate:,.1f} rows/s"] if self.is_running and self.rate else []
        parts += [f"{_duration(self.seconds_left)} left"] if self.seconds_left is not None else []
        parts += [f"{money(self.spent, _DIGITS)} spent"] if self.spent else []
        return " · ".join([self.endpoint, *parts])

    @property
    def _advice(self) -> list[str]:
        """What can be done about rows that have no answer, once nothing more is sent."""
        if self.is_running:
            return []
        failed = ["run.failed lists what failed, run.retry(failed=True) sends it again"]
        unknown = ["run.retry(unknown=True) sends what is unknown again"]
        return (failed if self.counts.get("failed") else []) + (unknown if self.counts.get("unknown") else [])


class Progress:
    """Counts how rows end. Usable from any thread.

    Args:
        endpoint: the endpoint that is asked.
        counts: how many rows are in each state at the start.
        spent: what was billed by then.

    Attributes:
        newest: the rows that ended last, the last one first.
        version: grows with each change.
    """

    def __init__(self, endpoint: str, counts: Mapping[State, int], spent: float) -> None:
        self.newest: deque[int] = deque(maxlen=_NEWEST)
        self.version = 0
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._counts = dict(counts)
        self._spent = spent
        self._times: deque[float] = deque(maxlen=_MOST_TIMES)
        self._began = time.monotonic()

    def take(self, number: int, outcome: Outcome | None) -> None:
        """Count that a row ended; without an outcome it became ``unknown``."""
        state: State = "unknown" if outcome is None else outcome.state
        with self._lock:
            before: State = next((each for each in OPEN if self._counts.get(each)), OPEN[0])
            self._counts[before] -= 1
            self._counts[state] = self._counts.get(state, 0) + 1
            self._spent += (outcome and outcome.cost) or 0.0
            self._times.append(time.monotonic())
            self.newest.appendleft(number)
            self.version += 1

    def standing(
        self, *, under_way: int = 0, is_running: bool, reason: str = "", notes: tuple[str, ...] = ()
    ) -> Standing:
        """How the run stands now.

        Args:
            under_way: how many requests are.
            is_running: whether the run goes on.
            reason: why it stopped.
            notes: what else is to be said.
        """
        with self._lock:
            counts, spent = dict(self._counts), self._spent
            now = time.monotonic()
            while self._times and self._times[0] < now - _RATE_SECONDS:
                self._times.popleft()
            since = max(self._began, self._times[0] if len(self._times) == _MOST_TIMES else now - _RATE_SECONDS)
            rate = len(self._times) / max(now - since, 0.5)
        left = sum(counts.get(state, 0) for state in OPEN)
        held = min(under_way, left)
        counts.update({"new": left - held, "intent": held, "submitted": 0})
        return Standing(self._endpoint, sum(counts.values()), counts, spent, rate, is_running, reason, notes)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
