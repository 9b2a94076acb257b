"""Versions of a turn: what is sent, remembered, shown and kept when one is begun, and when someone walks to it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from fal_notebook import errors

from .. import endpoints
from .test_memory import CHAT
from .test_widget import Watched, change, run


@pytest.fixture
def widget(gateway: str) -> Iterator[Watched]:
    widget = Watched(CHAT, {"temperature": 0.5}, system="Be brief.")
    run(widget, "I am Ada.")
    run(widget, "I am Bob.")
    yield widget
    widget.close()


def ask(widget: Watched, kind: str, **content: Any) -> None:
    """Ask as the page does, and wait for the end of the answer."""
    with change(widget, "state", lambda state: state in ("ready", "offline")):
        widget.hear(kind, **content)
    widget.wait()


def edit(widget: Watched, number: int, prompt: str | None) -> None:
    ask(widget, "run", id=number, prompt=prompt, endpoint=widget.endpoint, rows=None)


def sent() -> list[str]:
    """What was said in the newest conversation that the gateway got."""
    return [message["content"] for message in endpoints.received[-1]["messages"]]


def said(widget: Watched) -> list[str]:
    return [message["content"] for message in widget.chat.messages]


def shown(widget: Watched) -> list[str]:
    """The prompts that a page shows now, each with its version if there are several."""
    prompts: dict[int, str] = {}
    for message in widget.sent:
        if message["kind"] in ("left", "deleted"):
            for number in message.get("ids", [message.get("id")]):
                del prompts[number]
        elif message["kind"] == "cleared":
            prompts.clear()
        elif message["kind"] == "entry":
            version = f" {message['version']}/{message['versions']}" if "version" in message else ""
            prompts[message["id"]] = message["prompt"] + version
    return list(prompts.values())


def kept(widget: Watched) -> str:
    """The words of the static transcript."""
    widget.hear("transcript", view="v", pieces=list(range(6)))
    return "\n".join(bundle["text/plain"] for _, bundle in widget.of("transcript")[-1]["pieces"])


def test_regenerating_the_last_answer_sends_what_came_before_it_and_takes_its_place(widget: Watched) -> None:
    ask(widget, "regenerate", id=2)
    assert sent() == ["Be brief.", "I am Ada.", "I know Ada", "I am Bob."]
    assert endpoints.received[-1]["temperature"] == 0.5
    assert said(widget) == ["Be brief.", "I am Ada.", "I know Ada", "I am Bob.", "I know Ada Bob"]
    assert shown(widget) == ["I am Ada.", "I am Bob. 2/2"]
    assert len(widget.results) == 2
    assert kept(widget).count("> I am Bob.") == 1


def test_regenerating_sends_the_arguments_of_then_although_the_form_has_changed(widget: Watched) -> None:
    widget.arguments = {"temperature": 1}
    ask(widget, "regenerate", id=2)
    assert endpoints.received[-1]["temperature"] == 0.5


def test_an_edited_prompt_begins_a_branch_and_the_later_turns_come_back_with_the_version_before(
    widget: Watched,
) -> None:
    edit(widget, 1, "I am Eve.")
    assert sent() == ["Be brief.", "I am Eve."]
    assert shown(widget) == ["I am Eve. 2/2"]
    run(widget, "I am Kim.")
    assert sent() == ["Be brief.", "I am Eve.", "I know Eve", "I am Kim."]
    assert "Ada" not in kept(widget)

    widget.hear("version", id=3, version=1)
    assert shown(widget) == ["I am Ada. 1/2", "I am Bob."]
    assert said(widget) == ["Be brief.", "I am Ada.", "I know Ada", "I am Bob.", "I know Ada Bob"]
    assert [result.text for result in widget.results] == ["I know Ada", "I know Ada Bob"]
    assert "Eve" not in kept(widget)
    run(widget, "Who am I?")
    assert sent()[-2:] == ["I know Ada Bob", "Who am I?"]

    widget.hear("version", id=1, version=2)
    assert shown(widget) == ["I am Eve. 2/2", "I am Kim."]
    assert said(widget) == ["Be brief.", "I am Eve.", "I know Eve", "I am Kim.", "I know Eve Kim"]
    widget.hear("version", id=3, version=1)
    assert shown(widget) == ["I am Ada. 1/2", "I am Bob.", "Who am I?"]


def test_an_edited_prompt_is_sent_with_the_form_as_it_is_now(widget: Watched) -> None:
    widget.arguments = {"temperature": 1}
    edit(widget, 2, None)
    assert endpoints.received[-1]["temperature"] == 1
    assert sent()[-1] == "I am Bob."


def test_a_branch_of_a_branch_has_versions_of_its_own(widget: Watched) -> None:
    ask(widget, "regenerate", id=2)
    edit(widget, 1, "I am Eve.")
    widget.hear("version", id=4, version=1)
    assert shown(widget) == ["I am Ada. 1/2", "I am Bob. 2/2"]
    widget.hear("version", id=3, version=1)
    assert shown(widget) == ["I am Ada. 1/2", "I am Bob. 1/2"]
    ask(widget, "regenerate", id=2)
    assert shown(widget) == ["I am Ada. 1/2", "I am Bob. 3/3"]


@pytest.mark.parametrize("version", [0, 1, 3, -1])
def test_a_version_that_is_shown_or_is_none_changes_nothing(widget: Watched, version: int) -> None:
    edit(widget, 2, "I am Eve.")
    widget.hear("version", id=3, version=version if version != 1 else 2)
    widget.hear("version", id=99, version=1)
    assert shown(widget) == ["I am Ada.", "I am Eve. 2/2"]


def test_a_stopped_regeneration_is_a_version_as_far_as_it_came(widget: Watched) -> None:
    widget.hear("run", id=2, prompt="hold", endpoint=CHAT, rows=None)
    while "I know" not in widget.page(3):
        time.sleep(0.01)
    assert "> I am Bob." in kept(widget)  # until something ended is there in its place
    with change(widget, "state", lambda state: state == "ready"):
        widget.hear("stop", id=3)
    widget.wait()
    assert said(widget) == ["Be brief.", "I am Ada.", "I know Ada", "hold", "I know Ada"]
    assert shown(widget) == ["I am Ada.", "hold 2/2"]
    assert "> I am Bob." not in kept(widget)


def test_a_failed_version_is_not_remembered_and_the_version_before_comes_back_with_its_words(widget: Watched) -> None:
    edit(widget, 2, "fail")
    assert said(widget) == ["Be brief.", "I am Ada.", "I know Ada"]
    run(widget, "I am Eve.")
    assert sent() == ["Be brief.", "I am Ada.", "I know Ada", "I am Eve."]
    widget.hear("version", id=3, version=1)
    assert said(widget)[-2:] == ["I am Bob.", "I know Ada Bob"]
    assert shown(widget) == ["I am Ada.", "I am Bob. 1/2"]


def test_a_retry_replaces_a_failure_of_which_nothing_came(gateway: str) -> None:
    widget = Watched("test/failing", {"status": 503, "body": {}})
    run(widget, "x")
    widget.endpoint, widget.arguments = "test/echo/stream", {}
    edit(widget, 1, None)
    assert shown(widget) == ["x"]
    assert [result.text for result in widget.results] == ["x "]
    assert kept(widget).startswith("Transcript (1 answer)")


def test_a_retry_keeps_the_partial_answer_of_a_failure_as_a_version(widget: Watched) -> None:
    run(widget, "fail")
    assert widget.results[-1].text
    edit(widget, 3, None)
    assert shown(widget)[-1] == "fail 2/2"


def test_what_cannot_be_sent_changes_nothing(widget: Watched) -> None:
    before = said(widget), shown(widget), kept(widget)
    widget.arguments = {"messages": []}
    edit_message = {"id": 1, "prompt": "x", "endpoint": CHAT, "rows": None}
    widget.hear("run", **edit_message)
    assert "messages are what the box sends" in widget.of("refused")[-1]["message"]
    widget.arguments = {}
    widget.hear("run", **{**edit_message, "prompt": " "})
    assert "is empty" in widget.of("refused")[-1]["message"]
    widget.hear("run", **{**edit_message, "id": 9})
    assert "was removed" in widget.of("refused")[-1]["message"]
    assert (said(widget), shown(widget), kept(widget)) == before


def test_while_an_answer_streams_no_version_is_begun_or_shown(widget: Watched) -> None:
    ask(widget, "regenerate", id=2)
    widget.run("hold")
    for kind in ("regenerate", "version"):
        widget.hear(kind, id=3, version=1)
        assert "is streaming" in widget.of("refused")[-1]["message"]
    assert shown(widget) == ["I am Ada.", "I am Bob. 2/2", "hold"]
    widget.stop()
    widget.wait()


def test_while_a_cell_goes_on_with_the_conversation_no_version_is_shown(widget: Watched) -> None:
    ask(widget, "regenerate", id=2)
    stream = widget.chat.stream("hold")
    widget.hear("version", id=3, version=1)
    assert "has not ended" in widget.of("refused")[-1]["message"]
    assert shown(widget) == ["I am Ada.", "I am Bob. 2/2"]
    stream.cancel()
    stream.outcome()


def test_deleting_a_turn_takes_all_its_versions_and_undo_brings_them_back(widget: Watched) -> None:
    ask(widget, "regenerate", id=1)
    run(widget, "I am Kim.")
    widget.hear("delete", id=3)
    assert widget.of("undoable")[-1]["what"] == "Deleted, with its other version."
    assert (shown(widget), said(widget)) == (["I am Kim."], ["Be brief.", "I am Kim.", "I know Ada Kim"])
    widget.hear("undo")
    assert shown(widget) == ["I am Ada. 2/2", "I am Kim."]
    widget.hear("version", id=3, version=1)
    assert shown(widget) == ["I am Ada. 1/2", "I am Bob."]


def test_what_was_deleted_above_a_new_version_can_still_be_put_back(widget: Watched) -> None:
    run(widget, "I am Kim.")
    widget.hear("delete", id=1)
    ask(widget, "regenerate", id=2)
    assert (shown(widget), widget.of("undoable")[-1]["what"]) == (["I am Bob. 2/2"], "Deleted.")
    widget.hear("undo")
    assert shown(widget) == ["I am Ada.", "I am Bob. 2/2"]
    assert said(widget) == ["Be brief.", "I am Ada.", "I know Ada", "I am Bob.", "I know Bob"]
    widget.hear("version", id=4, version=1)
    assert shown(widget) == ["I am Ada.", "I am Bob. 1/2", "I am Kim."]
    assert said(widget)[-4:] == ["I am Bob.", "I know Ada Bob", "I am Kim.", "I know Ada Bob Kim"]
    assert kept(widget).count("> I am Ada.") == 1


def test_what_was_deleted_below_a_new_version_is_final_and_the_page_says_so(widget: Watched) -> None:
    widget.hear("delete", id=2)
    ask(widget, "regenerate", id=1)
    told = widget.of("undoable")[-1]
    assert told["what"] == ""
    assert "stays deleted" in told["final"]
    widget.hear("undo")
    assert shown(widget) == ["I am Ada. 2/2"]
    assert "> I am Bob." not in kept(widget)


def test_a_version_that_is_refused_leaves_the_undo(widget: Watched) -> None:
    widget.hear("delete", id=2)
    stream = widget.chat.stream("hold")
    widget.hear("regenerate", id=1)
    assert "has not ended" in widget.of("refused")[-1]["message"]
    stream.cancel()
    stream.outcome()
    widget.hear("undo")
    assert shown(widget) == ["I am Ada.", "I am Bob."]


def test_what_was_cleared_while_a_version_streamed_comes_back_with_its_versions(widget: Watched) -> None:
    widget.hear("run", id=2, prompt="hold", endpoint=CHAT, rows=None)
    with change(widget, "state", lambda state: state == "ready"):
        widget.hear("clear")
    widget.wait()
    assert said(widget) == ["Be brief."]
    widget.hear("undo")
    assert shown(widget) == ["I am Ada.", "hold 2/2"]
    assert "> I am Bob." not in kept(widget)
    widget.hear("version", id=3, version=1)
    assert said(widget) == ["Be brief.", "I am Ada.", "I know Ada", "I am Bob.", "I know Ada Bob"]


def test_a_view_that_opens_later_learns_of_the_versions(widget: Watched) -> None:
    ask(widget, "regenerate", id=2)
    widget.sent.clear()
    widget.hear("hello")
    assert shown(widget) == ["I am Ada.", "I am Bob. 2/2"]


def test_a_stored_prompt_is_sent_again_with_its_files_and_the_arguments_of_the_form(gateway: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    parts = [{"type": "text", "text": "I am Ada."}, picture]
    stored: list[dict[str, Any]] = [{"role": "user", "content": parts}, {"role": "assistant", "content": "Hello"}]
    widget = Watched(CHAT, {"temperature": 0.5}, messages=stored)
    ask(widget, "regenerate", id=1)
    assert endpoints.received[-1]["messages"] == [stored[0]]
    assert endpoints.received[-1]["temperature"] == 0.5
    edit(widget, 2, "I am Eve.")
    assert endpoints.received[-1]["messages"][0]["content"] == [{"type": "text", "text": "I am Eve."}, picture]
    widget.hear("version", id=3, version=1)
    assert widget.results[0].text == "Hello"


def test_python_may_have_replaced_the_messages_before_a_turn_is_regenerated(widget: Watched) -> None:
    widget.chat.messages = [{"role": "user", "content": "I am Eve."}, {"role": "assistant", "content": "Hi"}]
    ask(widget, "regenerate", id=2)
    assert sent() == ["I am Eve.", "Hi", "I am Bob."]
    with pytest.raises(errors.InvalidRequest):
        widget.run(" ")
