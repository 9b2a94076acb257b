"""Measures how long an import takes, in a new interpreter each time; `%load_ext` in a shell that has ipywidgets."""

import subprocess
import sys

from .notebook import OURS
from .rows import Row

ROUNDS = 5
_SHELL = """
import ipykernel.kernelapp, ipywidgets
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
"""
# the work, who does it, the code that runs before, the measured statement, the goal
_CASES = (
    ("import", OURS, "", "import fal_notebook", "≤ 30"),
    ("import", "fal_client", "", "import fal_client", ""),
    ("import", "fal.apps", "", "import fal.apps", ""),
    ("import", "IPython.display", "", "import IPython.display", ""),
    ("import", "ipywidgets", "", "import ipywidgets", ""),
    ("%load_ext in a kernel", OURS, _SHELL, "shell.run_line_magic('load_ext', 'fal_notebook')", "≤ 100"),
    ("%load_ext in a kernel", "autoreload", _SHELL, "shell.run_line_magic('load_ext', 'autoreload')", ""),
)


def _milliseconds(before: str, statement: str) -> float:
    code = f"{before}\nimport time\nbegan = time.perf_counter()\n{statement}\nprint(time.perf_counter() - began)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout) * 1000


def measure() -> list[Row]:
    """Rounds in which all cases are measured, one after the other."""
    rounds = [[_milliseconds(before, statement) for *_, before, statement, _ in _CASES] for _ in range(ROUNDS)]
    return [
        Row(work, who, "ms", values, goal)
        for (work, who, _, _, goal), values in zip(_CASES, zip(*rounds, strict=True), strict=True)
    ]
