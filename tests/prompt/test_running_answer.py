"""A streaming answer: the page is told everything that is new exactly once."""

from types import SimpleNamespace
from typing import Any, cast

from fal_notebook.client.result import Result
from fal_notebook.client.streaming import Stream
from fal_notebook.media.media import Media
from fal_notebook.prompt.entry import Entry
from fal_notebook.prompt.running_answer import RunningAnswer, status_of
from fal_notebook.response.updates import Piece, Preview, Progress, Reasoning, Text

from ..endpoints import PNG


def stream(**facts: Any) -> Stream:
    """A stand-in for a stream: only the attributes that a running answer reads."""
    nothing = dict.fromkeys(("transfer", "first_byte_after", "request_id"))
    known = {**nothing, "is_done": False, "bytes": 0, "elapsed": 0.5, **facts}
    known.setdefault("so_far", lambda: Result("a/b"))
    return cast(Stream, SimpleNamespace(**known))


def running(**facts: Any) -> RunningAnswer:
    answer = RunningAnswer(Entry(1, "a/b", {}, "ask"))
    answer.stream = stream(**facts)
    return answer


def kinds(answer: RunningAnswer) -> list[str]:
    return [message["kind"] for message, _ in answer.news()]


def test_words_are_told_once() -> None:
    answer = running()
    assert answer.feed([Text("one ", 0), Text("two", 4)]) == []
    ((message, buffers),) = answer.news()
    assert (message["blocks"], message["tail"]) == ([], [0, '<p dir="auto">one two</p>\n', False])
    assert (message["elapsed"], buffers) == (0.5, None)
    assert kinds(answer) == []


def test_the_status_of_the_stream_is_told_when_it_changes() -> None:
    answer = running()
    assert kinds(answer) == []
    answer.stream = stream(bytes=12)
    ((message, _),) = answer.news()
    assert (message["status"], answer.status) == ("12 bytes", "12 bytes")
    assert "tail" not in message
    assert kinds(answer) == []


def test_the_bytes_of_a_preview_are_a_buffer_of_its_message() -> None:
    answer = running()
    answer.feed([Preview((Media("image/png", PNG),))])
    ((message, buffers),) = answer.news()
    assert (message, buffers) == ({"kind": "preview", "id": 1, "type": "image/png"}, [PNG])
    assert kinds(answer) == []


def test_reasoning_is_told_before_the_words_and_its_end_once() -> None:
    answer = running(is_thinking=True, thinking=2.5)
    answer.feed([Reasoning("two and <b>", 0)])
    ((message, _),) = answer.news()
    assert message == {"kind": "reasoning", "id": 1, "words": "two and <b>", "seconds": 2.5, "line": ""}
    assert kinds(answer) == []
    answer.stream = stream(is_thinking=False, thinking=3.0)
    answer.feed([Text("Four", 0)])
    (message, _), (words, _) = answer.news()
    assert (message["line"], words["kind"]) == ("thought for 3 s", "delta")
    assert kinds(answer) == []


def test_only_the_newest_progress_is_told() -> None:
    answer = running()
    answer.feed([Progress(0.1, "a"), Progress(0.2, "b")])
    ((message, _),) = answer.news()
    assert (message["fraction"], message["message"]) == (0.2, "b")
    assert kinds(answer) == []


def test_pieces_of_sound_are_returned_in_order() -> None:
    pieces = [Piece(b"1", "audio/mpeg"), Piece(b"2", "audio/mpeg")]
    assert running().feed([pieces[0], Text("words", 0), pieces[1]]) == pieces


def test_at_the_end_the_last_words_are_told_and_nothing_else() -> None:
    answer = running()
    answer.feed([Text("half a **word**\r", 0), Progress(0.9, "nearly"), Preview((Media("image/png", PNG),))])
    answer.stream = stream(is_done=True, bytes=99)
    ((message, _),) = answer.news()
    assert message["blocks"] == [['<p dir="auto">half a <strong>word</strong></p>\n', False]]
    answer.stream = stream(is_done=True, bytes=100)
    assert kinds(answer) == []


def test_words_that_are_no_markdown_are_told_as_they_are() -> None:
    answer = running(so_far=lambda: Result("a/b", headers={"content-type": "text/plain"}))
    answer.feed([Text("*one*", 0)])
    ((message, _),) = answer.news()
    assert message["tail"][1].endswith(">*one*</pre>")


def test_many_words_at_once_are_packed() -> None:
    answer = running()
    answer.feed([Text("words and " * 1_000, 0)])
    ((message, buffers),) = answer.news()
    assert "blocks" not in message
    assert message["packed"]
    assert buffers is not None
    assert len(buffers[0]) < 1_000


def test_the_status_is_one_short_line() -> None:
    assert status_of(stream()) == ""
    whole = stream(first_byte_after=0.123, bytes=12_345, request_id="r\n1")
    assert status_of(whole) == "first token 0.12 s · 12,345 bytes"
