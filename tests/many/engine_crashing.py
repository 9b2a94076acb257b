"""A run over sockets whose process is killed at a line of its code, in processes of their own.

``python -m tests.many.engine_crashing URL FOLDER STEP`` lets a run of a few rows die at every STEP-th of all lines of
`fal_notebook.many` that such a run executes, on whatever thread, and then lets another process go on with it. It
writes, as JSON, what stood in each journal at the end. The server keeps the bill: its prompts tell the runs apart.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import fal_notebook as fal
import fal_notebook.many
from fal_notebook.client.payloads import LARGEST_INLINE
from fal_notebook.errors import JournalError
from fal_notebook.many import start

from .crashing import in_child

ROWS = 4
FILE = bytes(LARGEST_INLINE + 1)  # which is stored beside the rows
HOUSE = str(Path(fal_notebook.many.__file__).parent)
_NOT_OURS = ("drives.py", "terminal_line.py", "progress.py")  # what writes and sends nothing
Place = tuple[str, int]


def rows(name: str) -> list[str]:
    return [f"{name} {number}" for number in range(ROWS)]


def work(path: Path, name: str) -> None:
    asked = [{"prompt": each, "file_url": FILE} for each in rows(name)]
    fal.map("rows/work", asked, to=path).wait()


def go_on(path: Path) -> None:
    """Go on with the run in a journal, if anything stands in it, and write down what it is at the end."""
    states: list[Any] = []
    try:
        if path.exists() and path.stat().st_size:
            states = [(row["status"], row["output"]) for row in fal.attach(path).wait().records()]
    except JournalError as exc:
        assert "empty" in str(exc), exc  # noqa: PT017 - this is no test
    path.with_suffix(".json").write_text(json.dumps(states))


def traced(path: Path, name: str, at_line: Callable[[Place], None]) -> None:
    """A run that tells of each of its lines before the line is executed."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(HOUSE) or file.endswith(_NOT_OURS):
            return None
        if event == "line":
            at_line((file, frame.f_lineno))
        return trace

    threading.settrace(trace)
    sys.settrace(trace)
    work(path, name)
    sys.settrace(None)


def all_lines(folder: Path) -> list[Place]:
    found = folder / "lines.json"

    def act() -> None:
        seen: dict[Place, None] = {}
        traced(folder / "seen.fal", "seen", lambda place: seen.setdefault(place))
        found.write_text(json.dumps(list(seen)))

    assert in_child(act)
    return [(file, line) for file, line in json.loads(found.read_text())]


def kill(place: Place, wanted: Place) -> None:
    if place == wanted:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    os.environ["FAL_NOTEBOOK_URL"], folder, step = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    assert start.SHOWN_FROM > ROWS
    assert callable(fal.map)  # imports what a run needs, once for all processes
    reports = {}
    for number, wanted in enumerate(all_lines(folder)[::step]):
        path, name = folder / f"{number}.fal", f"run {number}"
        in_child(lambda: traced(path, name, lambda place: kill(place, wanted)))  # noqa: B023 - called here
        assert in_child(lambda: go_on(path)), wanted  # noqa: B023
        reports[name] = json.loads(path.with_suffix(".json").read_text())
    sys.stdout.write(json.dumps(reports))


if __name__ == "__main__":
    main()
