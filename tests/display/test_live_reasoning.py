"""Of reasoning that streams, the newest lines are shown, harmless, at a cost that does not grow."""

import time

import pytest

from fal_notebook import Reasoning, Result, Text
from fal_notebook.client.receiver import Receiver
from fal_notebook.client.streaming import Stream
from fal_notebook.display.live import Live, Shown, TerminalLive
from fal_notebook.display.live_reasoning import LiveReasoning
from fal_notebook.display.notebook_live import NotebookLive
from fal_notebook.display.reloaded_page import RecentAnswers
from fal_notebook.wire.target import Target


@pytest.fixture
def stream() -> Stream:
    return Stream(Target("a/b", "ws://localhost/a/b"), Receiver(), lambda: None, nested=False)


def think(stream: Stream, *pieces: str, began: float = 4.0) -> list[Reasoning]:
    """The updates of reasoning that began some seconds ago, which the stream has read."""
    updates, length = [], 0
    for piece in pieces:
        updates.append(Reasoning(piece, length))
        length += len(piece)
    stream._reading.thinking.take(updates, time.monotonic() - began)
    return updates


def answer(stream: Stream, words: str) -> list[Text]:
    """The update of words, which end the reasoning."""
    stream._reading.thinking.take([Text(words, 0)], time.monotonic())
    return [Text(words, 0)]


def test_there_is_nothing_to_show_without_reasoning(stream: Stream) -> None:
    reasoning = LiveReasoning()
    reasoning.take([Text("a", 0)])
    assert (reasoning.has_begun, reasoning.has_news, reasoning.bundles(stream)) == (False, False, [])


def test_reasoning_is_shown_with_its_time_until_it_has_ended(stream: Stream) -> None:
    reasoning = LiveReasoning()
    reasoning.take(think(stream, "two", " and"))
    state = reasoning.state(stream)
    assert (state["words"], round(state["seconds"]), state["line"]) == ("two and", 4, "")
    assert reasoning.bundles(stream)[0]["text/plain"] == "two and"
    changes = [reasoning.has_news]
    answer(stream, "Four")
    reasoning.watch(stream)
    changes.append(reasoning.has_news)
    assert changes == [False, True]
    assert reasoning.state(stream)["line"] == "thought for 4 s"
    assert reasoning.bundles(stream)[0]["text/plain"] == "thought for 4 s"


def test_rewritten_reasoning_takes_the_place_of_what_is_shown() -> None:
    reasoning = LiveReasoning()
    reasoning.take([Reasoning("one two", 0), Reasoning("three", 4)])
    assert reasoning.words == "one three"
    reasoning.take([Reasoning("x" * 10_000, 0), Reasoning("none", 0)])
    assert reasoning.words == "none"


def test_only_whole_lines_at_the_end_of_long_reasoning_are_shown() -> None:
    reasoning = LiveReasoning()
    for number in range(10_000):
        line = f"line {number}\n"
        reasoning.take([Reasoning(line, reasoning._length)])
        assert len(reasoning.words) <= 2_100
        assert reasoning.words.endswith(line)
    assert reasoning.words.startswith("…line 9")


def test_a_hostile_piece_is_made_harmless() -> None:
    reasoning = LiveReasoning()
    reasoning.take([Reasoning("\x1b]0;owned\x07\u202eab\rc\ud800", 0)])
    assert reasoning.words == "␛]0;owned␇ab\nc�"
    assert reasoning.last_words(80) == "␛]0;owned␇ab c�"


@pytest.mark.parametrize(
    ("words", "width", "shown"),
    [
        ("", 10, ""),
        ("two and two", 20, "two and two"),
        ("two and\n\n two", 11, "two and two"),
        ("two and two", 8, "and two"),
        ("two and two", 7, "two"),
        ("x" * 50, 7, "x" * 7),
        ("二足す二は四", 5, "は四"),
        ("two", 0, ""),
        ("two", -9, ""),
    ],
)
def test_the_last_words_fit_a_line(words: str, width: int, shown: str) -> None:
    reasoning = LiveReasoning()
    reasoning.take([Reasoning(words, 0)])
    assert reasoning.last_words(width) == shown


class Page(Live):
    """A live view that records its line."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def finish(self, result: Result, style: object, *, autoplay: bool) -> None:
        """Show nothing at the end."""

    def _write(self, text: str, replaces: Shown) -> None:
        self.text = text if replaces is not Shown.NOTHING else self.text + text


def test_the_line_that_tells_what_is_waited_for_says_that_the_model_thinks(stream: Stream) -> None:
    page = Page()
    stream._receiver.began -= 9
    page.take(think(stream, "two and two"))
    page.refresh(stream)
    assert page.text == "thinking… 4 s"
    page.take(answer(stream, "Four"))
    page.refresh(stream)
    assert page.text == "Four"


def test_nothing_of_the_reasoning_stays_in_a_file(stream: Stream, capsys: pytest.CaptureFixture[str]) -> None:
    live = TerminalLive()
    stream._receiver.began -= 9
    live.take(think(stream, "two and two"))
    live.refresh(stream)
    live.take(answer(stream, "Four"))
    live.refresh(stream)
    live.finish(Result("a/b", text="Four", reasoning="two and two"), "text", autoplay=False)
    assert capsys.readouterr().out.startswith("Four\na/b · ")


def test_in_a_notebook_a_fold_has_the_lines_and_closes_before_the_first_words(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    live = NotebookLive(RecentAnswers())
    monkeypatch.setattr(live, "_draw", lambda: order.append("words"))
    live.take(think(stream, "two"))
    live.refresh(stream)
    assert live._fold is not None
    fold = live._fold.widget
    assert fold.state["words"] == "two"
    fold.observe(lambda change: order.append(change.new["line"] or change.new["words"]), "state")
    live.take([Reasoning(" and two", 3)])
    live.refresh(stream)
    live.take(answer(stream, "Four"))
    live.refresh(stream)
    live.refresh(stream)
    assert order[:3] == ["two and two", "thought for 4 s", "words"]
    live._box.close()
    assert fold.comm is None
