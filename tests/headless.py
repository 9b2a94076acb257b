"""Runs a notebook without a page, again and again, and counts hung runs: ``make headless``, ``RUNS=20 make headless``.

It uses each of the tools with which people run notebooks. Each run is a process with a kernel of its own, two at a
time, without a time-out. A run that has not ended after `PATIENCE` seconds counts as hung. The notebook has many quick
cells, because occasional hangs happen where a cell ends at once.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .endpoints import create_app

PATIENCE = 180  # seconds; a run takes about ten
_TOGETHER = 2

_NBCLIENT = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=None).execute()
nbformat.write(notebook, sys.argv[2])
"""
TOOLS = {
    "jupyter execute": [str(Path(sys.executable).with_name("jupyter")), "execute", "in.ipynb", "--output", "out.ipynb"],
    "nbclient": [sys.executable, "-c", _NBCLIENT, "in.ipynb", "out.ipynb"],
    "papermill": [sys.executable, "-m", "papermill", "--no-progress-bar", "in.ipynb", "out.ipynb"],
}
"""Commands that run ``in.ipynb`` and write ``out.ipynb``."""

_FAST = "%falstream test/echo/stream prompt=x"
_SLOW = "%falstream test/paced/stream prompt=x count:=30 rate:=40"
CELLS = [
    "import fal_notebook\nfrom IPython.display import display\n%load_ext fal_notebook",
    *[_FAST] * 50,
    _SLOW,
    f"{_SLOW} --models a,b",
    "%falstream test/picture prompt=x",
    "%falstream test/tone/stream prompt=x seconds:=1 speed:=9 --play",
    "player = fal_notebook.AudioPlayer.play(fal_notebook.stream('test/tone/stream', seconds=1, speed=9))",
    f"{_SLOW} -b -o behind",
    "behind = behind.result() if hasattr(behind, 'result') else behind",
    "box = fal_notebook.PromptWidget('test/echo/stream')\ndisplay(box)\nbox.run('x')\nbox.wait()",
    "print('the end')",
]


@dataclass
class Runs:
    """The outcome of all runs with one tool."""

    seconds: list[float] = field(default_factory=list)
    hung: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def report(self) -> str:
        """The outcome in words, with the time that a run took."""
        times = f"in {min(self.seconds):.1f} to {max(self.seconds):.1f} s each, " if self.seconds else ""
        failed = [f"{count} failed: {words}" for words, count in self.failures.items()]
        return "; ".join([f"{len(self.seconds)} ended well, {times}{self.hung} hung", *failed])


def run(command: Sequence[str], runs: int, patience: float = PATIENCE) -> Runs:
    """Run the notebook several times.

    Args:
        command: one of `TOOLS`.
        runs: the number of runs.
        patience: seconds after which a run counts as hung.
    """
    found = Runs()
    with LocalServer(HTTPOverWebSocket(create_app())) as server, ThreadPoolExecutor(_TOGETHER) as pool:
        environment = {**os.environ, "FAL_NOTEBOOK_URL": server.url}
        for each in [pool.submit(_run_once, command, environment, patience, found) for _ in range(runs)]:
            each.result()
    return found


def _run_once(command: Sequence[str], environment: Mapping[str, str], patience: float, found: Runs) -> None:
    with TemporaryDirectory() as name:
        folder, began = Path(name), time.monotonic()
        _write(folder / "in.ipynb")
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=patience, check=False
            )
        except subprocess.TimeoutExpired:
            found.hung += 1
            return
        if done.returncode == 0 and "the end" in (folder / "out.ipynb").read_text(encoding="utf-8"):
            found.seconds.append(time.monotonic() - began)
        else:
            found.failures[done.stderr.strip().rpartition("\n")[2]] += 1


def _write(path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def main(runs: int) -> bool:
    """Run the notebook with each tool, print the outcome, and return whether anything is wrong."""
    wrong = False
    for name, command in TOOLS.items():
        found = run(command, runs)
        print(f"{name}: {found.report()}", flush=True)  # noqa: T201 - the command's answer
        wrong = wrong or len(found.seconds) < runs
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
