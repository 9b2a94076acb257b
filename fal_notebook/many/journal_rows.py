"""How the rows of a journal are written to their tables, and read back in pages."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any

from ..media.media import Media
from .row_files import RowFile
from .stored import Answer, Row, StoredRow

_PAGE = 500  # rows that are read at once
_PIECE = 1_000  # rows that are written at once
_FILE = "INSERT OR IGNORE INTO files (content, content_type, name, data) VALUES (?, ?, ?, ?)"
_SAME = "SELECT number FROM rows WHERE asked = ? AND same_as IS NULL LIMIT 1"
_ALL = """
SELECT rows.number, label, columns, arguments, state, states.attempt, engine, request_id, links, sent, error, seconds,
    cost, same_as, status, headers, body, stored
FROM rows JOIN states ON states.number = COALESCE(same_as, rows.number)
    LEFT JOIN answers ON answers.number = states.number AND answers.attempt = states.attempt
WHERE rows.number >= ? AND rows.number < ? ORDER BY rows.number
"""


def insert_rows(
    connection: sqlite3.Connection,
    rows: Iterable[Row],
    start: int,
    rows_hash: bytes,
    clean: Callable[[Row], Row],
    *,
    once: bool,
) -> bytes:
    """Store rows behind those that are there, and return the hash of all.

    Args:
        connection: the journal, in a transaction.
        rows: what is asked.
        start: the number of the first of them.
        rows_hash: the hash of those that are there.
        clean: takes the key out.
        once: whether a row that asks what another one asks shares its answer.
    """
    if once:
        connection.execute("CREATE INDEX IF NOT EXISTS rows_by_asked ON rows (asked)")
    held: list[tuple[Any, ...]] = []

    def put() -> None:
        connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", held)
        states = ((each[0],) for each in held if each[3] is None)
        connection.executemany("INSERT INTO states (number, state) VALUES (?, 'new')", states)
        held.clear()

    for number, given in enumerate(rows, start):
        row = clean(given)
        insert_files(connection, row.files)
        identity, asked = row.identity, row.asked
        same = connection.execute(_SAME, (asked,)).fetchone() if once else None
        rows_hash = blake2b(rows_hash + identity, digest_size=len(identity)).digest()
        held.append((number, identity, asked, same and same[0], row.label, row.columns, row.arguments))
        if once or len(held) >= _PIECE:
            put()
    put()
    return rows_hash


def insert_files(connection: sqlite3.Connection, files: Iterable[RowFile]) -> None:
    """Store files whose contents are not there yet."""
    for content, media in ((each.content, each.media) for each in files):
        connection.execute(_FILE, (content, media.content_type, media.file_name, media.data))


def read_file(found: tuple[str, str | None, bytes]) -> Media:
    """A file, of its type, name and bytes in the table."""
    content_type, name, data = found
    return Media(content_type, data, file_name=name)


def read_rows(read: Callable[..., list[Any]], start: int, stop: int) -> Iterator[StoredRow]:
    """The rows of a range, read page by page.

    Args:
        read: gives the rows that a query finds.
        start: the first number.
        stop: the number behind the last one.
    """
    for first in range(start, stop, _PAGE):
        for found in read(_ALL, first, min(first + _PAGE, stop)):
            yield _stored_row(found)


def read_answer(found: tuple[int, int | None, str, bytes]) -> Answer:
    """An answer, of its number, status, headers and body in the table."""
    number, status, headers, body = found
    return Answer(number, status, json.loads(headers), body)


def _stored_row(found: tuple[Any, ...]) -> StoredRow:
    number, label, columns, arguments, state, attempt, engine, request_id, links, sent, error, seconds, cost = found[
        :13
    ]
    same_as, status, headers, body, stored = found[13:]
    return StoredRow(
        number,
        Row(label, columns, arguments),
        state,
        attempt=attempt,
        engine=engine,
        request_id=request_id,
        links=json.loads(links) if links else {},
        sent=sent,
        error=error,
        seconds=seconds,
        cost=cost,
        answer=read_answer((number, status, headers, body)) if stored is not None else None,
        same_as=same_as,
    )
