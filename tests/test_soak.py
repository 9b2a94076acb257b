"""What the soak, which ran beside the other tests, has found."""

import subprocess

from .census import BREATH, Soak
from .conftest import SOAK_SECONDS


def test_mixed_work_and_faults_swap_no_answer_and_leave_nothing_behind(soak: "subprocess.Popen[str]") -> None:
    report, errors = soak.communicate(timeout=SOAK_SECONDS + 120)
    assert soak.returncode == 0, report + errors
    assert report.count("requests in") == 2
    print(report)  # noqa: T201 - pytest shows it where it is asked to


def soaked(count: int, **growth: int) -> Soak:
    """A soak of so many samples in which things grew by so much with each."""
    run = Soak()
    for number in range(count):
        run.done["prompt"] += 100
        run.take(float(number), {name: 1000 + each * number for name, each in ({"memory": 0} | growth).items()})
    return run


def test_a_soak_says_what_grew() -> None:
    assert soaked(30).grown() == []
    assert soaked(30, memory=BREATH).grown() == [f"memory grew by {BREATH // 100} bytes a request"]
    assert soaked(30, memory=1000).grown() == []
    assert soaked(30, widgets=1).grown() == ["widgets grew from 1019 to 1029"]
    assert "widgets 1010 → 1029" in soaked(30, widgets=1).report()
