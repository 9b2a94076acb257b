"""Measures what is named on the command line, or all, and prints it."""

import statistics
import sys

from . import idle, imports, notebook

_ALL = {"notebook": notebook, "idle": idle, "imports": imports}

if __name__ == "__main__":
    for name in sys.argv[1:] or _ALL:
        for row in _ALL[name].measure():
            low, middle, high = min(row.values), statistics.median(row.values), max(row.values)
            print(  # noqa: T201 - the measurement
                f"{row.work:40} {row.who:28} {middle:10.3f} {row.unit:24} ({low:.3f} … {high:.3f}) {row.goal}"
            )
