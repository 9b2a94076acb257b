"""The rows of a run: the arguments of each, and how they come into a journal."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any
from uuid import UUID

from ..client.known_endpoints import takes_messages
from ..client.messages import as_messages
from ..client.payloads import UploadChoice
from ..client.plain_values import plain
from ..errors import InvalidRequest, JournalError
from ..safety.plain_text import one_line
from .journal import Journal
from .row_files import marked
from .row_sources import labelled
from .row_templates import RowTemplates, names_in
from .stored import Header, Row
from .table_kinds import KINDS, TableKinds

_PIECE = 1_000  # rows that are stored at once
_PIECE_BYTES = 16_000_000  # of their files, beyond which fewer are
_PLAIN = (Decimal, Enum, UUID, timedelta)  # they stand for a number or a text
_LONGEST_SHOWN = 200  # characters of a value that stands for one that JSON does not know


class Rows:
    """The rows of a run, in their order.

    Args:
        source: a table, a list of dicts, a series or list of values (each is a prompt), or an iterable of either.
        given: for each argument a template over the columns, a constant, or a function of the row. Where none is a
            template or a function, each row's own columns are its arguments, too. For an endpoint that takes a
            conversation, ``prompt`` becomes its only message, with ``system`` before it.
        endpoint: the endpoint that is asked.
        is_unique: whether rows that ask the same are asked once.
        upload: what the user wishes for uploads; see `payloads`.

    Attributes:
        header: what all rows have in common.
        kinds: what JSON forgets of the table; None where it is none of pandas.
        look: called with the number of each row as it is read.
    """

    def __init__(
        self,
        source: Any,
        given: Mapping[str, Any],
        endpoint: str,
        *,
        is_unique: bool = False,
        upload: UploadChoice = "auto",
    ) -> None:
        self.kinds = TableKinds.of(source)
        pairs = labelled(source)
        first = next(pairs, None)
        columns = names_in(given) if first is None else list(first[1])  # where there are no rows, any column will do
        self._pairs = pairs if first is None else chain([first], pairs)
        self._templates = RowTemplates(given, columns)
        self._takes_columns = not self._templates.texts
        self.look: Callable[[int], object] = _ignore
        self._upload = upload
        given_to_all = self._templates.constants
        in_chat = takes_messages(endpoint)
        self._endpoint = endpoint
        self._said = {name: given_to_all[name] for name in ("prompt", "system") if in_chat and name in given_to_all}
        rest = {name: value for name, value in given_to_all.items() if name not in self._said}
        constants, files = marked(rest, upload)
        texts = json.dumps(self._templates.texts)
        self.header = Header(endpoint, constants, texts, is_unique=is_unique, files=files)

    def __iter__(self) -> Iterator[Row]:
        """The rows as they are stored. They can be read once.

        Raises:
            InvalidRequest: the arguments of a row cannot be made or sent; its index is named.
        """
        for number, (label, columns) in enumerate(self._pairs):
            self.look(number)
            try:
                asked = self._templates.arguments(columns)
                if self._takes_columns:
                    asked = {name: value for name, value in columns.items() if name not in self._templates.constants}
                asked |= self._said
                sent = as_messages(self._endpoint, asked, may_be_empty=True)
                arguments, files = marked(sent, self._upload)
            except InvalidRequest as exc:
                raise InvalidRequest(f"row {one_line(str(label), 60)}: {exc.message}", hint=exc.hint) from exc
            yield Row(_stored(label), _stored(columns), arguments, files)


def fill(journal: Journal, rows: Iterable[Row]) -> None:
    """Store the rows that a journal does not have yet, and check those that it has.

    Raises:
        JournalError: the journal is of other rows; the first one that differs is named.
        InvalidRequest: a row cannot be sent.
    """
    had, number = len(journal), 0
    for piece in _batched(rows):
        known = journal.identities(number, len(piece)) if number < had else []
        for row, identity in zip(piece, known, strict=False):
            if journal.identity(row) != identity:
                raise _other_rows(journal, number, row)
            number += 1
        if rest := piece[len(known) :]:
            if journal.is_whole:
                raise _other_count(journal, had, f"at least {number + len(rest)}")
            journal.add(rest)
            number += len(rest)
    if number < had:
        raise _other_count(journal, had, str(number))
    kinds = rows.kinds if isinstance(rows, Rows) else None
    if kinds is not None and journal.setting(KINDS) != kinds.stored:
        journal.keep_setting(KINDS, kinds.stored)
    if not journal.is_whole:
        journal.end_of_rows()


def _batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    piece: list[Row] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += sum(each.media.size or 0 for each in row.files)
        if len(piece) >= _PIECE or size >= _PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _other_rows(journal: Journal, number: int, row: Row) -> JournalError:
    held = journal.row(number).row
    before, now = next(
        (
            (old, new)
            for old, new in ((held.arguments, row.arguments), (held.columns, row.columns), (held.label, row.label))
            if old != new
        ),
        ("", ""),
    )
    what = f"row {number} is {one_line(before, 100)}, and now {one_line(now, 100)}"
    return JournalError(
        f"{journal.path} is the journal of other rows: {what}",
        hint="give the name of a new file; fal.attach goes on with what is stored",
    )


def _other_count(journal: Journal, had: int, now: str) -> JournalError:
    return JournalError(
        f"{journal.path} is the journal of other rows: it has {had}, and now there are {now}",
        hint="give the name of a new file; fal.attach goes on with what is stored",
    )


def _ignore(_: int) -> None:
    """Do nothing."""


def _stored(value: Any) -> str:
    """A value as JSON, to be read back; for what JSON does not know, such as a picture, a few words."""
    try:
        return json.dumps(value, default=_words, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(one_line(str(value), _LONGEST_SHOWN))


def _words(value: Any) -> Any:
    if not hasattr(value, "isoformat") and not hasattr(value, "item") and not isinstance(value, _PLAIN):
        known = isinstance(value, set | frozenset)
        return sorted(map(str, value)) if known else one_line(f"<{type(value).__name__}>", _LONGEST_SHOWN)
    try:
        return plain(value)
    except (TypeError, InvalidRequest):
        return one_line(str(value), _LONGEST_SHOWN)
