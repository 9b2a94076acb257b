"""Runs of a notebook without a page end by themselves, and one that does not would be reported."""

import sys

from .headless import TOOLS, run


def test_jupyter_execute_ends_although_it_has_no_time_out() -> None:
    found = run(TOOLS["jupyter execute"], 1)
    assert len(found.seconds) == 1, found.report()


def test_a_run_that_hangs_and_one_that_fails_are_told() -> None:
    hanging = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert run(hanging, 1, patience=1).report() == "0 ended well, 1 hung"
    failing = [sys.executable, "-c", "raise SystemExit('no kernel')"]
    assert run(failing, 2).report() == "0 ended well, 0 hung; 2 failed: no kernel"
