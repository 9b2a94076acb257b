import json
import subprocess
import sys
from pathlib import Path

import pytest

from .asked import serving
from .engine_crashing import ROWS, rows
from .sockets_bill import bill
from .test_journal_crashes import folder as folder  # a fixture of these tests, too


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.rig, id="each"), pytest.param(40, id="some")])
def test_a_run_that_is_killed_at_any_line_bills_no_row_twice_and_loses_no_answer(step: int, folder: Path) -> None:
    with serving(max_requests=3) as asked:
        command = [sys.executable, "-m", "tests.many.engine_crashing", asked.url, str(folder), str(step)]
        done = subprocess.run(command, check=True, capture_output=True, timeout=3_000 if step == 1 else 320)
        billed = dict(asked.bill)
    reports = json.loads(done.stdout)
    assert len(reports) > 300 / step
    for name, states in reports.items():
        assert len(states) in (0, ROWS), name  # nothing was stored, or all rows
        for prompt, (state, output) in zip(rows(name), states, strict=False):
            assert state in ("done", "unknown"), name
            assert billed.get(prompt, 0) == 1 or (state == "unknown" and prompt not in billed), name
            assert output == (prompt.upper() if state == "done" else None), name
    assert sum(state == "done" for states in reports.values() for state, _ in states) > ROWS * len(reports) / 2


@pytest.mark.rig
@pytest.mark.skipif(sys.platform == "win32", reason="it kills")
def test_the_bill_is_right_though_the_kernel_is_killed_twenty_times_and_the_gateway_fails() -> None:
    found = bill(2_000, 20)
    assert found.is_right, found
    assert found.unknown < 500
