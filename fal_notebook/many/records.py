"""What comes out of a run: a record for each row, in the order that went in, and tables of these.

A record has the row's own columns, then what came: ``output``, ``error``, ``status``, ``request_id``, ``seconds`` and
``cost``. Where the first row has a column of such a name, what came is called ``fal_output`` and so on.

pandas and polars are imported only where a table of theirs is asked for.
"""

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from ..errors import InvalidRequest
from ..media.media import Media
from .journal_view import JournalView
from .outcomes import output
from .stored import StoredRow
from .table_kinds import KINDS, TableKinds

FACTS = ("output", "error", "status", "request_id", "seconds", "cost")
_OWN = "fal_"


def fact_names(view: JournalView) -> dict[str, str]:
    """What the facts are called in the records of a run."""
    columns = _columns(next(view.rows(0, 1))) if len(view) else {}
    return {name: _OWN + name if name in columns else name for name in FACTS}


def records(view: JournalView) -> Iterator[dict[str, Any]]:
    """A record for each row, read as they are wanted."""
    names = fact_names(view)
    for row in view.rows():
        yield record(row, names)


def record(row: StoredRow, names: Mapping[str, str]) -> dict[str, Any]:
    """The record of one row.

    Args:
        row: what the journal has of it.
        names: what the facts are called in it.
    """
    taken = set(names.values())
    own = {f"{name}_" if name in taken else name: value for name, value in _columns(row).items()}
    return {**own, **{names[name]: value for name, value in _facts(row).items()}}


def flat_records(view: JournalView) -> Iterator[dict[str, Any]]:
    """The records as files and typed tables have them: a single text or number in each place, behind the index."""
    for record in indexed_records(view):
        yield {name: _flat(value) for name, value in record.items()}


def indexed_records(view: JournalView) -> Iterator[dict[str, Any]]:
    """The records, each behind the index that its row had, if that was more than its number."""
    names = fact_names(view)
    labels = list(map(json.loads, view.labels()))
    taken = list(record(next(view.rows(0, 1)), names)) if labels else []
    levels = TableKinds.read(view.setting(KINDS)).index_names(labels, taken)
    for row, label in zip(view.rows(), labels, strict=False):
        own = label if isinstance(label, list) else [label]
        yield {**dict(zip(levels, own, strict=False)), **record(row, names)}


def to_pandas(view: JournalView) -> Any:
    """The records as a data frame of pandas, with the index that went in, and its kinds of columns.

    Raises:
        InvalidRequest: pandas is not there.
    """
    pandas = _package("pandas")
    labels = [json.loads(row) for row in view.labels()]
    table = pandas.DataFrame(list(records(view)))
    kinds = TableKinds.read(view.setting(KINDS))
    kinds.restore(pandas, table, {name: f"{name}_" for name in fact_names(view).values()})
    index = kinds.index(pandas, labels)
    if index is not None:
        table.index = index
    return table


def to_polars(view: JournalView) -> Any:
    """The records as a data frame of polars; what is neither text nor number is JSON.

    Raises:
        InvalidRequest: polars is not there.
    """
    polars = _package("polars")
    return polars.DataFrame(list(flat_records(view)), infer_schema_length=None, strict=False)


def has_package(name: str) -> bool:
    """Whether a package can be imported."""
    try:
        import_module(name)
    except ImportError:
        return False
    return True


def _package(name: str) -> Any:
    if not has_package(name):
        raise InvalidRequest(f"{name} is not installed", hint=f"pip install {name}")
    return import_module(name)


def _columns(row: StoredRow) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.row.columns)
    return found


def _facts(row: StoredRow) -> dict[str, Any]:
    """What came of a row. A row that was sent again has no output of an earlier answer."""
    return {
        "output": output(row.answer) if row.answer is not None and row.state == "done" else None,
        "error": row.error,
        "status": row.state,
        "request_id": row.request_id,
        "seconds": row.seconds,
        "cost": row.cost,
    }


def _flat(value: Any) -> Any:
    if isinstance(value, Media):
        return value.url or repr(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
