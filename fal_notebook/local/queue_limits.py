"""How often a queue may be asked. Sans-I/O."""

from collections.abc import Callable


class Rate:
    """A bound on requests a second, which lets those of one second come together.

    Args:
        a_second: the most requests a second; None for no bound.
        clock: seconds that only grow.
    """

    def __init__(self, a_second: float | None, clock: Callable[[], float]) -> None:
        self._a_second, self._clock = a_second, clock
        self._left = a_second or 0.0
        self._last = clock()

    def wait(self) -> float:
        """Count a request, and return 0; or count nothing, and return the seconds until it will be let in."""
        if self._a_second is None:
            return 0.0
        now = self._clock()
        most = max(1.0, self._a_second)
        self._left = min(most, self._left + (now - self._last) * self._a_second)
        self._last = now
        if self._left < 1.0:
            return (1.0 - self._left) / self._a_second
        self._left -= 1.0
        return 0.0
