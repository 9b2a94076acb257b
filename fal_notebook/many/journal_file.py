"""The SQLite file of a journal: opened, recognized, brought up to date, and its errors made ours.

What is committed has reached the disk: the write-ahead log is synchronized with each commit. On network drives, where
the log does not work, a rollback journal takes its place.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..errors import JournalError
from . import lease
from .drives import is_on_network

_APPLICATION = 0x66616C4A  # "falJ": what tells a journal from other SQLite files
_BUSY = 20.0  # seconds for which a write waits for another process
_CACHE = 8_000  # KB of the file that are kept in memory
_FULL, _DAMAGED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_TOOBIG), (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
STEPS: tuple[tuple[str, ...], ...] = (
    (
        lease.SCHEMA,
        "CREATE TABLE header (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
        # What was asked. A row is written once; what changes is apart, so that long arguments are not written again.
        """CREATE TABLE rows (
            number INTEGER PRIMARY KEY, identity BLOB NOT NULL, asked BLOB NOT NULL, same_as INTEGER,
            label TEXT NOT NULL, columns TEXT NOT NULL, arguments TEXT NOT NULL
        )""",
        """CREATE TABLE states (
            number INTEGER PRIMARY KEY, state TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, engine TEXT,
            request_id TEXT, links TEXT, sent REAL, ended REAL, error TEXT, seconds REAL, cost REAL,
            spent REAL NOT NULL DEFAULT 0  -- by earlier attempts
        )""",
        "CREATE INDEX states_by_state ON states (state, number)",
        # Every answer that came, also those of earlier attempts: each was paid for.
        """CREATE TABLE answers (
            number INTEGER NOT NULL, attempt INTEGER NOT NULL, status INTEGER, headers TEXT NOT NULL,
            body BLOB NOT NULL, stored REAL NOT NULL, PRIMARY KEY (number, attempt)
        )""",
    ),
    (
        # Large files that rows send, each content once; `row_files` says how rows name them.
        """CREATE TABLE files (
            content TEXT PRIMARY KEY, content_type TEXT NOT NULL, name TEXT, data BLOB NOT NULL,
            url TEXT, uploaded REAL
        )""",
    ),
)
"""The schema: version n of a journal is what the first n steps make. A released step is never changed."""


@contextlib.contextmanager
def our_errors(path: Path) -> Iterator[None]:
    """Make a `JournalError` of each error of SQLite."""
    try:
        yield
    except sqlite3.Error as exc:
        raise _our_error(path, exc) from exc


def _our_error(path: Path, exc: sqlite3.Error) -> JournalError:
    code = getattr(exc, "sqlite_errorcode", None)
    kind = code & 0xFF if code is not None else None  # without the details in the higher bits
    if kind in _FULL:
        return JournalError(f"{path} cannot grow: the disk is full", hint="make room, then fal.attach goes on")
    if kind in _DAMAGED:
        return JournalError(
            f"{path} is damaged: {exc}", hint="keep a copy; `sqlite3 FILE .recover` saves what is readable"
        )
    if kind == sqlite3.SQLITE_BUSY:
        return JournalError(f"{path} is being written by another process", hint="try again when that has ended")
    return JournalError(f"{path} could not be used: {exc}", hint="look at the disk, then fal.attach goes on")


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """A connection to a journal. Nothing is written to a file that is not one, or that a newer library wrote.

    Raises:
        JournalError: the file is missing, no journal, damaged, or of a newer version.
    """
    if not create and not path.is_file():
        raise JournalError(f"{path} is not there", hint="check the name and the folder")
    with our_errors(path):
        connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            _check(connection, path)
            _set_up(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def version(connection: sqlite3.Connection) -> int:
    """The version of the file's schema; 0 where nothing has been written yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def newest() -> int:
    """The version that this library writes."""
    return len(STEPS)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make or migrate the tables. Called within a transaction, so that it is done whole or not at all."""
    for step in STEPS[version(connection) :]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        has_tables = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.DatabaseError as exc:
        if exc.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise JournalError(f"{path} is not a journal", hint="give the name of a new file") from None
        raise
    if has_tables and application != _APPLICATION:
        raise JournalError(f"{path} is not a journal, but another SQLite file", hint="give the name of a new file")
    found = version(connection)
    if found > len(STEPS):
        message = f"{path} was written by a newer fal_notebook: version {found}, and this one reads up to {len(STEPS)}"
        raise JournalError(message, hint="upgrade fal_notebook")


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", f"cache_size = -{_CACHE}", "fullfsync = ON"):
        connection.execute(f"PRAGMA {setting}")
    _set_mode(connection, path)
    connection.execute("PRAGMA synchronous = FULL")


def _set_mode(connection: sqlite3.Connection, path: Path) -> None:
    if not is_on_network(path):
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
            return
    with contextlib.suppress(sqlite3.OperationalError):  # another process uses it, in the mode that it has
        connection.execute("PRAGMA journal_mode = DELETE")
