"""Measures this package and its peers at the same work, in one run: ``make bench``.

``python -m tests.benchmarks deltas snapshots`` measures only these two. A run of everything also writes the tables in
the README.md beside this file, and the chart and the ratios of the project's README.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .report import judged, table, write
from .rows import Row


def main(names: Sequence[str] = ()) -> None:
    """Measure the named kinds of work, or all of them."""
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
    """All that can be measured, by name: the ``MEASURES`` of a module, or its ``measure`` under the module's name."""
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
