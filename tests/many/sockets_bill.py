"""The bill of many requests over sockets, whose kernel is killed again and again while the gateway fails on purpose.

``python -m tests.many.sockets_bill [ROWS [KILLS [SEED]]]`` serves an app that answers late, breaks connections in
mid-answer and refuses what is too much, lets a process send the rows, kills it at random (SIGKILL), and begins the next
one, which goes on. At the end each row has to have its own answer, and none may have been worked on twice, but for
those that stood as unknown and that the user sent again.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..bill import Bill
from .asked import ENDPOINT, serving

_LIMIT = 8  # requests at once
_SECONDS = 900.0  # that one process may take at most
_DRIVER = """
import json, sys
import fal_notebook as fal
url, path, rows, retry = json.loads(sys.argv[1])
asked = [f"row {number}" for number in range(rows)]
run = fal.attach(path) if retry else fal.map("rows/work", asked, to=path, base_url=url, shaky=True)
if retry:
    run.wait()
    run.retry(unknown=True)
run.wait()
records = run.records()
wrong = sum(row["output"] != row["prompt"].upper() for row in records if row["status"] == "done")
unknown = [row["prompt"] for row in records if row["status"] == "unknown"]
print(json.dumps({"counts": run.standing.counts, "wrong": wrong, "unknown": unknown}))
"""


def bill(rows: int, kills: int, *, seed: int = 1, tell: Callable[[str], None] = lambda _: None) -> Bill:
    """Send rows over a gateway that fails, and kill who sends them; return what came of it."""
    chance, began = random.Random(seed), time.monotonic()  # noqa: S311 - when to kill is no secret
    with tempfile.TemporaryDirectory() as folder, serving(max_requests=_LIMIT) as asked:
        asked.chance = random.Random(seed)  # noqa: S311 - what fails is none either
        path = Path(folder) / "run.fal"

        def driver(*, retry: bool = False) -> "subprocess.Popen[str]":
            told = json.dumps([asked.url, str(path), rows, retry])
            return subprocess.Popen([sys.executable, "-c", _DRIVER, told], stdout=subprocess.PIPE, text=True)

        for number in range(kills):
            goal = sum(asked.bill.values()) + chance.randrange(2 * max(1, rows // (kills + 1)))
            process = driver()
            while process.poll() is None and sum(asked.bill.values()) < goal:
                time.sleep(0.002)
            process.kill()
            process.communicate()
            tell(f"killed {number + 1} times, {len(asked.bill)} rows were worked on")
        first = json.loads(driver().communicate(timeout=_SECONDS)[0])
        unknown, end, tries = set(first["unknown"]), first, 0
        while end["unknown"] and tries < 10:  # what the user asks for
            end, tries = json.loads(driver(retry=True).communicate(timeout=_SECONDS)[0]), tries + 1
            unknown |= set(end["unknown"])
        twice = {prompt for prompt, count in asked.bill.items() if count > 1}
        return Bill(
            rows,
            kills,
            end["counts"]["done"],
            end["wrong"],
            len(unknown),
            sum(asked.bill.values()),
            len(twice),
            len(twice - unknown),
            round(time.monotonic() - began, 1),
        )


def main() -> None:
    given = [int(each) for each in sys.argv[1:]]
    rows, kills, seed = [*given, *(10_000, 50, 1)[len(given) :]]
    found = bill(rows, kills, seed=seed, tell=lambda line: print(line, file=sys.stderr))  # noqa: T201 - its output
    print(ENDPOINT, json.dumps(asdict(found)), "right" if found.is_right else "WRONG")  # noqa: T201
    sys.exit(not found.is_right)


if __name__ == "__main__":
    main()
