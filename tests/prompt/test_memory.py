"""The memory of the prompt widget: what is sent with each prompt, turn by turn, as the gateway gets it."""

import time
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from fal_notebook import PromptWidget

from .. import endpoints
from .test_widget import Watched, change, run, shell  # noqa: F401 - a fixture

CHAT = "test/chat/completions"


def roles() -> list[tuple[str, str]]:
    """The newest conversation that the gateway was sent."""
    return [(message["role"], message["content"]) for message in endpoints.received[-1]["messages"]]


def test_a_follow_up_is_understood(gateway: str) -> None:
    widget = Watched(CHAT, {"temperature": 0.5})
    run(widget, "I am Ada.")
    run(widget, "Who am I?")
    assert widget.results[-1].text == "I know Ada"
    assert roles() == [("user", "I am Ada."), ("assistant", "I know Ada"), ("user", "Who am I?")]
    assert endpoints.received[-1]["temperature"] == 0.5
    assert "prompt" not in endpoints.received[-1]
    assert widget.chat.usage.cost == 0.5


def test_a_stopped_answer_is_remembered_as_far_as_it_came_and_a_failed_one_not(gateway: str) -> None:
    widget = Watched(CHAT)
    run(widget, "I am Ada.")
    run(widget, "fail")
    with change(widget, "results", lambda results: len(results) == 3):
        widget.run("hold")
        while "I know Ada" not in widget.page(3):
            time.sleep(0.01)
        widget.stop()
    widget.wait()
    run(widget, "Who am I?")
    assert [words for _, words in roles()] == ["I am Ada.", "I know Ada", "hold", "I know Ada", "Who am I?"]


def test_a_deleted_turn_is_gone_from_memory_and_clear_forgets_all_but_the_system_prompt(gateway: str) -> None:
    widget = Watched(CHAT, system="Be brief.\nBe kind.")
    run(widget, "I am Ada.")
    run(widget, "I am Bob.")
    widget.hear("delete", id=1)
    run(widget, "Who am I?")
    assert roles()[:2] == [("system", "Be brief.\nBe kind."), ("user", "I am Bob.")]
    assert widget.results[-1].text == "I know Bob"
    widget.clear()
    run(widget, "Who am I?")
    assert roles() == [("system", "Be brief.\nBe kind."), ("user", "Who am I?")]


def test_an_answer_that_was_cleared_while_it_streamed_is_not_remembered(gateway: str) -> None:
    widget = Watched(CHAT)
    widget.run("hold")
    while not widget.page():
        time.sleep(0.01)
    with change(widget, "state", lambda state: state == "ready"):
        widget.clear()
    widget.wait()
    assert widget.chat.messages == []


def test_an_endpoint_that_takes_one_prompt_gets_each_alone_unless_it_is_to_remember(gateway: str) -> None:
    widget = Watched("test/echo/stream", {"n": 1})
    run(widget, "I am Ada.")
    run(widget, "Who am I?")
    assert endpoints.received[-1] == {"prompt": "Who am I?", "n": 1}
    assert list(endpoints.received[-1]) == ["n", "prompt"]  # the prompt comes after the arguments
    with change(widget, "state", lambda state: state == "ready"):
        choice = {"remember": True, "system": "Be\nbrief."}
        widget.hear("run", prompt="And now?", endpoint="test/echo/stream", rows=None, **choice)
    assert (widget.remember, widget.system) == (True, "Be\nbrief.")
    sent = endpoints.received[-1]
    assert "User: I am Ada." in sent["prompt"]
    assert sent["prompt"].endswith("Reply to this: And now?")
    assert sent["system_prompt"] == "Be\nbrief."


def test_the_argument_that_takes_the_prompt_may_have_another_name(gateway: str) -> None:
    widget = Watched("test/body", {"text": "kept", "content_type": "text/plain"}, field="words")
    run(widget, "x")
    assert endpoints.received[-1]["words"] == "x"
    assert "prompt" not in endpoints.received[-1]


def test_a_stored_conversation_goes_on_and_is_shown(gateway: str) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "I am Ada."}, picture]},
        {"role": "assistant", "content": "**Hello**"},
    ]
    widget = Watched(CHAT, messages=messages)
    assert [result.text for result in widget.results] == ["**Hello**"]
    assert widget.system == "Be brief."
    widget.hear("hello")
    (entry,) = widget.of("entry")
    assert (entry["prompt"], entry["files"]) == ("I am Ada.", [{"name": "picture", "words": "picture"}])
    assert "<strong>Hello</strong>" in entry["html"]
    assert widget.of("kept")[0]["versions"][0] == 1
    run(widget, "Who am I?")
    assert [message["role"] for message in endpoints.received[-1]["messages"]] == [
        *("system", "user", "assistant", "user")
    ]
    assert widget.of("entry")[-1]["id"] == 2
    widget.hear("delete", id=1)
    assert [message["content"] for message in widget.chat.messages] == ["Be brief.", "Who am I?", "I know Ada"]


def test_python_may_edit_what_is_remembered(gateway: str) -> None:
    widget = Watched(CHAT)
    run(widget, "I am Ada.")
    widget.chat.messages = [{"role": "user", "content": "I am Eve."}, {"role": "assistant", "content": "Hi"}]
    widget.chat.system = "Be brief."
    run(widget, "Who am I?")
    assert widget.results[-1].text == "I know Eve"
    assert widget.system == "Be brief."


def test_messages_among_the_arguments_are_refused_before_anything_is_sent(gateway: str) -> None:
    widget = Watched(CHAT, {"messages": []})
    widget.hear("run", prompt="x", endpoint=CHAT, rows=None)
    assert "messages are what the box sends" in widget.of("refused")[0]["message"]
    assert (widget.results, widget.of("entry")) == ([], [])


def test_the_page_learns_whether_the_endpoint_remembers() -> None:
    widget = Watched("a/b")
    widget.endpoint = f" {CHAT}/ "
    assert widget.of("form")[-1]["takesMessages"] is True
    widget.endpoint = "a/b"
    assert widget.of("form")[-1]["takesMessages"] is False


@pytest.mark.usefixtures("gateway")
def test_a_cell_goes_on_with_the_conversation_of_a_box(shell: InteractiveShell) -> None:  # noqa: F811 - the fixture
    shell.run_line_magic("load_ext", "fal_notebook")
    widget = shell.user_ns["box"] = PromptWidget(CHAT)
    widget.run("I am Ada.")
    widget.wait()
    with capture_output():
        shell.run_cell_magic("falstream", "--chat box -o answer", "Who am I?")
    assert shell.user_ns["answer"].text == "I know Ada"
    assert len(widget.chat) == 4
