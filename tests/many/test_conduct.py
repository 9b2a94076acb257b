import heapq
import random
import time
from collections import Counter

import pytest

from fal_notebook.many.budget import Budget
from fal_notebook.many.conduct import Conduct, Finished, Send, Wait
from fal_notebook.many.window import Window


def conduct(count: int, window: Window | None = None, budget: Budget | None = None) -> Conduct:
    made = Conduct(window or Window(100), budget)
    made.add(range(count))
    if count:
        made.end_of_rows()
    return made


def sent(made: Conduct, now: float = 0.0) -> list[int]:
    numbers = []
    while isinstance(found := made.next(now), Send):
        numbers.append(found.number)
    return numbers


class Account:
    """An account that works on a limited number of requests, in a time of its own."""

    def __init__(self, limit: int, seconds: list[float]) -> None:
        self.limit = limit
        self.seconds = seconds
        self.refused = 0
        self.answers: Counter[int] = Counter()

    def run(self, made: Conduct, count: int, limits: dict[float, int] | None = None) -> float:
        now, given, working = 0.0, 0, list[tuple[float, int]]()
        chance = random.Random(1)  # noqa: S311 - no secret
        while True:
            if wanted := made.wanted:
                made.add(range(given, min(count, given + wanted)))
                given = min(count, given + wanted)
                if given == count:
                    made.end_of_rows()
            found = made.next(now)
            for since, limit in (limits or {}).items():
                self.limit = limit if now >= since else self.limit
            if isinstance(found, Send):
                if len(working) >= self.limit:
                    self.refused += 1
                    made.refused(found.number, now)
                else:
                    heapq.heappush(working, (now + chance.choice(self.seconds), found.number))
            elif isinstance(found, Finished):
                return now
            elif working:
                now, number = heapq.heappop(working)
                self.answers[number] += 1
                made.done(number)
            else:
                assert found.until is not None
                now = found.until


@pytest.mark.parametrize("limit", [1, 2, 10, 40])
@pytest.mark.parametrize("seconds", [[0.02], [1.0], [0.02, 0.02, 1.0]], ids=["short", "long", "mixed"])
def test_the_window_finds_the_limit_of_the_account_and_uses_it(limit: int, seconds: list[float]) -> None:
    account = Account(limit, seconds)
    took = account.run(Conduct(Window(100)), 4_000)
    assert account.answers == Counter(range(4_000))
    ideal = 4_000 * sum(seconds) / len(seconds) / limit
    assert took <= ideal / 0.95
    assert account.refused < 4_000 * 0.05


def test_a_limit_that_grows_or_shrinks_is_found_again() -> None:
    account = Account(10, [1.0])
    made = Conduct(Window(100))
    account.run(made, 6_000, {100.0: 4, 300.0: 10})
    assert account.answers == Counter(range(6_000))
    assert made._window.size >= 9


def test_the_window_starts_at_two_and_each_answer_enlarges_it() -> None:
    made = conduct(100)
    assert sent(made) == [0, 1]
    made.done(0)
    assert sent(made) == [2, 3]
    made.done(1)
    made.done(2)
    assert sent(made) == [4, 5, 6, 7]


def test_a_refusal_halves_the_window_once_for_all_that_were_sent_before() -> None:
    window = Window(100, start=16)
    made = conduct(100, window)
    assert sent(made) == list(range(16))
    for number in range(10, 16):
        made.refused(number, 0.0)
    assert (window.size, window.limit) == (8, 10)
    for number in range(4):
        made.done(number)
    assert window.size == 10
    assert sent(made) == [10, 11, 12, 13]


def test_a_row_that_was_refused_is_sent_first_and_the_others_do_not_wait_for_a_slow_one() -> None:
    made = conduct(100)
    sent(made)
    made.refused(1, 0.0)
    made.done(0)
    assert sent(made)[0] == 1
    for number in range(2, 50):
        sent(made)
        if number in made._under_way:
            made.done(number)
    assert 1 in made._under_way


def test_the_wait_that_the_server_asks_for_is_kept() -> None:
    made = conduct(10)
    sent(made)
    made.refused(0, 100.0, wait=7.0)
    assert made.next(106.9) == Wait() or made.next(106.9) == Wait(107.0)
    made.done(1)
    assert made.next(106.9) == Wait(107.0)
    assert made.next(107.0) == Send(0)


def test_where_others_use_the_account_the_pauses_grow() -> None:
    made = conduct(1)
    now, pauses = 0.0, []
    for _ in range(9):
        assert sent(made, now) == [0]
        made.refused(0, now)
        found = made.next(now)
        assert isinstance(found, Wait)
        assert found.until is not None
        pauses.append(found.until - now)
        now = found.until
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(("status", "says"), [(401, "key"), (403, "key"), (402, "balance")])
def test_a_refusal_that_holds_for_all_rows_stops_the_run(status: int, says: str) -> None:
    made = conduct(10)
    sent(made)
    made.failed(0, status, "no")
    assert made.next(0.0) == Wait()
    made.done(1)
    found = made.next(0.0)
    assert isinstance(found, Finished)
    assert says in found.reason


def test_ten_equal_failures_in_a_row_stop_the_run_and_other_ones_do_not() -> None:
    made = conduct(1_000)
    for number in range(60):
        sent(made)
        made.done(number) if number % 10 == 9 else made.failed(number, 422, "bad")
    for number in range(60, 80):
        sent(made)
        made.failed(number, 422, f"bad {number % 3}")
    for number in range(80, 90):
        assert sent(made)
        made.failed(number, 500, "down")
    assert sent(made) == []
    assert made.reason == "10 rows failed in the same way: down"


def test_nothing_is_sent_beyond_the_budget() -> None:
    made = conduct(100, budget=Budget(1.0, price=0.1))
    most, number = 0.0, 0
    while not isinstance(made.next(0.0), Finished):
        sent(made)
        most = max(most, made._budget.spent + 0.1 * made.under_way)
        made.done(min(made._under_way), 0.1)
        number += 1
    assert number in (10, 11)
    assert made._budget.spent <= 1.0 + 1e-6
    assert made.next(0.0) == Finished("the budget is used up")


def test_until_a_price_is_known_one_row_is_sent_at_a_time() -> None:
    made = conduct(100, Window(100, start=50), Budget(1.0))
    assert sent(made) == [0]
    assert made.next(0.0) == Wait()
    made.done(0, 0.3)
    assert sent(made) == [1, 2]
    made.done(1, 0.5)
    assert made.next(0.0) == Wait()
    made.done(2, 0.1)
    assert made.next(0.0) == Finished("the budget is used up")


def test_a_budget_that_cannot_be_kept_ends_the_run_after_one_row() -> None:
    made = conduct(100, budget=Budget(1.0))
    assert sent(made) == [0]
    made.done(0, None)
    assert made.next(0.0) == Finished("the cost of an answer is not known")


def test_a_row_that_was_lost_is_not_sent_again_and_counts_as_billed() -> None:
    made = conduct(3, budget=Budget(0.2, price=0.1))
    assert sent(made) == [0, 1]
    made.lost(0, "lost")
    made.done(1, 0.1)
    assert made.next(0.0) == Finished("the budget is used up")


def test_without_a_connection_rows_wait_and_the_run_stops_after_ten_tries() -> None:
    made = conduct(5)
    now, tries = 0.0, 0
    while not isinstance(found := made.next(now), Finished):
        if isinstance(found, Send):
            made.not_sent(found.number, now, "no network")
            assert made.obstacle == "no network"
            tries += 1
        else:
            assert found.until is not None
            now = found.until
    assert found.reason == "no connection in 10 tries: no network"
    assert tries == 10
    assert sorted(made._ready) == [0, 1, 2, 3, 4]


def test_a_run_that_is_stopped_finishes_what_is_under_way() -> None:
    made = conduct(5)
    sent(made)
    made.stop("cancelled")
    made.stop("again")
    assert (made.next(0.0), made.wanted) == (Wait(), 0)
    made.done(0)
    made.done(1)
    assert made.next(0.0) == Finished("cancelled")


def test_rows_that_were_submitted_before_count_as_under_way() -> None:
    made = conduct(5)
    made.resumed(100)
    assert sent(made) == [0]
    made.done(100)
    assert sent(made) == [1, 2]


def test_no_rows_finish_at_once() -> None:
    made = Conduct(Window(10))
    assert made.wanted
    made.end_of_rows()
    assert made.next(0.0) == Finished()


def test_the_conduct_of_a_row_costs_microseconds() -> None:
    began = time.process_time()
    Account(40, [1.0]).run(Conduct(Window(100)), 20_000)
    assert (time.process_time() - began) / 20_000 < 200e-6
