import random

from fal_notebook.many.queue_pace import IN_VAIN, Outstanding, QueuePace
from fal_notebook.wire.queue_address import Links
from fal_notebook.wire.queue_protocol import QueueStatus

NOWHERE = Links("", "", "")
DONE = QueueStatus("COMPLETED", seconds=1.0)


class Queue:
    """A queue in simulated time: so many at work at once, each for so long."""

    def __init__(self, rows: int, limit: int, seconds: float) -> None:
        self.free = [0.0] * limit
        self.ends: list[float] = []
        chance = random.Random(3)  # noqa: S311 - no secret
        for _ in range(rows):
            first = min(range(limit), key=self.free.__getitem__)
            self.free[first] += seconds * chance.uniform(0.5, 1.5)
            self.ends.append(self.free[first])

    def status(self, number: int, now: float) -> QueueStatus:
        if now >= self.ends[number]:
            return DONE
        ahead = sum(end > now for end in self.ends[:number]) - len(self.free)
        return QueueStatus("IN_QUEUE", ahead) if ahead >= 0 else QueueStatus("IN_PROGRESS")


def polled(queue: Queue, window: int = 200) -> tuple[list[float], list[float]]:
    """When each answer was found, and when each look was in vain."""
    pace, now, found, vain = QueuePace(), 0.0, [0.0] * len(queue.ends), []
    waiting, under_way = iter(range(len(queue.ends))), 0

    def fill() -> None:
        nonlocal under_way
        while under_way < window and (number := next(waiting, None)) is not None:
            pace.add(number, str(number), NOWHERE, now, now)
            under_way += 1

    fill()
    while (step := pace.next(now)) is not None:
        if not isinstance(step, Outstanding):
            now += max(step, 1e-4)
            continue
        status = queue.status(step.number, now)
        if status.is_completed:
            pace.ended(status, now)
            found[step.number], under_way = now, under_way - 1
            fill()
        else:
            pace.still_there(step, status, now)
            vain.append(now)
        now += 0.005
    return found, vain


def test_looks_in_vain_are_few_a_second_however_many_rows_there_are() -> None:
    _, vain = polled(Queue(400, 10, 1.0))
    for start in vain:
        assert sum(start <= each < start + 1.0 for each in vain) <= 2 * IN_VAIN + 1


def test_answers_are_found_soon_after_they_are_there() -> None:
    for limit, seconds in ((2, 1.0), (10, 1.0), (40, 1.0), (2, 60.0)):
        queue = Queue(100, limit, seconds)
        found, _ = polled(queue)
        late = sorted(at - end for at, end in zip(found, queue.ends, strict=True))
        assert late[len(late) // 2] < 0.5 + 0.05 * seconds, (limit, seconds)
        assert late[-1] < 2 + 0.5 * seconds, (limit, seconds)


def test_the_oldest_is_looked_at_first() -> None:
    pace = QueuePace()
    for number in range(5):
        pace.add(number, str(number), NOWHERE, 0.0, 0.0)
    steps = [pace.next(10.0) for _ in range(5)]
    assert [each.number for each in steps if isinstance(each, Outstanding)] == [0, 1, 2, 3, 4]
    assert pace.next(10.0) is None


def test_what_is_far_back_is_looked_at_seldom() -> None:
    pace = QueuePace()
    pace.add(1, "x", NOWHERE, 0.0, 0.0)
    found = pace.next(1.0)
    assert isinstance(found, Outstanding)
    pace.still_there(found, QueueStatus("IN_QUEUE", 100), 1.0)
    wait = pace.next(1.0)
    assert isinstance(wait, float)
    assert wait > 5


def test_all_can_be_looked_at_at_once() -> None:
    pace = QueuePace()
    for number in range(50):
        pace.add(number, str(number), NOWHERE, 0.0, 0.0)
    pace.look_at_all()
    assert all(isinstance(pace.next(0.0), Outstanding) for _ in range(50))
