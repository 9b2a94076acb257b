"""A streaming answer is drawn completely, in order, and no faster than Jupyter can carry."""

import time
from collections.abc import Sequence

import pytest

import fal_notebook.display.live
from fal_notebook import Media, Preview, Progress, Result, Text, Update, session
from fal_notebook.client.receiver import Receiver
from fal_notebook.client.result import Format
from fal_notebook.client.streaming import Stream
from fal_notebook.display.live import REFRESHES, Live, Shown, TerminalLive, follow
from fal_notebook.display.notebook_live import NotebookLive
from fal_notebook.display.reloaded_page import RecentAnswers
from fal_notebook.render.bundles import CUT_NOTE, LONGEST_TEXT
from fal_notebook.response.choices import Choice, Source
from fal_notebook.wire.target import Target

from ..endpoints import PNG
from ..scripted import first_words


class Page(Live):
    """A live view that records what is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.draws = 0

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        """Show nothing at the end."""

    def _write(self, text: str, replaces: Shown) -> None:
        self.text = text if replaces is not Shown.NOTHING else self.text + text
        self.draws += 1


@pytest.fixture
def stream() -> Stream:
    return Stream(Target("a/b", "ws://localhost/a/b"), Receiver(), lambda: None, nested=False)


def _draw(page: Live, updates: Sequence[Text | Progress], stream: Stream) -> None:
    page.take(updates)
    page.refresh(stream)


def test_what_comes_between_two_refreshes_is_one_draw(stream: Stream) -> None:
    page = Page()
    _draw(page, [Text("a", 0), Text("b", 1), Text("c", 2)], stream)
    assert (page.text, page.draws) == ("abc", 1)


def test_rewritten_text_takes_the_place_of_what_is_shown(stream: Stream) -> None:
    page = Page()
    _draw(page, [Text("one two", 0)], stream)
    _draw(page, [Text("three", 4)], stream)
    assert page.text == "one three"


def test_a_flood_is_drawn_in_bounded_pieces_and_nothing_is_lost(stream: Stream) -> None:
    page = Page()
    page.take([Text("😀" * 100_000, 0)])
    while page.has_news:
        before = len(page.text)
        page.refresh(stream)
        assert len((page.text[before:]).encode()) <= 1_000_000 / REFRESHES
    assert page.text == "😀" * 100_000


def test_a_text_too_long_to_be_shown_is_cut_with_a_note(stream: Stream) -> None:
    page = Page()
    for number in range(50):
        page.take([Text("x" * 1_000_000, number * 1_000_000)])
        page.refresh(stream)
    while page.has_news:
        page.refresh(stream)
    assert page.text == "x" * LONGEST_TEXT + CUT_NOTE


def test_a_rewrite_below_the_cut_is_drawn_and_one_beyond_it_is_not(stream: Stream) -> None:
    page = Page()
    page.take([Text("x" * (LONGEST_TEXT + 10), 0), Text("y" * 20, LONGEST_TEXT + 5)])
    while page.has_news:
        page.refresh(stream)
    assert page.text == "x" * LONGEST_TEXT + CUT_NOTE
    _draw(page, [Text("short", 3)], stream)
    assert page.text == "xxxshort"


def test_a_line_end_that_is_cut_in_two_stays_one(stream: Stream) -> None:
    page = Page()
    _draw(page, [Text("a\r", 0)], stream)
    _draw(page, [Text("\nb", 2)], stream)
    assert page.text == "a\nb"


def test_after_a_second_without_a_word_a_line_tells_what_is_waited_for(stream: Stream) -> None:
    page = Page()
    page.refresh(stream)
    assert page.text == ""
    stream._receiver.began -= 3
    _draw(page, [Progress(0.25, "two passes")], stream)
    assert page.text == "connecting… 3 s · 25% two passes"
    page.refresh(stream)
    assert page.draws == 1
    _draw(page, [Text("words", 0)], stream)
    assert page.text == "words"


@pytest.mark.usefixtures("gateway")
def test_the_end_does_not_wait_for_the_next_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fal_notebook.display.live, "REFRESHES", 1 / 30)
    page = Page()
    began = time.monotonic()
    follow(session().stream("test/paced/stream", {"prompt": "x", "count": 20, "rate": 100}), page)
    assert time.monotonic() - began < 15


def test_the_first_words_do_not_wait_for_a_refresh_although_the_response_began_just_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fal_notebook.display.live, "REFRESHES", 1 / 30)
    page = Page()
    with first_words(lambda: page.text == "one") as (url, in_time):
        follow(session().stream("a/b", base_url=url), page)
    assert in_time == [True]


@pytest.mark.parametrize(
    "updates",
    [
        [Text("\r", 0)],
        [Text("\ud83d", 0)],
        [Preview((Media("image/png", PNG + bytes(size)),)) for size in (10_000_000, 9)],
    ],
)
def test_what_cannot_be_drawn_yet_causes_no_further_refreshes(updates: list[Update], stream: Stream) -> None:
    live = NotebookLive(RecentAnswers())
    for update in updates:
        live.take([update])
        live.due = 0.0
        live.refresh(stream)
    assert live.has_news
    assert live.due > time.monotonic()


def test_a_terminal_prints_words_once_and_then_the_status_line(
    stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = TerminalLive()
    _draw(terminal, [Text("some words", 0)], stream)
    terminal.finish(Result("a/b", text="some words"), "markdown", autoplay=False)
    assert capsys.readouterr().out == "some words\na/b · 0.00 s\n"


def test_a_terminal_prints_what_stands_beneath_the_words(stream: Stream, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = TerminalLive()
    _draw(terminal, [Text("A", 0)], stream)
    choices = [Choice("A", finish_reason="length"), Choice("B")]
    terminal.finish(
        Result("a/b", text="A", choices=choices, sources=[Source("https://a.org/", "A")]), "markdown", autoplay=False
    )
    assert capsys.readouterr().out == (
        "A\ncut off at the length limit: raise max_tokens\nchoice 2 of 2\nB\nSources:\n[1] A https://a.org/\n"
        "a/b · 0.00 s\n"
    )


def test_a_terminal_shows_an_answer_without_words_as_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    TerminalLive().finish(Result("a/b", data={"x": 1}), "markdown", autoplay=False)
    assert capsys.readouterr().out == '{"x": 1}\na/b · 0.00 s\n'
