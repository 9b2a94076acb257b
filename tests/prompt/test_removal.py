"""Delete and Clear can be undone: in the page, in memory, and in the transcript, which is rewritten only later."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from fal_notebook.prompt import removal

from .. import endpoints
from .test_memory import CHAT
from .test_widget import SECONDS, Watched, change, run


@pytest.fixture
def widget(gateway: str) -> Iterator[Watched]:
    widget = Watched(CHAT, system="Be brief.")
    run(widget, "I am Ada.")
    run(widget, "I am Bob.")
    yield widget
    widget.close()


def versions(widget: Watched) -> list[int]:
    return list(widget.of("kept")[-1]["versions"])


def said(widget: Watched) -> list[str]:
    return [message["content"] for message in widget.chat.messages]


def numbers(widget: Watched) -> list[int]:
    return [entry.number for entry in widget._conversation.entries]


WHOLE = ["Be brief.", "I am Ada.", "I know Ada", "I am Bob.", "I know Ada Bob"]


@pytest.mark.parametrize(
    ("request_", "what"), [({"kind": "delete", "id": 1}, "Deleted."), ({"kind": "clear"}, "Cleared.")]
)
def test_what_was_removed_comes_back_where_it_was(widget: Watched, request_: dict[str, Any], what: str) -> None:
    before = versions(widget)
    widget.hear(**request_)
    assert widget.of("undoable")[-1]["what"] == what
    assert "I am Ada." not in said(widget)
    assert versions(widget) == before
    widget.sent.clear()
    widget.hear("undo")
    assert (said(widget), numbers(widget), len(widget.results)) == (WHOLE, [1, 2], 2)
    assert [message["kind"] for message in widget.sent] == ["undoable", "cleared", "entry", "entry"]
    assert widget.of("undoable")[-1]["what"] == ""
    widget.hear("undo")
    assert numbers(widget) == [1, 2]


def test_what_came_meanwhile_stays_after_what_comes_back(widget: Watched) -> None:
    widget.hear("clear")
    run(widget, "I am Eve.")
    assert [message["content"] for message in endpoints.received[-1]["messages"]] == ["Be brief.", "I am Eve."]
    widget.hear("undo")
    assert (said(widget), numbers(widget)) == ([*WHOLE, "I am Eve.", "I know Eve"], [1, 2, 3])


def test_undo_leaves_what_someone_has_changed_in_the_memory_since(widget: Watched) -> None:
    widget.hear("delete", id=1)
    widget.chat.system = "Be long."
    del widget.chat.messages[1]
    widget.hear("undo")
    assert said(widget) == ["Be long.", "I am Ada.", "I know Ada", "I know Ada Bob"]


def test_the_transcript_is_rewritten_when_the_time_is_over(widget: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "SECONDS", 0.1)
    before = versions(widget)
    widget.hear("delete", id=1)
    deadline = time.monotonic() + SECONDS
    while versions(widget) == before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert widget.of("undoable")[-1]["what"] == ""
    widget.hear("transcript", view="v", pieces=[0])
    ((_, bundle),) = widget.of("transcript")[-1]["pieces"]
    assert "Ada." not in bundle["text/plain"].partition("Bob.")[0]
    widget.hear("undo")
    assert numbers(widget) == [2]


def test_only_the_last_removal_can_be_undone_and_the_one_before_becomes_final(widget: Watched) -> None:
    before = versions(widget)
    widget.hear("delete", id=1)
    widget.hear("delete", id=2)
    assert versions(widget) != before
    widget.hear("undo")
    assert numbers(widget) == [2]


def test_clear_from_python_is_final_at_once(widget: Watched) -> None:
    widget.clear()
    assert widget.of("undoable") == []
    widget.hear("undo")
    assert (numbers(widget), said(widget)) == ([], ["Be brief."])


def test_an_answer_that_was_cleared_while_it_streamed_comes_back_as_far_as_it_came(widget: Watched) -> None:
    widget.run("hold")
    while "I know" not in widget.page(3):
        time.sleep(0.01)
    with change(widget, "state", lambda state: state == "ready"):
        widget.hear("clear")
    widget.wait()
    assert said(widget) == ["Be brief."]
    widget.hear("undo")
    assert numbers(widget) == [1, 2, 3]
    assert said(widget)[5] == "hold"
    assert widget.results[-1].stopped
    widget.hear("transcript", view="v", pieces=[0, 1])
    assert "> hold" in str(widget.of("transcript")[-1]["pieces"])
