"""How long a model reasoned is measured from its first piece to what follows, by the times at which the pieces came."""

import pytest

from fal_notebook import Json, Preview, Progress, Reasoning, Text, Update
from fal_notebook.client.thinking_time import Arrivals, ThinkingTime
from fal_notebook.media.media import Media

THOUGHT, WORDS, FILE = Reasoning("a", 0), Text("a", 0), Preview((Media("image/png", url="https://a.org/a.png"),))


@pytest.mark.parametrize(
    ("reads", "seconds"),
    [
        ([], None),
        ([(1, [WORDS])], None),
        ([(1, [THOUGHT, WORDS])], None),
        ([(1, [THOUGHT])], None),
        ([(1, [THOUGHT]), (3, [THOUGHT])], 2),
        ([(1, [THOUGHT]), (3, [THOUGHT]), (4, [WORDS]), (9, [WORDS])], 3),
        ([(1, [THOUGHT]), (2, [Json(1), Progress(None, "a")]), (4, [FILE])], 3),
        ([(1, [WORDS]), (2, [THOUGHT]), (4, [WORDS]), (5, [THOUGHT]), (9, [WORDS])], 2),
        ([(1, [THOUGHT, WORDS]), (2, [THOUGHT]), (4, [WORDS])], None),
    ],
)
def test_the_time_from_the_first_piece_to_what_follows(
    reads: list[tuple[float, list[Update]]], seconds: float | None
) -> None:
    thinking = ThinkingTime()
    for moment, updates in reads:
        thinking.take(updates, moment)
    thinking.end()
    assert thinking.seconds == thinking.seconds_until(99) == seconds
    assert not thinking.is_running


def test_while_more_reasoning_may_come_the_time_goes_on() -> None:
    thinking = ThinkingTime()
    assert thinking.seconds_until(5) is None
    thinking.take([THOUGHT], 2)
    assert thinking.is_running
    assert thinking.seconds_until(5) == 3


def test_the_moment_of_a_place_in_the_body_is_that_of_its_bytes() -> None:
    arrivals = Arrivals()
    assert arrivals.at(1) is None
    for end, moment in [(0, 0.0), (10, 1.0), (20, 2.0), (20, 3.0), (30, 4.0)]:
        arrivals.add(end, moment)
    assert [arrivals.at(end) for end in (1, 10, 11, 20, 21, 30)] == [1, 1, 2, 2, 4, 4]
