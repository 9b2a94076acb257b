"""A run whose process is killed, in processes of their own: each line of the journal is a place to die at.

``python -m tests.many.crashing FOLDER lines|times …`` writes, as JSON, what stood in the journal after each
death and at the end, and how often each row was billed. The server is a file to which each request that
was worked on adds a line.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import fal_notebook.many
from fal_notebook.many.journal import Journal
from fal_notebook.many.stored import Answer, Header, Outcome, Row

ROWS = 3
HEADER = Header("a/b", created=1.0)
HOUSE = str(Path(fal_notebook.many.__file__).parent)


def rows() -> list[Row]:
    return [Row(str(number), "{}", json.dumps({"prompt": f"row {number}"})) for number in range(ROWS)]


def work(folder: Path, step: Callable[[], None]) -> None:
    """The whole run, which goes on with what is missing. ``step`` is called where the engine's own lines are."""
    with Journal.drive(folder / "run.fal", HEADER) as journal:
        if len(journal) < ROWS:
            journal.add(rows()[len(journal) :])
            journal.end_of_rows()
        settle(journal)
        while numbers := journal.in_state("new", 2):
            journal.intend(numbers, "queue")
            for number in numbers:
                step()
                bill(folder, number)
                step()
                journal.submitted([(number, f"id-{number}", {})])
        settle(journal)


def settle(journal: Journal) -> None:
    """Take the answers of all that was submitted, as the queue keeps them."""
    parse(journal)
    for number in journal.in_state("submitted"):
        journal.answered([Answer(number, 200, {}, f"answer {number}".encode())])
        parse(journal)


def parse(journal: Journal) -> None:
    for answer in journal.unparsed():
        journal.concluded([Outcome(answer.number, "done", cost=0.5)])


def bill(folder: Path, number: int) -> None:
    with (folder / "bill").open("a") as file:
        file.write(f"{number}\n")


def in_child(act: Callable[[], None]) -> bool:
    """Whether a child process came to the end of what it did: it may have been killed."""
    child = os.fork()
    if not child:
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return status == 0


def killed_at(line: int, folder: Path) -> Callable[[], None]:
    """A run that dies at the n-th line of the journal's modules or of the engine."""

    def act() -> None:
        left = line

        def step() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            if not frame.f_code.co_filename.startswith(HOUSE) or frame.f_code.co_filename.endswith("drives.py"):
                return None
            if event == "line":
                step()
            return trace

        sys.settrace(trace)
        work(folder, step)

    return act


def killed_after(seconds: float, folder: Path) -> Callable[[], None]:
    """A run that dies after a time, also within a call of SQLite."""

    def act() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        if not os.fork():
            time.sleep(seconds)
            os.kill(os.getppid(), signal.SIGKILL)
            os._exit(0)
        work(folder, lambda: None)

    return act


def found(folder: Path) -> dict[str, Any]:
    """What the journal says of each row, and what was billed."""
    billed = (folder / "bill").read_text().split() if (folder / "bill").exists() else []
    path = folder / "run.fal"
    states: list[Any] = []
    if path.exists() and path.stat().st_size:
        try:
            with Journal.drive(path) as journal:
                states = [(row.state, row.answer and row.answer.body.decode()) for row in journal.rows()]
        except fal_notebook.errors.JournalError as exc:
            assert "empty" in str(exc), exc  # noqa: PT017 - this is no test
    return {"states": states, "billed": [billed.count(str(number)) for number in range(ROWS)]}


def deaths(folder: Path, how: Iterator[Callable[[Path], Callable[[], None]]]) -> Iterator[dict[str, Any]]:
    for number, kill in enumerate(how):
        place = folder / str(number)
        place.mkdir()
        survived = in_child(kill(place))
        after = found(place)
        in_child(lambda place=place: work(place, lambda: None))  # type: ignore[misc]
        yield {"after": after, "end": found(place)}
        if survived:
            return


def main() -> None:
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    if kind == "lines":
        first, step = int(sys.argv[3]), int(sys.argv[4])
        how = (lambda place, n=n: killed_at(n, place) for n in range(first, 1_000_000, step))
        sys.stdout.write(json.dumps(list(deaths(folder, how))))
        return
    seed = random.Random(7)  # noqa: S311 - when to die is no secret
    reports = []
    for number in range(int(sys.argv[3])):
        place = folder / str(number)
        place.mkdir()
        for _ in range(3):
            in_child(killed_after(seed.uniform(0, 0.1), place))
        after = found(place)
        in_child(lambda place=place: work(place, lambda: None))  # type: ignore[misc]
        reports.append({"after": after, "end": found(place)})
    sys.stdout.write(json.dumps(reports))


if __name__ == "__main__":
    main()
