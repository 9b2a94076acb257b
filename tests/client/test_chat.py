"""A conversation remembers what was said: each prompt is sent with all that came before it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fal_notebook import Chat, Media, Usage, chat, errors
from fal_notebook.local.app import create_app
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .. import endpoints

ENDPOINT = "test/chat/completions"
ADA = {"role": "user", "content": "My name is Ada."}


def sent() -> list[dict[str, Any]]:
    """The messages of the newest request."""
    messages: list[dict[str, Any]] = endpoints.received[-1]["messages"]
    return messages


def test_a_follow_up_question_is_understood(gateway: str) -> None:
    talk = chat(ENDPOINT)
    talk("My name is Ada.")
    assert talk("What is my name?").text == "I know Ada"
    assert [message["role"] for message in sent()] == ["user", "assistant", "user"]
    assert talk.messages == [
        ADA,
        {"role": "assistant", "content": "I know Ada"},
        {"role": "user", "content": "What is my name?"},
        {"role": "assistant", "content": "I know Ada"},
    ]


def test_the_system_prompt_the_model_and_other_arguments_are_sent_each_time(gateway: str) -> None:
    talk = chat(ENDPOINT, model="m", system="Be brief.", temperature=0.5)
    talk("Hi", temperature=1)
    talk("Ho")
    first, second = list(endpoints.received)[-2:]
    assert (first["model"], first["temperature"], second["temperature"]) == ("m", 1, 0.5)
    assert first["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert second["messages"][0] == {"role": "system", "content": "Be brief."}


def test_the_system_prompt_can_be_changed(gateway: str) -> None:
    talk = chat(ENDPOINT, system="Be brief.")
    talk("Hi")
    talk.system = "Be long."
    talk("Ho")
    assert [message["content"] for message in sent() if message["role"] == "system"] == ["Be long."]
    talk.system = None
    assert talk.system == ""
    assert talk.messages[0]["role"] == "user"


def test_a_stream_is_remembered_once_it_has_ended(gateway: str) -> None:
    talk = chat(ENDPOINT)
    updates = talk.stream("My name is Ada.")
    assert talk.messages == []
    assert "".join(map(str, updates)) == "I know Ada"
    assert talk.messages == [ADA, {"role": "assistant", "content": "I know Ada"}]


def test_an_answer_is_awaited(gateway: str) -> None:
    talk = chat(ENDPOINT)

    async def ask() -> str:
        await talk.arun("My name is Ada.")
        return (await talk.arun("What is my name?")).text

    assert asyncio.run(ask()) == "I know Ada"


def test_nothing_is_asked_before_the_answer_before_has_ended(gateway: str) -> None:
    talk = chat(ENDPOINT)
    held = talk.stream("hold")
    next(held)
    with pytest.raises(errors.InvalidRequest, match="the answer before has not ended"):
        talk("Hi")
    held.cancel()
    talk("Hi")
    assert sent()[1] == {"role": "assistant", "content": "I know"}


def test_a_stopped_answer_is_remembered_as_far_as_it_came(gateway: str) -> None:
    talk = chat(ENDPOINT)
    with talk.stream("hold") as updates:
        next(updates)
    assert talk.stream("Hi").result().text == "I know"
    assert sent()[:2] == [{"role": "user", "content": "hold"}, {"role": "assistant", "content": "I know"}]


def test_a_failed_prompt_is_not_remembered(gateway: str) -> None:
    talk = chat(ENDPOINT)
    talk("My name is Ada.")
    with pytest.raises(errors.ModelError):
        talk("fail")
    assert len(talk) == 2
    talk("What is my name?")
    assert [message["content"] for message in sent()] == ["My name is Ada.", "I know Ada", "What is my name?"]


def test_a_conversation_is_edited_as_a_list(gateway: str) -> None:
    talk = chat(ENDPOINT, messages=[ADA])
    talk.messages[0]["content"] = "My name is Grace."
    talk.messages.append({"role": "assistant", "content": "Hello."})
    talk("What is my name?")
    assert talk.messages[-1]["content"] == "I know Grace"


def test_the_last_turn_is_undone(gateway: str) -> None:
    talk = chat(ENDPOINT)
    talk("My name is Ada.")
    talk("My name is Grace.")
    assert talk.undo() == "My name is Grace."
    assert talk("What is my name?").text == "I know Ada"
    talk.clear()
    assert talk.messages == []
    with pytest.raises(errors.InvalidRequest, match="no prompt"):
        talk.undo()


def test_a_fork_goes_on_by_itself(gateway: str) -> None:
    talk = chat(ENDPOINT, system="Be brief.", temperature=0.5)
    talk("My name is Ada.")
    other = talk.fork()
    other("My name is Grace.")
    other.messages[0]["content"] = "Be long."
    assert (len(talk), len(other)) == (3, 5)
    assert talk.system == "Be brief."
    assert endpoints.received[-1]["temperature"] == 0.5


def test_the_cost_of_all_answers_is_added_up(gateway: str) -> None:
    talk = chat(ENDPOINT)
    talk("My name is Ada.")
    talk("What is it?")
    talk.undo()
    assert talk.usage == Usage(tokens_in=4 + 10, tokens_out=2, cost=0.5)
    assert talk.usage.words == ["14 tokens in", "2 tokens out", "$0.5"]


def test_a_conversation_is_saved_and_gone_on_with(gateway: str, tmp_path: Path) -> None:
    talk = chat(ENDPOINT)
    talk("My name is Ada.")
    path = talk.save(tmp_path / "talk.json")
    assert json.loads(path.read_text()) == talk.messages
    assert chat(ENDPOINT).load(path)("What is my name?").text == "I know Ada"


@pytest.mark.parametrize("content", ["{", '{"a": 1}', '["words"]', '[{"role": "user"}]', '"words"', "3"])
def test_a_file_without_messages_is_refused_and_changes_nothing(content: str, tmp_path: Path) -> None:
    talk = chat(ENDPOINT, messages=[ADA])
    (tmp_path / "talk.json").write_text(content)
    with pytest.raises(errors.InvalidRequest):
        talk.load(tmp_path / "talk.json")
    assert talk.messages == [ADA]


def test_pictures_are_parts_of_a_message(gateway: str) -> None:
    talk = chat(ENDPOINT)
    picture = Media("image/png", endpoints.PNG)
    talk("What is this?", picture)
    assert sent()[0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": picture.data_uri()}},
    ]
    json.dumps(talk.messages)


@pytest.mark.parametrize("prompt", [(), ("",), (3,), (None,)])
def test_what_is_no_prompt_is_refused_before_anything_is_sent(prompt: tuple[Any, ...], gateway: str) -> None:
    talk = chat(ENDPOINT)
    with pytest.raises(errors.InvalidRequest):
        talk(*prompt)
    assert not endpoints.requests


def test_older_turns_are_left_out_of_a_context_that_is_full(gateway: str) -> None:
    talk = chat(ENDPOINT, system="Be brief.", context=400)
    for number in range(12):
        result = talk(f"{number} " + "word " * 40)
    assert sent()[0] == {"role": "system", "content": "Be brief."}
    assert sent()[1]["role"] == "user"
    assert talk.left_out == len(talk) - 1 - len(sent()) > 0
    assert f"the oldest {talk.left_out} messages were left out" in result.note


def test_the_size_of_the_context_is_learned_from_a_refusal(gateway: str) -> None:
    talk = chat(ENDPOINT)
    before = [{"role": role, "content": "word " * 60} for role in ("user", "assistant") * 3]
    talk.messages = before
    with pytest.raises(errors.StatusError, match="ask again, and its oldest turns are left out"):
        talk("Hi")
    assert talk.context == 400
    assert len(talk) == len(before)
    assert talk("Hi").text == "I know"
    assert len(sent()) < len(before)


def test_an_endpoint_with_one_prompt_gets_each_alone(gateway: str) -> None:
    talk = chat("test/echo/stream", system="Be brief.", model="m")
    talk("one")
    talk("two")
    assert endpoints.received[-1] == {"prompt": "two", "system_prompt": "Be brief.", "model": "m"}
    assert not talk.remembers
    assert "each prompt alone" in repr(talk)


def test_an_endpoint_with_one_prompt_gets_the_earlier_turns_before_it_if_it_is_to_remember(gateway: str) -> None:
    talk = chat("test/echo/stream", remember=True)
    talk("My name is Ada.")
    talk("What is my name?")
    assert endpoints.received[-1]["prompt"] == (
        "The conversation so far:\n\nUser: My name is Ada.\n\nAssistant: My name is Ada. \n\n"
        "Reply to this: What is my name?"
    )


def test_an_endpoint_with_one_prompt_takes_no_files_in_it(gateway: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="takes words"):
        Chat("test/echo/stream")("What is this?", Media("image/png", endpoints.PNG))


@pytest.mark.parametrize("name", ["prompt"])
def test_what_the_conversation_sends_is_no_argument(name: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="call the chat"):
        chat(ENDPOINT, **{name: "x"})


def test_the_demo_s_language_model_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer(HTTPOverWebSocket(create_app())) as server:
        monkeypatch.setenv("FAL_NOTEBOOK_URL", server.url)
        talk = chat("openrouter/router/openai/v1/chat/completions", temperature=0, max_tokens=40)
        talk("Hello, I am Ada. Say hello to me.")
        assert "Ada" in talk("Say my name.").text
        talk.clear()
        assert "Ada" not in talk("Say my name.").text
