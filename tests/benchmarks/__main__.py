"""Ours and its peers on the same work, in one run: ``make bench``.

``python -m tests.benchmarks deltas snapshots`` measures these only; a run of all writes the tables of README.md beside
this file, and the chart and the ratios that the project's README shows.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .report import judged, table, write
from .rows import Row


def main(names: Sequence[str] = ()) -> None:
    """Measure what is named, or everything."""
    everything = measures()
    unknown = sorted(set(names) - set(everything))
    if unknown:
        raise SystemExit(f"no such measures: {', '.join(unknown)}; there are {', '.join(everything)}")
    rows: list[Row] = []
    for name in names or everything:
        _say(f"# {name}")
        measured = everything[name]()
        for line in judged(measured):
            _say("  ".join(cell for cell in line.cells if cell))
        rows += measured
    _say(f"\n{table(rows)}")
    if not names:
        write(rows)


def measures() -> dict[str, Callable[[], list[Row]]]:
    """By their names what can be measured: a module's ``MEASURES``, or its ``measure`` by the module's name."""
    found: dict[str, Callable[[], list[Row]]] = {}
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if info.name != "__main__":
            module = importlib.import_module(f".{info.name}", __package__)
            if hasattr(module, "measure"):
                found |= getattr(module, "MEASURES", {info.name: module.measure})
    return found


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
