"""What JSON forgets of a table of pandas: the names of its index, and which columns were times or categories.

It is kept beside the rows, so that a table that comes out can be joined with the one that went in.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = "table"
"""The setting of a journal in which it keeps what JSON forgets of its table."""
_KEPT = ("datetime64", "timedelta64", "category", "Int", "UInt", "boolean")
"""How the names of those kinds begin that are not plain in JSON."""


@dataclass(frozen=True)
class TableKinds:
    """What is kept of a table.

    Attributes:
        names: the names of the levels of its index; an empty one has none.
        levels: the kinds of these levels; empty where JSON has the values as they are.
        columns: the kinds of its columns, by name, where JSON has the values in another form.
    """

    names: Sequence[str] = ()
    levels: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Any) -> "TableKinds | None":
        """What is to be kept of a table or series of pandas; None for any other source."""
        if not hasattr(source, "iloc") or not hasattr(source, "index"):
            return None
        index = source.index
        levels = [index.get_level_values(place) for place in range(getattr(index, "nlevels", 1))]
        columns: dict[str, str] = {}
        if hasattr(source, "columns"):
            columns = {str(name): _kind(source.iloc[:, at]) for at, name in enumerate(source.columns)}
        return cls(
            ["" if each.name is None else str(each.name) for each in levels],
            [_kind(each) for each in levels],
            {name: kind for name, kind in columns.items() if kind},
        )

    @classmethod
    def read(cls, text: str | None) -> "TableKinds":
        """What `stored` has written; nothing where that is missing."""
        return cls() if text is None else cls(**json.loads(text))

    @property
    def stored(self) -> str:
        """It as text."""
        return json.dumps(asdict(self))

    def index(self, pandas: Any, labels: Sequence[Any]) -> Any:
        """The index that went in; None where rows are numbered and have no other name.

        Args:
            pandas: the package.
            labels: the index of each row, as JSON has it.
        """
        names = [each or None for each in self.names] or [None]
        if list(labels) == list(range(len(labels))) and not any(names):
            return None
        if not labels or not all(isinstance(each, list) for each in labels):
            return pandas.Index(_restored(pandas, pandas.Index(labels), *self.levels[:1]), name=names[0])
        columns = [pandas.Index(each) for each in zip(*labels, strict=True)]
        kinds = self.levels if len(self.levels) == len(columns) else [""] * len(columns)
        arrays = [_restored(pandas, each, kind) for each, kind in zip(columns, kinds, strict=True)]
        return pandas.MultiIndex.from_arrays(arrays, names=names if len(names) == len(columns) else None)

    def restore(self, pandas: Any, table: Any, names: Mapping[str, str]) -> None:
        """Give the columns of a table the kinds that they had.

        Args:
            pandas: the package.
            table: the table.
            names: what columns are called in it, where that is another name.
        """
        for column, kind in self.columns.items():
            name = names.get(column, column)
            if name in table:
                table[name] = _restored(pandas, table[name], kind)

    def index_names(self, labels: Sequence[Any], taken: Sequence[str]) -> list[str]:
        """What the columns are called that a file has of the index; none where rows are numbered.

        Args:
            labels: the index of each row, as JSON has it.
            taken: the names of the other columns.
        """
        if list(labels) == list(range(len(labels))) and not any(self.names):
            return []
        levels = max((len(each) if isinstance(each, list) else 1 for each in labels), default=1)
        given = [*self.names, *[""] * levels][:levels]
        usual = ["index"] if levels == 1 else [f"level_{number}" for number in range(levels)]
        found: list[str] = []
        for name in (own or other for own, other in zip(given, usual, strict=True)):
            while name in taken or name in found:
                name += "_"
            found.append(name)
        return found


def _kind(values: Any) -> str:
    name = str(getattr(values, "dtype", ""))
    return name if name.startswith(_KEPT) else ""


def _restored(pandas: Any, values: Any, kind: str = "") -> Any:
    """The values in the kind that they had, or as they are where that cannot be."""
    with contextlib.suppress(Exception):  # a later pandas may know the kind by another name
        if kind.startswith("datetime64"):
            return pandas.to_datetime(values, format="ISO8601").astype(kind)
        if kind.startswith("timedelta64"):
            return pandas.to_timedelta(values, unit="s").astype(kind)
        return values.astype(kind) if kind else values
    return values
