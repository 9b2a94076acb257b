"""A short soak finds nothing, and a soak would report what has grown."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fal_notebook import Session, Stream

from .census import BREATH, Soak
from .session_soak import Work, running_servers

ROOT = Path(__file__).parents[1]
SECONDS = 60


@pytest.fixture
def soak() -> "Iterator[subprocess.Popen[str]]":
    """The soak, in a process of its own that leaves the machine to other tests."""
    command = ["nice", "-n", "10", sys.executable, "-m", "tests.soak", str(SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # on which it ends the processes that it has started


@pytest.mark.rig
@pytest.mark.beside
def test_mixed_work_and_faults_swap_no_answer_and_leave_nothing_behind(soak: "subprocess.Popen[str]") -> None:
    report, errors = soak.communicate(timeout=SECONDS + 180)
    assert soak.returncode == 0, report + errors
    assert report.count("requests in") == 2
    print(report)  # noqa: T201 - pytest shows it where it is asked to


class Late(Work):
    """Work whose request times out before the fault happens, as it may on a busy machine."""

    def _ask_faulty(self, timeout: float | None = None) -> Stream:
        return super()._ask_faulty(0.0001 if timeout else 10)


def test_a_fault_that_is_not_met_in_time_is_not_left_to_the_next_request() -> None:
    own = Session()
    with running_servers() as servers:
        late = Late(own, servers, 0, random.Random(4))  # noqa: S311 - an order of work, no secret
        for _ in range(5):
            late.fault()
    own.close()


def soaked(count: int, **growth: int) -> Soak:
    """A soak with so many samples, in which the counts grew by these amounts with each sample."""
    run = Soak()
    for number in range(count):
        run.done["prompt"] += 100
        run.take(float(number), {name: 1000 + each * number for name, each in ({"memory": 0} | growth).items()})
    return run


def test_a_soak_says_what_grew() -> None:
    assert soaked(30).grown() == []
    assert soaked(1).grown() == ["1 samples are too few to tell what grew"]
    assert soaked(30, memory=BREATH).grown() == [f"memory grew by {BREATH // 100} bytes a request"]
    assert soaked(30, memory=1000).grown() == []
    assert soaked(30, widgets=1).grown() == ["widgets grew from 1019 to 1029"]
    assert "widgets 1010 → 1029" in soaked(30, widgets=1).report()
