"""The connections to one endpoint, and which request gets which.

People send prompts seconds apart, and one connection is kept open for them. Requests that overlap get further
connections, up to a bound, so that a quick one does not wait behind a slow one; these close when they have not been
needed for a while. The kept one closes likewise once enough other endpoints have been used since.
"""

import asyncio
import math
import time
from copy import copy
from dataclasses import dataclass
from typing import Any

from ..errors import FalNotebookError, InvalidRequest
from .connection import Caller, Connection
from .handshake import open_connection
from .target import Target

_MOST_UNANSWERED = 64  # requests of a pipeline; fal's own limit is not known


@dataclass(frozen=True)
class Limits:
    """The limits of a session's connections and responses.

    Attributes:
        connections: the most that are open to one endpoint; further requests wait their turn.
        idle_seconds: how long all but one of them stay open unused.
        max_body: the most bytes that a response may have.
        open_timeout: seconds to open a connection, repeated tries included.

    Raises:
        InvalidRequest: one of them is no number, or too small.
    """

    connections: int = 4
    idle_seconds: float = 60.0
    max_body: int = 2 * 1024**3
    open_timeout: float = 90.0

    def __post_init__(self) -> None:
        _check("connections", self.connections, 1, int)
        _check("idle_seconds", self.idle_seconds, 0, int, float)
        _check("max_body", self.max_body, 1, int)
        _check("open_timeout", self.open_timeout, 0.001, int, float)


def _check(name: str, value: Any, least: float, *kinds: type) -> None:
    is_one = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_one or not least <= value < math.inf:
        raise InvalidRequest(f"Limits: {name} is {_kind_words(kinds)} of at least {least:g}, not {value!r:.80}")


def _kind_words(kinds: tuple[type, ...]) -> str:
    return "a number" if float in kinds else "a whole number"


class Pool:
    """The connections to one target. Used on the I/O thread only."""

    def __init__(self, target: Target, limits: Limits) -> None:
        self.target = target
        self.connections: list[Connection] = []
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.connections)
        self._closed = False
        self._asks_for_key = False  # a gateway on this machine does, and gets the key from then on
        self._idle: list[tuple[Connection, float]] = []  # with the time of their last use, the latest at the end
        self._kept_open = 1
        self._trim_timer: asyncio.TimerHandle | None = None

    async def exchange(self, payload: str, caller: Caller) -> None:
        """Carry one request as soon as it is its turn; see `Connection.exchange`."""
        async with self._turns:
            connection = await self._take()
            try:
                await connection.exchange(payload, caller)
            finally:
                self._give_back(connection)

    def pipeline(self) -> "Pipeline":
        """A pipeline: its requests go out without waiting for each other's answers."""
        return Pipeline(self)

    async def connect(self) -> None:
        """Have a connection open for the next request, unless as many as may be open are in use.

        Raises:
            FalNotebookError: no connection came about.
        """
        if not self._turns.locked():
            async with self._turns:
                self._give_back(await self._take())

    def keep_last(self, *, kept: bool) -> None:
        """Set whether the connection used last stays open however long it is unused."""
        self._kept_open = int(kept)
        self._plan_trim()

    def retire(self) -> None:
        """Close unused connections now and the others after their requests. No further requests come here."""
        self._closed = True
        while self._idle:
            self._drop(self._idle.pop()[0])

    async def close(self) -> None:
        """Close every connection; requests under way end with `ConnectionLost`."""
        self._closed = True
        connections, self.connections, self._idle = self.connections, [], []
        await asyncio.gather(*(connection.wait_closed() for connection in connections))

    async def _take(self) -> Connection:
        while self._idle:
            connection, _ = self._idle.pop()
            ready = False
            try:
                ready = await connection.is_ready()
            finally:
                if not ready:
                    self._drop(connection)
            if ready:
                return connection
        connection = await open_connection(
            self.target,
            max_body=self._limits.max_body,
            open_timeout=self._limits.open_timeout,
            asks_for_key=self._asks_for_key,
        )
        self.connections.append(connection)
        return connection

    def _give_back(self, connection: Connection) -> None:
        asked_before, self._asks_for_key = self._asks_for_key, self._asks_for_key or connection.asks_for_key
        lacks_key = self._asks_for_key and not asked_before and self.target.is_local  # which the next request needs
        if self._closed or lacks_key or connection not in self.connections or not connection.is_reusable:
            self._drop(connection)
            return
        self._idle.append((connection, time.monotonic()))
        self._plan_trim()

    def _plan_trim(self) -> None:
        """Set a timer for when the first connection may close: one, however many requests there are meanwhile."""
        if len(self._idle) > self._kept_open and self._trim_timer is None:
            unused = time.monotonic() - self._idle[0][1]
            self._trim_timer = asyncio.get_running_loop().call_later(self._limits.idle_seconds - unused, self._trim)

    def _trim(self) -> None:
        """Close connections that were unused for long, but never the last one that is to be kept open."""
        self._trim_timer = None
        latest = time.monotonic() - self._limits.idle_seconds + 0.01
        while len(self._idle) > self._kept_open and self._idle[0][1] <= latest:
            self._drop(self._idle.pop(0)[0])
        self._plan_trim()

    def _drop(self, connection: Connection) -> None:
        connection.close()
        if connection in self.connections:
            self.connections.remove(connection)


class Pipeline:
    """Requests over one connection, sent before earlier ones are answered (pipelining). It has to be closed.

    A bounded number of them is sent ahead. When the connection is lost, these are lost with it, and the others go over
    a new one. No request is sent twice.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Connection | None = None
        self._failure: FalNotebookError | None = None
        self._has_turn = False
        self._opening = asyncio.Lock()
        self._unanswered = asyncio.Semaphore(_MOST_UNANSWERED)

    async def exchange(self, payload: str, caller: Caller) -> None:
        """Carry one request, after those of earlier calls; see `Connection.exchange`."""
        async with self._unanswered:
            async with self._opening:
                connection = await self._open()
            await connection.exchange(payload, caller)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._pool._give_back(self._connection)
        if self._has_turn:
            self._pool._turns.release()

    async def _open(self) -> Connection:
        if self._failure is not None:  # one failed try to open counts for all requests
            raise copy(self._failure)
        if self._connection is not None and not self._connection.is_open:
            self._pool._give_back(self._connection)
            self._connection = None
        if self._connection is None:
            self._connection = await self._take()
        return self._connection

    async def _take(self) -> Connection:
        if not self._has_turn:
            await self._pool._turns.acquire()
            self._has_turn = True
        try:
            return await self._pool._take()
        except FalNotebookError as exc:
            self._failure = exc
            raise
