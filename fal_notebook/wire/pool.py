"""The connections to one endpoint, and whose turn it is.

People send prompts seconds apart, and for them one connection is kept open. Requests that overlap get further
connections, up to a bound, so that a quick one does not wait behind a slow one; those close again when they have
not been needed for a while. So does the one to an endpoint that is none of those used last.
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

_AHEAD = 64  # requests of a lane that are sent and not answered; fal's own limit is not known


@dataclass(frozen=True)
class Limits:
    """What a session allows itself.

    Attributes:
        connections: the most that are open to one endpoint; further requests wait their turn.
        idle_seconds: after how long unused the further ones close.
        max_body: the most bytes that a response may have.
        open_timeout: seconds for the opening of a connection, further tries included.

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
        raise InvalidRequest(f"Limits: {name} is {_a(kinds)} of at least {least:g}, not {value!r:.80}")


def _a(kinds: tuple[type, ...]) -> str:
    return "a number" if float in kinds else "a whole number"


class Pool:
    """The connections to one target. Used on the I/O thread only."""

    def __init__(self, target: Target, limits: Limits) -> None:
        self.target = target
        self.connections: list[Connection] = []
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.connections)
        self._closed = False
        self._is_asked = False  # for a key, which a gateway on this machine gets then
        self._idle: list[tuple[Connection, float]] = []  # the last used last, with the time since when
        self._kept = 1
        self._trimmer: asyncio.TimerHandle | None = None

    async def exchange(self, payload: str, caller: Caller) -> None:
        """Carry one request as soon as it is its turn; see `Connection.exchange`."""
        async with self._turns:
            connection = await self._take()
            try:
                await connection.exchange(payload, caller)
            finally:
                self._give_back(connection)

    def lane(self) -> "Lane":
        """A connection for requests that go out without waiting for each other's answers."""
        return Lane(self)

    async def connect(self) -> None:
        """Have a connection open for the next request. Where all that may be open are in use, there is none to open.

        Raises:
            FalNotebookError: no connection came about.
        """
        if not self._turns.locked():
            async with self._turns:
                self._give_back(await self._take())

    def keep_last(self, *, kept: bool) -> None:
        """Say whether the connection used last stays open however long it is unused."""
        self._kept = int(kept)
        self._plan_trim()

    def retire(self) -> None:
        """Close what is unused, and the rest when its request has ended: nothing new comes here."""
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
            is_asked=self._is_asked,
        )
        self.connections.append(connection)
        return connection

    def _give_back(self, connection: Connection) -> None:
        was_asked, self._is_asked = self._is_asked, self._is_asked or connection.asks_for_key
        is_without = self._is_asked and not was_asked and self.target.is_local  # the next request goes with the key
        if self._closed or is_without or connection not in self.connections or not connection.is_reusable:
            self._drop(connection)
            return
        self._idle.append((connection, time.monotonic()))
        self._plan_trim()

    def _plan_trim(self) -> None:
        """Look again when the first may close: one timer, however many requests there are meanwhile."""
        if len(self._idle) > self._kept and self._trimmer is None:
            unused = time.monotonic() - self._idle[0][1]
            self._trimmer = asyncio.get_running_loop().call_later(self._limits.idle_seconds - unused, self._trim)

    def _trim(self) -> None:
        """Close what has not been used for long; of an endpoint in use, the connection used last stays."""
        self._trimmer = None
        latest = time.monotonic() - self._limits.idle_seconds + 0.01
        while len(self._idle) > self._kept and self._idle[0][1] <= latest:
            self._drop(self._idle.pop(0)[0])
        self._plan_trim()

    def _drop(self, connection: Connection) -> None:
        connection.close()
        if connection in self.connections:
            self.connections.remove(connection)


class Lane:
    """Requests one behind the other over one connection, sent ahead and answered in order. It has to be closed.

    Not all are sent at once: those that were not when the connection is lost go over another, the rest is lost with
    it. No request is sent twice.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Connection | None = None
        self._failure: FalNotebookError | None = None
        self._has_turn = False
        self._door = asyncio.Lock()
        self._places = asyncio.Semaphore(_AHEAD)

    async def exchange(self, payload: str, caller: Caller) -> None:
        """Carry one request, behind those for which this was called before; see `Connection.exchange`."""
        async with self._places:
            async with self._door:
                connection = await self._open()
            await connection.exchange(payload, caller)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._pool._give_back(self._connection)
        if self._has_turn:
            self._pool._turns.release()

    async def _open(self) -> Connection:
        if self._failure is not None:  # what cannot be opened is not tried anew for each
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
