"""Writes the records of a run to a file, whole or not at all: ``.jsonl``, ``.csv`` or ``.parquet``."""

import csv
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest
from .journal_view import JournalView
from .records import flat_records, has_package, indexed_records, to_pandas, to_polars


def export(view: JournalView, path: str | Path) -> Path:
    """Write the records to a file, which may be there already, and return its path.

    Raises:
        InvalidRequest: the name has another ending, or the package for it is not there.
        OSError: the file could not be written; the one that was there still is.
    """
    goal = Path(path).expanduser()
    write = _WRITERS.get(goal.suffix.lower())
    if write is None:
        raise InvalidRequest(f"{goal.name} is no table", hint=f"its name ends with {' or '.join(_WRITERS)}")
    part = goal.with_name(f".{uuid.uuid4().hex}.part")
    try:
        write(view, part)
        return part.replace(goal)
    finally:
        part.unlink(missing_ok=True)


def _write_jsonl(view: JournalView, path: Path) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for record in indexed_records(view):
            file.write(json.dumps(record, default=repr, ensure_ascii=False) + "\n")


def _write_csv(view: JournalView, path: Path) -> None:
    names: dict[str, None] = {}
    for record in flat_records(view):  # read twice, so that they do not stand in memory
        names.update(dict.fromkeys(record))
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.DictWriter(file, list(names))
        writer.writeheader()
        writer.writerows(flat_records(view))


def _write_parquet(view: JournalView, path: Path) -> None:
    if has_package("polars"):
        to_polars(view).write_parquet(path)
    elif has_package("pandas") and has_package("pyarrow"):
        table: Any = to_pandas(view)
        table.loc[:] = table.map(lambda value: json.dumps(value) if isinstance(value, dict | list) else value)
        table.to_parquet(path)
    else:
        raise InvalidRequest("a .parquet file takes polars, or pandas with pyarrow", hint="pip install polars")


_WRITERS: dict[str, Callable[[JournalView, Path], None]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
