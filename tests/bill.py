"""The bill of many requests over fal's queue, whose kernel is killed again and again while the queue fails on purpose.

``python -m tests.bill [ROWS [KILLS [SEED]]]`` serves a queue that loses, cuts, delays and refuses, lets a process send
the rows, kills it at random (SIGKILL), and begins the next one, which goes on. At the end each row has to have its own
answer, and none may have been worked on twice, but for those that stood as unknown and that the user sent again.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fal_notebook.local.queue_faults import Operation, QueueFault
from fal_notebook.local.queue_settings import Working

from .conftest import KEY
from .queue_place import QueuePlace, queue_place

_SECONDS = 900.0  # that one process may take at most
_UNKNOWN = 16  # rows that a kill may leave as unknown, and that nobody sends any more
_DRIVER = """
import json, sys
import fal_notebook as fal
from fal_notebook.many import queue_engine
path, rows, lookups, in_vain, retry = json.loads(sys.argv[1])
usual = queue_engine.QueueHabits
queue_engine.QueueHabits = lambda: usual(lookups=tuple(lookups), in_vain=in_vain)
asked = [{"x": f"row {number}", "square": number * number} for number in range(rows)]
run = fal.attach(path) if retry else fal.map("acme/echo", asked, to=path, engine="queue")
if retry:
    run.wait()
    run.retry(unknown=True)
run.wait()
counts = run.standing.counts
wrong = sum(row["output"] != asked[number] for number, row in enumerate(run.records()) if row["status"] == "done")
unknown = [row["x"] for row in run.records() if row["status"] == "unknown"]
print(json.dumps({"counts": counts, "wrong": wrong, "unknown": unknown, "reason": run.standing.reason}))
"""


@dataclass(frozen=True)
class Bill:
    """What came of rows that were sent by a process that was killed again and again.

    Attributes:
        rows: how many there are.
        kills: how often the process was killed.
        done: how many have an answer.
        wrong: how many have another answer than their own.
        unknown: how many stood as unknown when nothing was left to do, and were sent again by the user.
        worked_on: how many requests were worked on.
        twice: how many rows were worked on more than once.
        unexplained: those of them that had not stood as unknown.
        seconds: how long it took.
        faults: how often what they were sent to failed on purpose; None where that is not counted.
    """

    rows: int
    kills: int
    done: int
    wrong: int
    unknown: int
    worked_on: int
    twice: int
    unexplained: int
    seconds: float
    faults: int | None = None

    @property
    def is_right(self) -> bool:
        """Whether each row has its own answer and was paid for once."""
        is_whole = self.done == self.rows and not self.wrong
        return is_whole and not self.unexplained and self.worked_on <= self.rows + self.unknown


def make_faults(place: QueuePlace) -> None:
    """Let a share of everything fail."""
    for operation, fault, share, seconds, status in (
        (Operation.SUBMIT, QueueFault.LOST, 0.004, 1.0, 503),
        (Operation.SUBMIT, QueueFault.HALF, 0.002, 1.0, 503),
        (Operation.SUBMIT, QueueFault.CUT, 0.002, 1.0, 503),
        (Operation.SUBMIT, QueueFault.REFUSED, 0.002, 1.0, 503),
        (Operation.SUBMIT, QueueFault.REFUSED, 0.002, 1.0, 429),
        (Operation.SUBMIT, QueueFault.LATE, 0.01, 0.5, 503),
        *((each, QueueFault.CUT, 0.01, 1.0, 503) for each in (Operation.STATUS, Operation.RESULT, Operation.LIST)),
        *((each, QueueFault.HALF, 0.01, 1.0, 503) for each in (Operation.STATUS, Operation.RESULT, Operation.LIST)),
        *((each, QueueFault.REFUSED, 0.01, 1.0, 503) for each in (Operation.STATUS, Operation.RESULT)),
        *((each, QueueFault.LATE, 0.01, 0.3, 503) for each in (Operation.STATUS, Operation.RESULT)),
    ):
        place.faults.at_random(operation, fault, share, seconds=seconds, status=status)


def bill(
    rows: int,
    kills: int,
    *,
    seed: int = 1,
    lookups: tuple[float, ...] = (5.0, 30.0),
    in_vain: float = 5.0,
    tell: Callable[[str], None] = lambda _: None,
) -> Bill:
    """Send rows over a queue that fails, and kill who sends them; return what came of it."""
    chance, began = random.Random(seed), time.monotonic()  # noqa: S311 - when to kill is no secret
    with (
        tempfile.TemporaryDirectory() as folder,
        queue_place(Path(folder) / "queue.db", working=Working(concurrency=40, retry_seconds=0.05)) as place,
    ):
        place.faults.seed = seed
        place.echo.released = True
        make_faults(place)
        path = Path(folder) / "run.fal"

        def driver(*, retry: bool = False) -> "subprocess.Popen[str]":
            given = json.dumps([str(path), rows, lookups, in_vain, retry])
            environment = {**os.environ, "FAL_NOTEBOOK_URL": place.url, "FAL_KEY": KEY, "FAL_NOTEBOOK_SCHEMAS": "off"}
            return subprocess.Popen(
                [sys.executable, "-c", _DRIVER, given], env=environment, stdout=subprocess.PIPE, text=True
            )

        killed = 0
        while killed < kills:
            running, before = driver(), place.submitted
            left = kills - killed
            share = 2 * (rows - before - _UNKNOWN * left) // (left + 1)
            wanted = before + chance.randrange(1, max(2, share))
            while place.submitted < wanted and running.poll() is None:
                time.sleep(0.01)
            if running.poll() is None:
                time.sleep(chance.uniform(0, 0.3))
                running.kill()
                killed += 1
                running.communicate()
            elif not _report(running)["counts"]["new"]:
                break
            tell(f"{killed} kills, {place.submitted:,} submitted")
        report = _report(driver())
        while report["counts"]["new"]:  # it had stopped by itself, as after ten equal failures
            report = _report(driver())
        unknown, retried = len(report["unknown"]), set(report["unknown"])
        tell(f"{killed} kills, {unknown} of {rows:,} rows are unknown and are sent again by the user")
        place.faults.mend()
        while report["counts"]["unknown"]:
            report = _report(driver(retry=True))
        calls = place.echo.calls
        twice = [name for name, count in calls.items() if count > 1]
        return Bill(
            rows,
            killed,
            report["counts"]["done"],
            report["wrong"],
            unknown,
            place.queue.bill().worked_on,
            len(twice),
            sum(name not in retried for name in twice),
            round(time.monotonic() - began, 1),
            sum(place.faults.struck.values()),
        )


def _report(running: "subprocess.Popen[str]") -> dict[str, Any]:
    printed, _ = running.communicate(timeout=_SECONDS)
    assert running.returncode == 0, printed
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def main() -> int:
    given = [int(each) for each in sys.argv[1:]]
    rows, kills, seed = [*given, *(10_000, 50, 1)[len(given) :]]
    found = bill(rows, kills, seed=seed, tell=lambda words: print(words, flush=True))  # noqa: T201 - a command's output
    for name, value in asdict(found).items():
        print(f"{name:12} {value:,}")  # noqa: T201
    print("the bill is right" if found.is_right else "THE BILL IS WRONG")  # noqa: T201
    return 0 if found.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
