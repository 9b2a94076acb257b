"""A stream that is followed on a thread: at a pace, and at its end at once."""

import time
from collections.abc import Sequence

import pytest

import fal_notebook.client.follower
from fal_notebook import Result, Text, Update, session
from fal_notebook.client.follower import follow_in_thread

from ..scripted import first_words


def _follow(count: int, rate: int) -> tuple[list[Sequence[Update]], list[Result], float]:
    """The batches that were shown, the results, and the seconds from the first to the last."""
    shown: list[Sequence[Update]] = []
    results: list[Result] = []
    began = time.monotonic()
    stream = session().stream("test/paced/stream", {"prompt": "x", "count": count, "rate": rate})
    follow_in_thread(stream, shown.append, results.append).join(60)
    return shown, results, time.monotonic() - began


@pytest.mark.usefixtures("gateway")
def test_all_that_came_is_shown_in_few_pieces_before_the_end() -> None:
    shown, (result,), seconds = _follow(count=500, rate=1000)
    words = "".join(str(update) for updates in shown for update in updates)
    assert words == result.text
    assert len(words.split()) == 500
    assert len([updates for updates in shown if updates]) <= 10 * seconds + 2


@pytest.mark.usefixtures("gateway")
def test_the_end_does_not_wait_for_the_next_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fal_notebook.client.follower, "_REFRESHES", 1 / 30)
    shown, (result,), seconds = _follow(count=20, rate=100)
    assert seconds < 15
    assert len(result.text.split()) == 20
    assert any(isinstance(update, Text) for update in shown[-1])


def test_the_first_words_do_not_wait_for_a_refresh_although_the_response_began_just_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fal_notebook.client.follower, "_REFRESHES", 1 / 30)
    words: list[str] = []
    results: list[Result] = []
    with first_words(lambda: words == ["one"]) as (url, in_time):
        stream = session().stream("a/b", base_url=url)
        follow_in_thread(stream, lambda updates: words.extend(map(str, updates)), results.append).join(60)
    assert in_time == [True]
