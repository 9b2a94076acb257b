"""The queue's requests in an SQLite file, which survives the end of the process at any moment.

A request is in the file before its client gets an answer, each run before the application is called, and the
application's answer before any client sees it. The key is not in it.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fal_notebook.local.queue_requests import Answer, Bill, Headers, Standing, State, Submission

_VERSION = 1
_LOCKED_SECONDS = 1.0  # for a process before this one to end
_SCHEMA = """
CREATE TABLE requests (
    number INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, endpoint TEXT NOT NULL, query TEXT NOT NULL,
    headers TEXT NOT NULL, input BLOB NOT NULL, sent REAL NOT NULL, deadline REAL, low INTEGER NOT NULL,
    retried INTEGER NOT NULL, listed INTEGER NOT NULL, webhook TEXT,
    state TEXT NOT NULL DEFAULT 'IN_QUEUE', runs INTEGER NOT NULL DEFAULT 0, started REAL, ended REAL,
    status INTEGER, answer_headers TEXT, output BLOB, error TEXT, error_type TEXT, logs TEXT NOT NULL DEFAULT '[]',
    units REAL NOT NULL DEFAULT 0
);
CREATE INDEX unfinished ON requests (number) WHERE state != 'COMPLETED';
CREATE INDEX by_endpoint ON requests (endpoint, sent);
"""
_ADD = """
INSERT INTO requests (request_id, endpoint, query, headers, input, sent, deadline, low, retried, listed, webhook)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_STANDING = """
SELECT endpoint, state, runs, sent, started, ended, status, coalesce(length(output), 0), error, error_type, logs
FROM requests WHERE request_id = ?
"""
_SUBMISSION = """
SELECT request_id, endpoint, query, headers, input, sent, deadline, low, retried, listed, webhook, runs, logs
FROM requests WHERE request_id = ?
"""
_FINISH = """
UPDATE requests SET state = 'COMPLETED', ended = ?, status = ?, answer_headers = ?, output = ?, error = ?,
    error_type = ?, units = ?, logs = ?
WHERE request_id = ?
"""
_BILL = "SELECT count(*), count(nullif(runs, 0)), sum(runs), count(nullif(units, 0)), sum(units) FROM requests"
_LIST = """
SELECT request_id, endpoint, sent, started, ended, status, input, output, listed FROM requests
WHERE {conditions} ORDER BY coalesce(ended, sent) DESC, number DESC LIMIT ? OFFSET ?
"""
_STATUSES = {"success": "status < 400", "user_error": "status BETWEEN 400 AND 499", "error": "status >= 500"}


class QueueFileError(Exception):
    """The file is of another version of the queue, is not the queue's at all, or is in use."""


class QueueStore:
    """The requests of one queue. Used on the server's thread; `bill` from any thread.

    Args:
        file: the SQLite file, which is made if it is not there; None keeps everything in memory.

    Raises:
        QueueFileError: the file is not one of this version, or another process uses it.
    """

    def __init__(self, file: Path | None) -> None:
        try:
            # Autocommit: each statement is a transaction. sqlite3 is compiled thread-safe and locks each statement.
            self._database = sqlite3.connect(
                file or ":memory:", timeout=_LOCKED_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._open()
            except BaseException:
                self._database.close()
                raise
        except sqlite3.Error as error:
            raise QueueFileError(f"{file} cannot be used as the file of a queue: {error}") from error

    def _open(self) -> None:
        # Two processes would work on the same requests: the first keeps the lock until it ends, however it ends.
        # In WAL mode a commit survives the process's end without a wait for the disk.
        self._database.executescript(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
        )
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version == 0 and tables == 0:
            self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        elif version != _VERSION:
            raise QueueFileError(f"The file has version {version} of a queue's file; this is version {_VERSION}.")

    def close(self) -> None:
        """Close the file; what was in progress is in it as such."""
        self._database.close()

    def add(self, asked: Submission) -> None:
        """Keep a new request, which waits."""
        what = (asked.request_id, asked.endpoint, asked.query, json.dumps(asked.headers))
        self._database.execute(
            _ADD,
            (*what, asked.body, asked.sent, asked.deadline, asked.low, asked.retried, asked.listed, asked.webhook),
        )

    def queue_anew(self) -> None:
        """Let everything wait that was in progress when the process ended."""
        self._database.execute("UPDATE requests SET state = 'IN_QUEUE' WHERE state = 'IN_PROGRESS'")

    def unfinished(self) -> Iterator[tuple[str, bool, float | None]]:
        """Id, low priority and deadline of each request that is not completed, in the order in which they came."""
        rows = self._database.execute(
            "SELECT request_id, low, deadline FROM requests WHERE state != 'COMPLETED' ORDER BY number"
        )
        for request_id, low, deadline in rows:
            yield request_id, bool(low), deadline

    def begin(self, request_id: str, now: float) -> tuple[Submission, int, str]:
        """Note that the application is about to be called; return what it is asked, how often by now, and the logs."""
        self._database.execute(
            "UPDATE requests SET state = 'IN_PROGRESS', started = ?, runs = runs + 1 WHERE request_id = ?",
            (now, request_id),
        )
        return self.submission(request_id)

    def submission(self, request_id: str) -> tuple[Submission, int, str]:
        """Return what was asked, how often the application was called for it, and what it has logged, as JSON."""
        row = self._database.execute(_SUBMISSION, (request_id,)).fetchone()
        name, endpoint, query, headers, body, sent, deadline, low, retried, listed, webhook, runs, logs = row
        pairs = _headers(headers)
        switches = (bool(low), bool(retried), bool(listed))
        asked = Submission(name, endpoint, query, pairs, body, sent, deadline, *switches, webhook)
        return asked, runs, logs

    def wait_again(self, request_id: str, logs: str) -> None:
        """Let a request wait that is tried once more."""
        self._database.execute(
            "UPDATE requests SET state = 'IN_QUEUE', logs = ? WHERE request_id = ?", (logs, request_id)
        )

    def finish(self, request_id: str, answer: Answer, now: float, logs: str) -> None:
        """Keep the answer."""
        what = (answer.status, json.dumps(answer.headers), answer.body)
        self._database.execute(
            _FINISH,
            (now, *what, answer.error, answer.error_type, answer.units, logs, request_id),
        )

    def standing(self, request_id: str) -> Standing | None:
        """Return where a request stands; None if it is unknown."""
        row = self._database.execute(_STANDING, (request_id,)).fetchone()
        return row and Standing(row[0], State(row[1]), *row[2:])

    def answer(self, request_id: str) -> Answer:
        """Return the answer of a completed request."""
        row = self._database.execute(
            "SELECT status, answer_headers, output, error, error_type, units FROM requests WHERE request_id = ?",
            (request_id,),
        ).fetchone()
        return Answer(row[0], _headers(row[1]), *row[2:])

    def listed(
        self,
        endpoints: list[str],
        start: float,
        end: float,
        *,
        before: float,
        unfinished: bool = False,
        status: str | None = None,
        request_id: str | None = None,
        limit: int = 50,
        skipped: int = 0,
    ) -> list[tuple[Any, ...]]:
        """Return the requests to these endpoints that were sent between two times, the newest first.

        Args:
            endpoints: with their sub-paths.
            start: in seconds since 1970.
            end: the same.
            before: those that were completed later are left out, in the same seconds.
            unfinished: whether those that are not completed are among them.
            status: ``success``, ``user_error`` or ``error``, to have only these.
            request_id: to have only this one.
            limit: the most of them.
            skipped: how many are left out before the first.
        """
        conditions = [f"endpoint IN ({','.join('?' * len(endpoints))})", "sent >= ?", "sent <= ?"]
        conditions.append("coalesce(ended, sent) <= ?")
        values: list[Any] = [*endpoints, start, end, before]
        if not unfinished:
            conditions.append("state = 'COMPLETED'")
        if status in _STATUSES:
            conditions.append(_STATUSES[status])
        if request_id:
            conditions.append("request_id = ?")
            values.append(request_id)
        statement = _LIST.format(conditions=" AND ".join(conditions))
        return self._database.execute(statement, (*values, limit, skipped)).fetchall()

    def bill(self) -> Bill:
        """Return what was worked on."""
        submitted, worked_on, runs, charged, units = self._database.execute(_BILL).fetchone()
        return Bill(submitted, worked_on, runs or 0, charged, units or 0.0)


def _headers(text: str) -> Headers:
    return tuple((name, value) for name, value in json.loads(text))
