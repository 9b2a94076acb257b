"""A short soak: what it would find in hours, it may find in seconds."""

import pytest

from .conftest import KEY
from .soak import soak

SECONDS = 12.0


def test_mixed_work_and_faults_swap_no_answer_and_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    run = soak(SECONDS)
    assert run.failures == []
    assert sum(run.done.values()) > 300
    settled = run.settled()
    assert max(each.threads for each in settled) - min(each.threads for each in settled) <= 4, run.report()
    assert max(each.sockets for each in settled) <= max(each.sockets for each in run.samples[:10]) + 20, run.report()
    assert run.slope() < 1_000_000, run.report()
