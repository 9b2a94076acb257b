"""How long a model reasoned before its answer, from the times at which the pieces of the response came."""

from collections import deque
from collections.abc import Iterable

from ..response.updates import Piece, Preview, Reasoning, Text, Update


class Arrivals:
    """When the bytes of a body came. One thread adds to it, and another asks, each in the order of the body."""

    def __init__(self) -> None:
        self._moments: deque[tuple[int, float]] = deque()

    def add(self, end: int, moment: float) -> None:
        """Note when the bytes up to a place came."""
        self._moments.append((end, moment))

    def at(self, end: int) -> float | None:
        """When the last of the bytes up to a place came. What is noted of the bytes before is forgotten."""
        while len(self._moments) > 1 and self._moments[0][0] < end:
            self._moments.popleft()
        return self._moments[0][1] if self._moments else None


class ThinkingTime:
    """The time from the first piece of reasoning to the first words or file behind it, or to the last piece.

    Attributes:
        is_running: whether reasoning has come, and nothing behind it yet.
    """

    def __init__(self) -> None:
        self.is_running = False
        self._is_over = False
        self._began: float | None = None
        self._newest: float | None = None

    @property
    def seconds(self) -> float | None:
        """The time; None if there was no reasoning, or if it came at once with what followed it."""
        return None if self._began is None or self._newest is None else (self._newest - self._began) or None

    def seconds_until(self, now: float) -> float | None:
        """The time; while more reasoning may come, until now."""
        return now - self._began if self.is_running and self._began is not None else self.seconds

    def take(self, updates: Iterable[Update], moment: float | None) -> None:
        """Take the updates that one read brought.

        Args:
            updates: the updates.
            moment: when they came.
        """
        if self._is_over:
            return
        for update in updates:
            if isinstance(update, Reasoning):
                self.is_running, self._newest = True, moment
                self._began = moment if self._began is None else self._began
            elif self.is_running and isinstance(update, Text | Preview | Piece):
                self.is_running, self._is_over, self._newest = False, True, moment
                return

    def end(self) -> None:
        """Note that nothing more comes."""
        self.is_running, self._is_over = False, True
