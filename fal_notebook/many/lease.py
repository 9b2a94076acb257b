"""The lease of a journal: which process may write to it.

It is a row of the journal itself, and is renewed with every write and by a thread. So two kernels cannot drive the same
run, also on different machines with the same drive. A process that was killed loses its lease at once where its death
can be seen, which is on the same machine, and elsewhere after half a minute. A machine that slept finds out with its
next write that another kernel took over, before anything is sent.
"""

import os
import platform
import sqlite3
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path

from ..errors import JournalError

_BEAT = 5.0  # seconds between two signs of life
_LIFE = 30.0  # seconds without one, after which a process counts as gone
SCHEMA = """
CREATE TABLE lease (
    id INTEGER PRIMARY KEY CHECK (id = 1), holder TEXT NOT NULL, place TEXT NOT NULL, pid INTEGER NOT NULL,
    machine TEXT NOT NULL, beat REAL NOT NULL
)
"""
"""This table stays the same in all versions of the journal, since a process has to know that an older one writes."""


class Lease:
    """The right of one process to write to a journal.

    All methods but `close` and `start_beating` are called within a transaction of the journal.

    Args:
        path: the journal, for messages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder = uuid.uuid4().hex
        self._is_over = threading.Event()
        _LEASES.add(self)

    def take(self, connection: sqlite3.Connection) -> None:
        """Take the lease.

        Raises:
            JournalError: another process, or this one, has it.
        """
        found = connection.execute("SELECT holder, place, pid, machine, beat FROM lease").fetchone()
        if found is not None and found[0] != self._holder and _is_alive(*found):
            raise JournalError(
                f"{self._path} is driven by {_who(*found[1:4])}", hint="close it there, or wait for its end"
            )
        connection.execute(
            "INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?, ?, ?)",
            (self._holder, _place(), os.getpid(), platform.node(), time.time()),
        )

    def renew(self, connection: sqlite3.Connection) -> None:
        """Give a sign of life.

        Raises:
            JournalError: another process took the lease. Nothing may be written or sent any more.
        """
        done = connection.execute("UPDATE lease SET beat = ? WHERE holder = ?", (time.time(), self._holder))
        if not done.rowcount:
            self._is_over.set()
            raise JournalError(f"{self._path} was taken over by another kernel", hint="look at the run there")

    def is_held_as(self, holder: str) -> bool:
        """Whether this is the lease of a name in a journal, and was not closed."""
        return self._holder == holder and not self._is_over.is_set()

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Leave the journal to others."""
        connection.execute("DELETE FROM lease WHERE holder = ?", (self._holder,))

    def start_beating(self, beat: Callable[[], bool]) -> None:
        """Renew the lease from a thread, until `close`, or until ``beat`` returns False."""

        def keep() -> None:
            while not self._is_over.wait(_BEAT) and beat():
                pass

        threading.Thread(target=keep, name="fal-journal-lease", daemon=True).start()

    def close(self) -> None:
        """End the thread."""
        self._is_over.set()


_LEASES: weakref.WeakSet[Lease] = weakref.WeakSet()
"""Those of this process that are still in use."""


def _is_alive(holder: str, place: str, pid: int, _machine: str, beat: float) -> bool:
    if place == _place():
        if pid == os.getpid():
            return any(each.is_held_as(holder) for each in _LEASES)
        if os.name == "posix" and not _has_process(pid):
            return False
    return abs(time.time() - beat) < _LIFE


def _has_process(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _place() -> str:
    """Where the numbers of processes mean the same: a machine since its start, and there a container."""
    parts = [platform.node()]
    for name, read in (
        ("/proc/sys/kernel/random/boot_id", lambda path: path.read_text().strip()),
        ("/proc/self/ns/pid", lambda path: str(path.readlink())),
    ):
        try:
            parts.append(read(Path(name)))
        except OSError:
            parts.append("")
    return " ".join(parts)


def _who(place: str, pid: int, machine: str) -> str:
    if place == _place() and pid == os.getpid():
        return "another run in this kernel"
    return f"another kernel (process {pid} on {machine})"
