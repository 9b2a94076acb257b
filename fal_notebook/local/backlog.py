"""The requests of one connection that were sent early and wait for their turn.

A client may send as many as it likes, so that there are limits to what is kept. Requests beyond them are not dropped,
since the client would take the next answer for theirs: their places are kept, and each is refused in its turn.
"""

import asyncio
import enum

_MAX_BYTES = 256 * 1024 * 1024
_MAX_REFUSED = 10_000


class Marker(enum.Enum):
    """What stands in the place of a request's body."""

    REFUSED = enum.auto()
    END = enum.auto()


class Backlog:
    """A queue of requests, in order.

    Args:
        limit: the most requests that wait; together they have 256 MB at the most.

    Attributes:
        flooded: whether there were too many requests even to be refused in turn.
    """

    def __init__(self, limit: int) -> None:
        self.flooded = False
        self._limit = limit
        self._turns: asyncio.Queue[bytes | Marker] = asyncio.Queue()
        self._bytes = self._waiting = self._refused = 0

    def add(self, body: bytes) -> None:
        """Queue a request, or only its place if there are too many."""
        if self._waiting and (self._waiting >= self._limit or self._bytes + len(body) > _MAX_BYTES):
            self._refused += 1
            self.flooded = self.flooded or self._refused > _MAX_REFUSED
            self._turns.put_nowait(Marker.REFUSED)
            return
        self._waiting += 1
        self._bytes += len(body)
        self._turns.put_nowait(body)

    def end(self) -> None:
        """Note that no more requests will come."""
        self._turns.put_nowait(Marker.END)

    async def next(self) -> bytes | Marker:
        """Wait for the next request, and return it."""
        turn = await self._turns.get()
        if turn is Marker.REFUSED:
            self._refused -= 1
        elif not isinstance(turn, Marker):
            self._waiting -= 1
            self._bytes -= len(turn)
        return turn
