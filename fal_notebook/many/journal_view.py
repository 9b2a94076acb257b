"""A journal as it is read, also while another process writes to it."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from ..errors import JournalError
from ..media.media import Media
from .journal_file import connect, newest, our_errors, version
from .journal_rows import read_answer, read_file, read_rows
from .row_files import contents_in
from .row_states import STATES, State
from .stored import Answer, Header, StoredRow

_PAGE = 10_000  # short values that are read at once


class JournalView:
    """A journal to read. Usable from any thread.

    Args:
        path: the file.
        connection: what is open of it.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The journal in a file.

        Raises:
            JournalError: it is no journal, damaged, or of another version.
        """
        path = Path(path)
        connection = connect(path, create=False)
        with our_errors(path):
            found = version(connection)
        if found == newest():
            return cls(path, connection)
        connection.close()
        if not found:
            raise JournalError(f"{path} is empty", hint="the run that made it sent nothing")
        raise JournalError(f"{path} was written by an older fal_notebook", hint="fal.attach brings it up to date")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        with self._lock:
            self._connection.close()

    @property
    def header(self) -> Header:
        """What all rows have in common."""
        held = self._held()
        return Header(
            held["endpoint"], held["constants"], held["templates"], bool(held["is_unique"]), float(held["created"])
        )

    def setting(self, name: str) -> str | None:
        """What a run keeps of how it sends rows, by name; None where it keeps nothing."""
        found = self._held().get(f"setting {name}")
        return None if found is None else str(found)

    @property
    def budget(self) -> float | None:
        """What the run may cost, in US dollars; None where nobody has said so."""
        kept = self.setting("budget")
        return None if kept is None else float(kept)

    @property
    def rows_hash(self) -> str:
        """A hash of all rows so far, in their order."""
        return bytes(self._held()["rows_hash"]).hex()

    @property
    def is_whole(self) -> bool:
        """Whether the source of the rows was read to its end."""
        return bool(self._held()["is_whole"])

    def identities(self, start: int, count: int) -> list[bytes]:
        """The hashes of some rows, to compare a source with what is stored."""
        found = self._read("SELECT identity FROM rows WHERE number >= ? ORDER BY number LIMIT ?", start, count)
        return [each for (each,) in found]

    def __len__(self) -> int:
        """How many rows there are."""
        ((last,),) = self._read("SELECT MAX(number) FROM rows")
        return 0 if last is None else last + 1

    def counts(self) -> dict[State, int]:
        """How many rows are in each state."""
        found: dict[State, int] = dict.fromkeys(STATES, 0)
        found.update(self._read("SELECT state, COUNT(*) FROM states GROUP BY state"))
        return found

    def cost(self) -> float:
        """What was billed, as far as answers said so, in US dollars."""
        ((total,),) = self._read("SELECT TOTAL(cost) + TOTAL(spent) FROM states")
        return float(total)

    def without_cost(self) -> int:
        """How many rows were billed, or may have been, whose cost nobody said."""
        ((count,),) = self._read("SELECT COUNT(*) FROM states WHERE state IN ('done', 'unknown') AND cost IS NULL")
        return int(count)

    def duplicates(self) -> int:
        """How many rows ask what an earlier one asks."""
        ((count,),) = self._read("SELECT COUNT(*) - COUNT(DISTINCT asked) FROM rows")
        return int(count)

    def in_state(self, state: State, limit: int = 1_000, after: int = -1) -> list[int]:
        """The numbers of rows in a state, in their order, from behind a row on."""
        query = "SELECT number FROM states WHERE state = ? AND number > ? ORDER BY number LIMIT ?"
        return [number for (number,) in self._read(query, state, after, limit)]

    def arguments(self, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
        """What is sent for rows: their own arguments and those that all rows have."""
        constants = json.loads(self._held()["constants"])
        query = "SELECT arguments FROM rows WHERE number = ?"
        return {each: {**constants, **json.loads(text)} for each in numbers for (text,) in self._read(query, each)}

    @property
    def has_files(self) -> bool:
        """Whether rows send files that are stored."""
        return bool(self._read("SELECT 1 FROM files LIMIT 1"))

    def contents_of(self, numbers: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """The stored files that rows send, of those rows that send any, by their contents."""
        if not self.has_files:
            return {}
        common = contents_in(self._held()["constants"])
        query = "SELECT arguments FROM rows WHERE number = ?"
        found = {each: (*common, *contents_in(text)) for each in numbers for (text,) in self._read(query, each)}
        return {number: contents for number, contents in found.items() if contents}

    def file(self, content: str) -> Media | None:
        """A stored file; None where there is none of this content."""
        found = self._read("SELECT content_type, name, data FROM files WHERE content = ?", content)
        return read_file(found[0]) if found else None

    def address_of(self, content: str) -> str | None:
        """What stands for a stored file in a request: its URL if it was uploaded, else a data URI."""
        found = self._read("SELECT url FROM files WHERE content = ? AND url IS NOT NULL", content)
        return str(found[0][0]) if found else self.data_uri_of(content)

    def data_uri_of(self, content: str) -> str | None:
        """A stored file as a data URI; None where there is none of this content."""
        media = self.file(content)
        return None if media is None else media.data_uri()

    def urls(self) -> dict[str, tuple[str, float]]:
        """The URLs of the stored files that were uploaded, and when, in seconds since 1970."""
        found = self._read("SELECT content, url, uploaded FROM files WHERE url IS NOT NULL")
        return {content: (url, uploaded) for content, url, uploaded in found}

    def unparsed(self, limit: int = 1_000) -> list[Answer]:
        """Answers that were stored, and whose rows have no outcome yet: the process ended in between."""
        query = (
            "SELECT number, status, headers, body FROM answers JOIN states USING (number, attempt)"
            " WHERE state IN ('intent', 'submitted') ORDER BY number LIMIT ?"
        )
        return [read_answer(found) for found in self._read(query, limit)]

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[StoredRow]:
        """All that is known of the rows, read as they are wanted."""
        yield from read_rows(self._read, start, len(self) if stop is None else min(stop, len(self)))

    def labels(self) -> Iterator[str]:
        """The index of each row, as JSON."""
        for start in range(0, len(self), _PAGE):
            query = "SELECT label FROM rows WHERE number >= ? AND number < ? ORDER BY number"
            for (label,) in self._read(query, start, start + _PAGE):
                yield label

    def known_ids(self, names: Sequence[str]) -> set[str]:
        """Those of some ids that are known as requests of rows."""
        query = "SELECT request_id FROM states WHERE request_id IN (SELECT value FROM json_each(?))"
        return {name for (name,) in self._read(query, json.dumps(list(names)))}

    def newest(self, count: int) -> list[int]:
        """The numbers of the rows that ended last, the last one first."""
        query = "SELECT number FROM states WHERE ended IS NOT NULL ORDER BY ended DESC, number DESC LIMIT ?"
        return [number for (number,) in self._read(query, count)]

    def ended(self) -> list[int]:
        """The numbers of the rows that have ended, in the order in which they did; last those that are ``unknown``."""
        query = (
            "SELECT number FROM states WHERE state NOT IN ('new', 'intent', 'submitted')"
            " ORDER BY ended IS NULL, ended, number"
        )
        return [number for (number,) in self._read(query)]

    def row(self, number: int) -> StoredRow:
        """All that is known of one row.

        Raises:
            IndexError: there is none of this number.
        """
        for found in self.rows(number, number + 1) if number >= 0 else ():
            return found
        raise IndexError(f"no row {number}: there are {len(self)}")

    def _held(self) -> dict[str, Any]:
        return dict(self._read("SELECT name, value FROM header"))

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._lock, our_errors(self.path):
            return self._connection.execute(query, values).fetchall()
