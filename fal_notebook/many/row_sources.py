"""What users have that has rows: a table, a list of dicts, a series, records of a database, any iterable.

A table is known by its form, so that no library of tables has to be imported for it. Rows are read as they are wanted:
an iterable is never a list in memory.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from ..errors import InvalidRequest
from ..media.media import Media
from .days import Day, are_days

PROMPT = "prompt"
"""The column of rows that are plain values."""
_PIECE = 1_000  # rows of a table that are converted at once


def labelled(source: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each row's index and its columns.

    Raises:
        InvalidRequest: it is nothing that has rows.
    """
    if isinstance(source, str | bytes | Mapping):
        kind = type(source).__name__
        table = "pandas.DataFrame(…) makes a table of its lists, [{…}] is one row"
        hint = table if isinstance(source, Mapping) else "give a table, or a list of dicts or of prompts"
        raise InvalidRequest(f"a {kind} has no rows", hint=hint)
    if hasattr(source, "collect_schema") and hasattr(source, "collect"):  # a lazy table of polars
        return labelled(source.collect())
    if getattr(source, "description", None) and hasattr(source, "fetchmany"):  # a cursor of a database
        return enumerate(_of_query(source))
    if hasattr(source, "columns") and hasattr(source, "iloc"):  # a data frame of pandas
        return _of_pandas(source)
    if hasattr(source, "get_column") and hasattr(source, "iter_rows"):  # of polars
        return enumerate(_of_polars(source))
    if hasattr(source, "index") and hasattr(source, "items") and hasattr(source, "iloc"):  # a series of pandas
        makes_day = _maker_of_days(source)
        return ((label, _one(makes_day(_value(value)))) for label, value in source.items())
    if not isinstance(source, Iterable):
        raise InvalidRequest(
            f"a {type(source).__name__} has no rows", hint="give a table of pandas or polars, or a list"
        )
    makes_day = _maker_of_days(source)  # a series of polars; others have no kind of values
    return enumerate(_columns(makes_day(each)) for each in source)


def _of_pandas(table: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    if not table.columns.is_unique:
        raise InvalidRequest("two columns have the same name", hint="rename one of them")
    names = [str(each) for each in table.columns]
    makers = [_maker_of_days(table.iloc[:, place]) for place in range(len(names))]
    for start in range(0, len(table), _PIECE):
        piece = table.iloc[start : start + _PIECE]
        lists = [[make(_value(each)) for each in piece.iloc[:, place].tolist()] for place, make in enumerate(makers)]
        for label, values in zip(piece.index.tolist(), zip(*lists, strict=True), strict=True):
            yield label, dict(zip(names, values, strict=True))


def _of_polars(table: Any) -> Iterator[dict[str, Any]]:
    makers = {name: _maker_of_days(table[name]) for name in table.columns}
    for row in table.iter_rows(named=True):
        yield {name: makers[name](_value(value)) for name, value in row.items()}


def _of_query(cursor: Any) -> Iterator[dict[str, Any]]:
    names = [str(name) for name, *_ in cursor.description]
    if len(set(names)) < len(names):
        raise InvalidRequest("two columns have the same name", hint="name one of them otherwise: SELECT … AS …")
    while piece := cursor.fetchmany(_PIECE):
        for row in piece:
            yield _named(dict(zip(names, row, strict=True)) if isinstance(row, tuple | list) else _members(row) or {})


def _maker_of_days(column: Any) -> Callable[[Any], Any]:
    """What makes days of a column's times, where it holds days only; else what leaves its values as they are."""
    return _day if are_days(column) else _as_it_is


def _day(value: Any) -> Any:
    return Day.of(value) if isinstance(value, datetime) else value


def _as_it_is(value: Any) -> Any:
    return value


def _columns(row: Any) -> dict[str, Any]:
    named = _members(row)
    return _one(row) if named is None else _named(named)


def _members(row: Any) -> Mapping[Any, Any] | None:
    """The named members of a row: of a dict, a record, a named tuple, a data class; None where it has none."""
    if isinstance(row, Mapping):
        return row
    for method in ("_asdict", "model_dump"):  # of a named tuple and SQLAlchemy; of pydantic
        if callable(make := getattr(row, method, None)) and not isinstance(row, type):
            found: Mapping[Any, Any] = make()
            return found
    if is_dataclass(row) and not isinstance(row, type | Media):
        return {each.name: getattr(row, each.name) for each in fields(row)}
    if names := getattr(getattr(row, "dtype", None), "names", None):  # a row of a structured array
        return dict(zip(names, row.tolist(), strict=True))
    if callable(keys := getattr(row, "keys", None)) and hasattr(row, "__getitem__"):  # of SQLite, a series of pandas
        return {name: row[name] for name in keys()}
    return None


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _value(value) for name, value in row.items()}


def _one(value: Any) -> dict[str, Any]:
    return {PROMPT: _value(value)}


def _value(value: Any) -> Any:
    """The value with None for what is missing, which tables write as NaN, NaT or NA."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return None if type(value).__name__ in ("NaTType", "NAType") else value
