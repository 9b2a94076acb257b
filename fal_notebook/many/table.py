"""What came of a run, as its user reads it: records, tables, files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, overload

from .export import export
from .files import save_files
from .journal_view import JournalView
from .records import fact_names, record, records, to_pandas, to_polars
from .row_states import State


class Table:
    """The rows of a journal, in the order that went in. Usable from any thread, also while the run goes on.

    Args:
        view: the journal.
    """

    def __init__(self, view: JournalView) -> None:
        self._view = view

    def __len__(self) -> int:
        return len(self._view)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        names = fact_names(self._view)
        if isinstance(place, slice):
            return [record(self._view.row(each), names) for each in range(*place.indices(len(self)))]
        if not hasattr(place, "__index__"):
            raise TypeError(f"rows are found by number, as run[0]; run.to_pandas()[{place!r:.80}] is a column")
        return record(self._view.row(place + len(self) if place < 0 else place), names)

    def records(self) -> list[dict[str, Any]]:
        """The rows in the order that went in: each its own columns, then what came of it.

        That is ``output``, ``error``, ``status``, ``request_id``, ``seconds`` and ``cost`` (US dollars).
        """
        return list(records(self._view))

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The records of the rows that failed."""
        return list(self._in_state("failed"))

    @property
    def unknown(self) -> list[dict[str, Any]]:
        """The records of the rows of which nobody knows whether they were received."""
        return list(self._in_state("unknown"))

    def to_pandas(self) -> Any:
        """The records as a data frame of pandas, with the index that went in.

        Raises:
            InvalidRequest: pandas is not there.
        """
        return to_pandas(self._view)

    def to_polars(self) -> Any:
        """The records as a data frame of polars.

        Raises:
            InvalidRequest: polars is not there.
        """
        return to_polars(self._view)

    def save(self, folder: str | Path) -> list[Path]:
        """Write the files of all answers into a folder, which is made if need be; a file's name begins with its row.

        Returns:
            The files, in the order of the rows.

        Raises:
            ConnectError: a file could not be downloaded.
            OSError: a file could not be written.
        """
        return save_files(self._view, Path(folder).expanduser())

    def export(self, path: str | Path) -> Path:
        """Write the records to a file that ends with ``.jsonl``, ``.csv`` or ``.parquet``; return its path.

        Raises:
            InvalidRequest: the name has another ending, or the package for it is not there.
            OSError: the file could not be written; the one that was there still is.
        """
        return export(self._view, path)

    def _in_state(self, state: State) -> Iterator[dict[str, Any]]:
        names, after = fact_names(self._view), -1
        while numbers := self._view.in_state(state, after=after):
            for number in numbers:
                yield record(self._view.row(number), names)
            after = numbers[-1]
