"""The order in which requests are worked on, and how many are ahead of each. Sans-I/O.

A client asks for its position again and again while thousands wait. Each request has a ticket, and tickets are numbered
consecutively: its position is the distance to the first one, less those in between that were cancelled.
"""

from bisect import bisect_left, insort
from collections import deque


class _Lane:
    """Requests that are worked on in the order in which they came."""

    def __init__(self) -> None:
        self._order: deque[str] = deque()
        self._tickets: dict[str, int] = {}
        self._first = 0
        self._cancelled: list[int] = []

    def __len__(self) -> int:
        return len(self._tickets)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._tickets

    def add(self, request_id: str) -> None:
        self._tickets[request_id] = self._first + len(self._order)
        self._order.append(request_id)

    def take(self) -> str | None:
        while self._order:
            request_id = self._order.popleft()
            self._first += 1
            if self._tickets.pop(request_id, None) is not None:
                return request_id
            del self._cancelled[0]
        return None

    def remove(self, request_id: str) -> None:
        insort(self._cancelled, self._tickets.pop(request_id))

    def position(self, request_id: str) -> int:
        ticket = self._tickets[request_id]
        return ticket - self._first - bisect_left(self._cancelled, ticket)


class Line:
    """The requests that wait: those of normal priority first, each kind in the order in which they came."""

    def __init__(self) -> None:
        self._normal, self._low = _Lane(), _Lane()

    def __len__(self) -> int:
        return len(self._normal) + len(self._low)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._normal or request_id in self._low

    def add(self, request_id: str, *, low: bool = False) -> None:
        """Put a request at the end of its kind."""
        (self._low if low else self._normal).add(request_id)

    def take(self) -> str | None:
        """Return the request whose turn it is, which waits no longer; None if none waits."""
        return self._normal.take() or self._low.take()

    def remove(self, request_id: str) -> bool:
        """Take a request out of the line, and tell whether it was in it."""
        for lane in (self._normal, self._low):
            if request_id in lane:
                lane.remove(request_id)
                return True
        return False

    def position(self, request_id: str) -> int:
        """Return how many requests are ahead of this one; 0 if it does not wait."""
        if request_id in self._normal:
            return self._normal.position(request_id)
        return len(self._normal) + self._low.position(request_id) if request_id in self._low else 0
