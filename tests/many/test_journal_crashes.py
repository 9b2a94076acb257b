import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .crashing import ROWS

MEMORY = Path("/dev/shm")  # noqa: S108 - where the disk need not be waited for: a killed process loses nothing there


@pytest.fixture
def folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    yield place
    shutil.rmtree(place)


def reports(folder: Path, *how: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.many.crashing", str(folder), *how]
    done = subprocess.run(command, check=True, capture_output=True, timeout=320)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def check_truth(states: list[tuple[str, str | None]], billed: list[int]) -> None:
    for number, (state, answer) in enumerate(states):
        if state == "new":
            assert billed[number] == 0
        elif state == "unknown":
            assert billed[number] <= 1
            assert answer is None
        else:
            assert billed[number] == 1
            assert answer == f"answer {number}" or (state == "submitted" and answer is None)


def check_end(states: list[tuple[str, str | None]], billed: list[int]) -> None:
    check_truth(states, billed)
    assert len(states) == ROWS
    assert {state for state, _ in states} <= {"done", "unknown"}


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.rig, id="each"), pytest.param(9, id="some")])
def test_a_process_that_is_killed_at_any_line_leaves_a_journal_that_tells_the_truth(step: int, folder: Path) -> None:
    found = reports(folder, "lines", "0", str(step))
    assert len(found) > 300 / step
    for each in found:
        check_truth(**each["after"])
        check_end(**each["end"])
    assert {state for each in found for state, _ in each["after"]["states"]} == {"new", "unknown", "submitted", "done"}
    unknown = [sum(state == "unknown" for state, _ in each["end"]["states"]) for each in found]
    assert max(unknown) == 2  # those of one batch: no other row is ever in doubt
    assert found[-1]["end"] == {"states": [["done", f"answer {n}"] for n in range(ROWS)], "billed": [1] * ROWS}


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
def test_a_process_that_is_killed_three_times_at_random_bills_no_row_twice(folder: Path) -> None:
    for each in reports(folder, "times", "40"):
        check_truth(**each["after"])
        check_end(**each["end"])
