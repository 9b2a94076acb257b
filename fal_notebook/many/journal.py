"""The journal of a run: a SQLite file that knows for each row what was asked, where it stands and what came.

The order of writing is what makes that no row is paid for twice and no answer is lost. `intend` is on the disk before
the request is sent, `answer` before the answer is parsed, and a row's state is always one that was true when it was
written; `row_states` draws them. A process may die between any two lines. `Journal.drive` then finds rows in the state
``intent``, of which nobody knows whether they were received, and makes them ``unknown``.

The key is taken out of everything that is stored.
"""

import contextlib
import json
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from ..errors import JournalError
from ..safety.redaction import Redaction
from .journal_cleaning import Cleaning
from .journal_file import bring_up_to_date, connect, our_errors, version
from .journal_rows import insert_files, insert_rows
from .journal_view import JournalView
from .lease import Lease
from .row_states import BEFORE, State
from .stored import Answer, Header, Outcome, Row

_NO_KEY = Redaction()
_SOCKETS = "sockets"  # the engine whose requests end with the process
_LONGEST_ERROR = 2_000  # characters


class Journal(JournalView):
    """A journal to write to, which one process may have at a time. Usable from any thread.

    Args:
        path: the file.
        connection: what is open of it.
        lease: the right to write.
        redaction: takes the key out.

    Attributes:
        may_write: whether this process still drives the run.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lease: Lease, redaction: Redaction) -> None:
        super().__init__(path, connection)
        self.may_write = True
        self._lease: Lease | None = lease
        self._clean = Cleaning(redaction)
        self._depth = 0
        self._process = os.getpid()
        self._is_ahead = connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    @classmethod
    def drive(cls, path: str | Path, header: Header | None = None, redaction: Redaction = _NO_KEY) -> Self:
        """A journal to write to: a new one where there is none and a header is given, else the one that is there.

        Rows of which it is not known whether they were received become ``unknown``.

        Args:
            path: the file.
            header: what is asked; None where the journal has to be there and knows it.
            redaction: takes the key out.

        Raises:
            JournalError: it is no journal, damaged, of a newer version, of another run, or driven by another kernel.
        """
        path = Path(path)
        connection = connect(path, create=header is not None)
        lease = Lease(path)
        journal = cls(path, connection, lease, redaction)
        try:
            journal._begin_to_drive(lease, header)
        except BaseException:
            connection.close()
            raise
        lease.start_beating(_beat_of(weakref.ref(journal)))
        return journal

    def close(self) -> None:
        """Close the file and leave it to others. A second call does nothing."""
        if self._process != os.getpid():  # a copy that a fork made: the lease is the parent's
            return
        with self._lock:
            if self._lease is not None:
                self._lease.close()
                with contextlib.suppress(JournalError, sqlite3.Error), self.transaction():
                    self._lease.give_back(self._connection)
                self._lease, self.may_write = None, False
            self._connection.close()

    def beat(self) -> bool:
        """Renew the lease; return whether there is one that can be renewed. A full disk is no reason to end it."""
        with self._lock:
            if self._lease is None:
                return False
            try:
                with self.transaction():
                    return True
            except JournalError:
                return self.may_write

    def add(self, rows: Iterable[Row]) -> None:
        """Store further rows, as ``new``."""
        with self.transaction():
            held = self._held()
            clean = self._clean.row
            found = insert_rows(self._connection, rows, len(self), held["rows_hash"], clean, once=held["is_unique"])
            self._put("rows_hash", found)

    def keep_setting(self, name: str, value: str) -> None:
        """Store a part of how a run sends rows. No key may be in it."""
        with self.transaction():
            self._put(f"setting {name}", value)

    def end_of_rows(self) -> None:
        """Store that the source of the rows was read to its end."""
        with self.transaction():
            self._put("is_whole", 1)

    def check(self, header: Header) -> None:
        """Check that this is the journal of a run.

        Raises:
            JournalError: it is that of another one.
        """
        with self._lock, our_errors(self.path):
            self._check_header(self._held(), header)

    def identity(self, row: Row) -> bytes:
        """The hash that a row has where it is stored: without the key."""
        return self._clean.row(replace(row, files=())).identity

    def uploaded(self, urls: Iterable[tuple[str, str, float]]) -> None:
        """Store the URLs of uploaded files: content, URL, and when it was uploaded, in seconds since 1970."""
        with self.transaction():
            held = [(self._clean.text(url), when, content) for content, url, when in urls]
            self._connection.executemany("UPDATE files SET url = ?, uploaded = ? WHERE content = ?", held)

    # What happens to a row

    def intend(self, numbers: Sequence[int], engine: str) -> None:
        """Store, before they are sent, that rows are about to be sent."""
        self._move("intent", ((engine, time.time(), each) for each in numbers), "engine = ?, sent = ?")

    def withdraw(self, numbers: Sequence[int]) -> None:
        """Store that rows were certainly not received: no connection, or refused before any work."""
        self._move("new", ((each,) for each in numbers), "engine = NULL, sent = NULL", ("intent",))

    def submitted(self, rows: Iterable[tuple[int, str, dict[str, str]]]) -> None:
        """Store the ids that fal gave to requests, and where to ask for them."""
        clean = self._clean.text
        found = ((clean(name), clean(json.dumps(links)), number) for number, name, links in rows)
        self._move("submitted", found, "request_id = ?, links = ?")

    def answered(self, answers: Iterable[Answer]) -> None:
        """Store answers as they came, before they are parsed."""
        now = time.time()
        found = (
            (
                each.status,
                json.dumps(self._clean.value(each.headers)),
                self._clean.body(each.body),
                now,
                each.number,
            )
            for each in answers
        )
        with self.transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO answers (number, attempt, status, headers, body, stored)"
                " SELECT number, attempt, ?, ?, ?, ? FROM states WHERE number = ?",
                found,
            )

    def concluded(self, outcomes: Iterable[Outcome]) -> None:
        """Store how rows ended."""
        with self.transaction():
            for each in outcomes:
                error = None if each.error is None else self._clean.text(each.error)[:_LONGEST_ERROR]
                name = None if each.request_id is None else self._clean.text(each.request_id)
                values = (error, each.seconds, each.cost, time.time(), name, each.number)
                also = "error = ?, seconds = ?, cost = ?, ended = ?, request_id = COALESCE(?, request_id)"
                self._move(each.state, [values], also)

    def refused(self, outcomes: Sequence[Outcome], engine: str) -> None:
        """Store how rows ended that are not sent at all."""
        with self.transaction():
            self.intend([each.number for each in outcomes], engine)
            self.concluded(outcomes)

    def lost(self, numbers: Sequence[int]) -> None:
        """Store that rows may have been received, and that their answers cannot be had."""
        self._move("unknown", ((each,) for each in numbers), "ended = NULL")

    def retry(self, *states: State) -> int:
        """Make the rows of these states ``new``; return how many. Their answers so far are kept."""
        if unfit := set(states) - {"failed", "cancelled", "unknown"}:
            raise ValueError(f"not sent again: rows that are {', '.join(sorted(unfit))}")
        query = (
            "UPDATE states SET state = 'new', attempt = attempt + 1, engine = NULL, request_id = NULL, links = NULL,"
            " sent = NULL, ended = NULL, error = NULL, seconds = NULL, spent = spent + COALESCE(cost, 0), cost = NULL"
            " WHERE state = ?"
        )
        with self.transaction():
            return sum(self._connection.execute(query, (each,)).rowcount for each in states)

    # How it is written

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Join several writes, so that they reach the disk together, all or none: one wait in place of many.

        Raises:
            JournalError: another kernel took over, or the disk is full or fails. Nothing was written.
        """
        with self._lock, our_errors(self.path):
            if self._lease is None:
                raise JournalError(f"{self.path} was closed", hint="fal.attach goes on")
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                self._renew(self._lease)
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0

    @contextlib.contextmanager
    def light_transaction(self) -> Iterator[None]:
        """`transaction`, for what could be made again of what is on the disk.

        The operating system has it then. If the machine loses its power in the next moment, it is as if it had not been
        written. Where SQLite writes no log ahead of the file, it is a usual transaction, since the file could break.
        """
        with self._lock, our_errors(self.path):
            if self._depth or self._lease is None or not self._is_ahead:
                with self.transaction():
                    yield
                return
            self._connection.execute("PRAGMA synchronous = NORMAL")
            try:
                with self.transaction():
                    yield
            finally:
                self._connection.execute("PRAGMA synchronous = FULL")

    def _renew(self, lease: Lease) -> None:
        try:
            lease.renew(self._connection)
        except JournalError:
            self.may_write = False
            raise

    def _move(
        self, state: State, values: Iterable[tuple[Any, ...]], also: str, before: Sequence[State] | None = None
    ) -> None:
        """Bring rows to a state. The row's number is the last of its values.

        Raises:
            ValueError: a row is in a state from which it cannot come there.
        """
        known = BEFORE[state] if before is None else before
        fits = ", ".join(f"'{each}'" for each in known)
        held = list(values)
        with self.transaction():
            query = f"UPDATE states SET state = '{state}', {also} WHERE number = ? AND state IN ({fits})"  # noqa: S608 - our own words
            done = self._connection.executemany(query, held)
            if held and done.rowcount != len(held):
                numbers = [each[-1] for each in held]
                raise ValueError(f"not from the states {fits} to {state}: among rows {numbers[:10]}")

    def _begin_to_drive(self, lease: Lease, header: Header | None) -> None:
        with our_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                if version(self._connection):
                    lease.take(self._connection)
                bring_up_to_date(self._connection)
                lease.take(self._connection)
                self._take_header(header)
                self._settle()
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _take_header(self, header: Header | None) -> None:
        held = self._held()
        if header is None:
            if not held:
                raise JournalError(f"{self.path} is empty", hint="the run that made it sent nothing")
            return
        if held:
            self._check_header(held, header)
            return
        for name, value in self._asked(header).items():
            self._put(name, value)
        insert_files(self._connection, self._clean.files(header.files))
        for name, start in (("created", header.created or time.time()), ("rows_hash", b""), ("is_whole", 0)):
            self._put(name, start)

    def _check_header(self, held: Mapping[str, Any], header: Header) -> None:
        for name, value in self._asked(header).items():
            if held[name] != value:
                what = f"{self.path} is the journal of another run: its {name} {held[name]!s}, and now {value!s}"
                raise JournalError(what, hint="give the name of a new file; fal.attach goes on with what is stored")

    def _asked(self, header: Header) -> dict[str, str | int]:
        clean = self._clean.text
        return {
            "endpoint": header.endpoint,
            "constants": clean(header.constants),
            "templates": clean(header.templates),
            "is_unique": int(header.is_unique),
        }

    def _settle(self) -> None:
        """Make rows ``unknown`` that may have been received, and of which no answer was stored."""
        self._connection.execute(
            "UPDATE states SET state = 'unknown'"
            " WHERE (state = 'intent' OR (state = 'submitted' AND engine = ?)) AND NOT EXISTS"
            " (SELECT 1 FROM answers WHERE answers.number = states.number AND answers.attempt = states.attempt)",
            (_SOCKETS,),
        )

    def _put(self, name: str, value: Any) -> None:
        self._connection.execute("INSERT OR REPLACE INTO header VALUES (?, ?)", (name, value))


def _beat_of(journal: weakref.ref[Journal]) -> Callable[[], bool]:
    """What the thread does, which must not keep a journal that nobody uses any more."""

    def beat() -> bool:
        found = journal()
        return found is not None and found.beat()

    return beat
