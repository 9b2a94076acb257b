"""Requests from Python are checked before anything is sent, with a real gateway that has schemas."""

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

import fal_notebook
from fal_notebook import Chat, EndpointWarning, Stream, arun, errors, pipeline, run, session, stream, submit
from fal_notebook.client.argument_check import doubts_of
from fal_notebook.client.catalogue import Catalogue
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.prompt.widget import PromptWidget
from fal_notebook.schema.checking import check
from fal_notebook.wire.environment import SCHEMAS_VARIABLE

from ..conftest import wait_until

ENDPOINT = "studio/talk"
asked: list[dict[str, Any]] = []
app = FastAPI()


class Question(BaseModel):
    prompt: str
    n: int = 1


class Answer(BaseModel):
    output: str


@app.post(f"/{ENDPOINT}")
def talk(question: Question) -> Answer:
    asked.append(question.model_dump())
    return Answer(output=question.prompt)


@app.post("/old/talk", deprecated=True)
def old_talk(question: Question) -> Answer:
    return Answer(output=question.prompt)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(app)) as server:
        yield server.url


@pytest.fixture(autouse=True)
def _known(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(SCHEMAS_VARIABLE)
    monkeypatch.setenv("FAL_NOTEBOOK_URL", url)
    session().companion(Catalogue).find(ENDPOINT)
    asked.clear()
    yield
    session().check = "warn"


def test_what_is_in_doubt_is_a_warning_at_the_line_that_sends_it() -> None:
    with pytest.warns(EndpointWarning, match=r"^tempo is no argument of this endpoint$") as caught:
        assert run(ENDPOINT, prompt="Hi", tempo=3).text == "Hi"
    assert [each.filename for each in caught] == [__file__]
    with pytest.warns(EndpointWarning) as caught, stream(ENDPOINT, {"prompt": "Hi", "tempo": 3}) as answer:
        answer.result()
    assert [each.filename for each in caught] == [__file__]
    with pytest.warns(EndpointWarning) as caught:
        asyncio.run(_awaited())
    assert [each.filename for each in caught] == [__file__]
    assert len(asked) == 3


async def _awaited() -> None:
    await arun(ENDPOINT, prompt="Hi", tempo=3)


def test_what_is_certain_to_be_refused_is_not_sent() -> None:
    for send in (run, stream, submit):
        with pytest.raises(errors.InvalidRequest, match=r"prompt is missing; n is 'many'.*check=\"off\" sends"):
            send(ENDPOINT, n="many")
    with pytest.raises(errors.InvalidRequest, match="prompt is missing"):
        asyncio.run(arun(ENDPOINT))
    with pytest.raises(errors.InvalidRequest, match="prompt is missing"):
        pipeline(ENDPOINT, [{"prompt": "Hi"}, {}])
    assert asked == []


def test_of_many_requests_each_doubt_is_told_once() -> None:
    with pytest.warns(EndpointWarning) as caught:
        answers = pipeline(ENDPOINT, ({"prompt": "Hi", "tempo": number} for number in range(5)))
    assert [each.result().text for each in answers] == ["Hi"] * 5
    assert [str(each.message) for each in caught] == ["tempo is no argument of this endpoint"]


def test_a_warning_that_is_made_an_error_sends_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(EndpointWarning):
            run(ENDPOINT, prompt="Hi", tempo=3)
    assert asked == []


def test_a_call_or_the_session_says_how_it_is_checked() -> None:
    assert run(ENDPOINT, prompt="Hi", tempo=3, check="off").text == "Hi"
    with pytest.raises(errors.InvalidRequest, match=r"tempo is no argument .* since the check is strict"):
        run(ENDPOINT, prompt="Hi", tempo=3, check="strict")
    session().check = "off"
    assert run(ENDPOINT, prompt="Hi", tempo=3).text == "Hi"
    with pytest.raises(errors.InvalidRequest, match="'harsh' is none of warn, strict and off"):
        run(ENDPOINT, prompt="Hi", check="harsh")  # type: ignore[arg-type]  # on purpose


def test_a_deprecated_endpoint_is_told_once() -> None:
    session().companion(Catalogue).find("old/talk")
    session().companion(Catalogue)._told.clear()
    with pytest.warns(EndpointWarning, match="^old/talk is deprecated$"):
        run("old/talk", prompt="Hi", check="off")
    run("old/talk", prompt="Hi")


def test_the_successor_is_told_of_fals_endpoints_only() -> None:
    session().companion(Catalogue)._told.clear()
    assert doubts_of("fal-ai/any-llm", [], "off") == []
    said = ["fal-ai/any-llm/stream is deprecated, use openrouter/router/stream"]
    assert doubts_of("fal-ai/any-llm/stream", [], "off", base_url="wss://ws.fal.run") == said
    assert doubts_of("fal-ai/any-llm/stream", [], "off", base_url="wss://ws.fal.run") == []


def test_a_conversation_is_checked_with_each_prompt() -> None:
    chat = Chat(ENDPOINT, n="many")
    with pytest.raises(errors.InvalidRequest, match=r"n is 'many'.*, chat.check = \"off\" sends them as they are"):
        chat("Hi")
    assert len(chat) == 0
    chat.arguments = {"tempo": 3}
    with pytest.warns(EndpointWarning) as caught:
        chat("Hi")
    assert [each.filename for each in caught] == [__file__]
    chat.check = "off"
    chat("Ho")
    assert chat.fork().check == "off"
    assert [each["prompt"] for each in asked] == ["Hi", "Ho"]


def test_a_prompt_box_refuses_and_tells_with_the_answer() -> None:
    box = PromptWidget(ENDPOINT, {"n": "many"})
    with pytest.raises(errors.InvalidRequest, match=r"n is 'many'.*box.chat.check = \"off\" sends them as they are"):
        box.run("Hi")
    assert box.results == []
    box.arguments = {"tempo": 3}
    box.run("Hi")
    box.wait()
    assert "tempo is no argument of this endpoint" in box.results[0].note
    box.arguments = {}
    box.run("Ho")
    box.wait()
    assert box.results[1].note == ""
    assert [each["prompt"] for each in asked] == ["Hi", "Ho"]
    box.close()


def test_a_form_gets_the_problems_as_values_and_without_waiting() -> None:
    known = session().companion(Catalogue).known(ENDPOINT)
    assert known is not None
    problems = check(known.schema, {"n": "many", "tempo": 1})
    assert [(each.path, each.is_certain) for each in problems] == [("prompt", True), ("n", True), ("tempo", False)]
    assert doubts_of("not a name", [{}], "warn") == doubts_of("no/endpoint", [{}], "warn") == []


def test_the_first_request_is_not_checked_and_waits_for_nothing() -> None:
    session().companion(Catalogue)._entries.clear()
    assert isinstance(stream(ENDPOINT, prompt="Hi", tempo=3), Stream)
    wait_until(lambda: session().companion(Catalogue).known(ENDPOINT) is not None)
    assert fal_notebook.EndpointWarning is EndpointWarning
