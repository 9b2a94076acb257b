"""Sans-I/O: what a journal stores, as values: the header of a run, a row, an answer, how a row ended."""

import hashlib
from dataclasses import dataclass, field

from .row_files import RowFile
from .row_states import State

_HASH_BYTES = 16


def digest(*texts: str) -> bytes:
    """A hash of some texts, in which the borders between them count."""
    found = hashlib.blake2b(digest_size=_HASH_BYTES)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        found.update(len(data).to_bytes(8, "big") + data)
    return found.digest()


@dataclass(frozen=True, slots=True)
class Header:
    """What all rows of a run have in common.

    Attributes:
        endpoint: the endpoint that is asked.
        constants: the arguments that are the same in each row, as JSON.
        templates: the others by name, as JSON: the text of a template, or null for a function.
        is_unique: whether rows with equal arguments are asked once.
        created: when the run was made, in seconds since 1970.
        files: those of the constants, where they are to be stored.
    """

    endpoint: str
    constants: str = "{}"
    templates: str = "{}"
    is_unique: bool = False
    created: float = 0.0
    files: tuple[RowFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is stored: texts of JSON.

    Attributes:
        label: its index in the table that it comes from.
        columns: its own columns.
        arguments: those arguments of its request that are not the same in each row.
        files: the files of its arguments, where they are to be stored.
    """

    label: str
    columns: str
    arguments: str
    files: tuple[RowFile, ...] = ()

    @property
    def asked(self) -> bytes:
        """A hash that is equal where the same is asked."""
        return digest(self.arguments)

    @property
    def identity(self) -> bytes:
        """A hash that is equal where the whole row is."""
        return digest(self.label, self.columns, self.arguments)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came, before it is parsed.

    Attributes:
        number: the row.
        status: the HTTP status.
        headers: the response headers.
        body: the bytes of the response.
    """

    number: int
    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a row ended, as its answer was parsed.

    Attributes:
        number: the row.
        state: ``done``, ``failed`` or ``cancelled``.
        error: what went wrong, on one line; None where nothing did.
        seconds: how long the request took.
        cost: what was billed, in US dollars, if that is known.
        request_id: fal's id of the request, if the answer told it.
        status: the HTTP status of a row that failed, if one came. It is not stored here, but with the answer.
    """

    number: int
    state: State
    error: str | None = None
    seconds: float | None = None
    cost: float | None = None
    request_id: str | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class StoredRow:
    """All that a journal has of a row, as it is read back.

    Attributes:
        number: its place among the rows.
        row: what was asked.
        state: where it stands.
        attempt: how often the user had it sent again.
        engine: what sent it: ``sockets`` or ``queue``.
        request_id: fal's id of its request.
        links: where the queue answers for it, by name.
        sent: when it was sent, in seconds since 1970.
        error, seconds, cost: see `Outcome`.
        answer: the answer of this attempt, if it came.
        same_as: the row whose answer this one shares, where equal rows are asked once.
    """

    number: int
    row: Row
    state: State
    attempt: int = 0
    engine: str | None = None
    request_id: str | None = None
    links: dict[str, str] = field(default_factory=dict)
    sent: float | None = None
    error: str | None = None
    seconds: float | None = None
    cost: float | None = None
    answer: Answer | None = None
    same_as: int | None = None
