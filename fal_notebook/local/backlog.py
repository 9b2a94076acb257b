"""The requests of one connection that were sent early and wait for their turn.

A client may send as many as it likes, so what is kept of them has limits. Those beyond are not dropped, which would
give the next answer to the wrong request: their places are kept, and each is refused when its turn comes.
"""

import asyncio
import enum

_MAX_BYTES = 256 * 1024 * 1024
_MAX_REFUSED = 10_000


class Turn(enum.Enum):
    """What stands in the place of a request's body."""

    REFUSED = enum.auto()
    END = enum.auto()


class Backlog:
    """A queue of requests, in order.

    Args:
        limit: the most requests that wait; together they have 256 MB at the most.

    Attributes:
        flooded: once so many were to be refused that there was no place for more.
    """

    def __init__(self, limit: int) -> None:
        self.flooded = False
        self._limit = limit
        self._turns: asyncio.Queue[bytes | Turn] = asyncio.Queue()
        self._bytes = self._waiting = self._refused = 0

    def add(self, body: bytes) -> None:
        """Take a request, or its place if there are too many."""
        if self._waiting and (self._waiting >= self._limit or self._bytes + len(body) > _MAX_BYTES):
            self._refused += 1
            self.flooded = self.flooded or self._refused > _MAX_REFUSED
            self._turns.put_nowait(Turn.REFUSED)
            return
        self._waiting += 1
        self._bytes += len(body)
        self._turns.put_nowait(body)

    def end(self) -> None:
        """Take the word that no more will come."""
        self._turns.put_nowait(Turn.END)

    async def next(self) -> bytes | Turn:
        """Wait for the next request, and give it out."""
        turn = await self._turns.get()
        if turn is Turn.REFUSED:
            self._refused -= 1
        elif not isinstance(turn, Turn):
            self._waiting -= 1
            self._bytes -= len(turn)
        return turn
