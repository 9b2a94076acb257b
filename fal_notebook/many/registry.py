"""The runs of this kernel: one for each journal, all of which come to an end with the program."""

import atexit
import time
import weakref
from pathlib import Path
from typing import Any

_SECONDS_AT_EXIT = 5.0  # for what is under way when the program ends
_RUNS: "weakref.WeakValueDictionary[Path, Any]" = weakref.WeakValueDictionary()
"""The runs of this kernel, by the whole path of their journal."""


def register(path: Path, run: Any) -> None:
    """Note that a `Run` has a journal."""
    _RUNS[path.resolve()] = run


def run_of(path: Path) -> Any:
    """The `Run` of this kernel that has a journal; None where there is none."""
    return _RUNS.get(path.resolve())


def cancel_all() -> int:
    """Cancel the runs of this kernel that go on; return how many."""
    running = [run for run in list(_RUNS.values()) if run.is_running]
    for run in running:
        run.cancel()
    return len(running)


@atexit.register
def _end_at_exit() -> None:
    """Send nothing more, and give what is under way a moment to come to its end."""
    runs = list(_RUNS.values())
    for run in runs:
        run.stop("the program ended")
    end = time.monotonic() + _SECONDS_AT_EXIT
    for run in runs:
        while run.is_running and time.monotonic() < end:
            time.sleep(0.01)
        run.cut()
        run.put_away()
