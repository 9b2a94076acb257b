"""The check of a run's arguments before anything is sent, with a real gateway that has schemas."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from pydantic import BaseModel, Field

import fal_notebook
from fal_notebook import errors, session
from fal_notebook.client import catalogue
from fal_notebook.client.catalogue import Catalogue
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.wire.environment import SCHEMAS_VARIABLE

from ..conftest import wait_until

ENDPOINT = "studio/talk"
CHAT = "studio/a-router-with-a-long-name/openai/v1/chat/completions"
asked: list[dict[str, Any]] = []


class Question(BaseModel):
    prompt: str
    temperature: float = Field(default=1, ge=0, le=2)
    n: int = 1
    loud: bool = False


class Answer(BaseModel):
    output: str


app = FastAPI()


@app.post(f"/{ENDPOINT}")
def talk(question: Question) -> Answer:
    asked.append(question.model_dump())
    return Answer(output=question.prompt)


class Conversation(BaseModel):
    messages: list[dict[str, str]]


@app.post(f"/{CHAT}")
def converse(conversation: Conversation) -> Answer:
    return Answer(output=conversation.messages[-1]["content"])


@app.post("/old/talk", deprecated=True)
def old_talk(question: Question) -> Answer:
    return Answer(output=question.prompt)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.delenv(SCHEMAS_VARIABLE)
    asked.clear()
    with LocalServer(HTTPOverWebSocket(app)) as server:
        monkeypatch.setenv("FAL_NOTEBOOK_URL", server.url)
        running = InteractiveShell.instance()
        running.run_line_magic("load_ext", "fal_notebook")
        yield running
        running.run_line_magic("config", "FalMagics.check = 'warn'")
        running.run_line_magic("unload_ext", "fal_notebook")
        InteractiveShell.clear_instance()


@pytest.fixture
def warm(shell: InteractiveShell) -> InteractiveShell:
    session().companion(Catalogue).find(ENDPOINT)
    session().companion(Catalogue).find("old/talk")
    return shell


def run(shell: InteractiveShell, line: str, cell: str = "Hi\n") -> str:
    """Runs a cell, and returns what it shows."""
    with capture_output() as captured:
        shell.run_cell_magic("falstream", line, cell)
    return "\n".join([captured.stdout, *(each.data.get("text/plain", "") for each in captured.outputs)])


def test_the_first_run_is_not_checked_and_the_next_is(shell: InteractiveShell) -> None:
    assert "no argument" not in run(shell, f"{ENDPOINT} temprature=1")
    wait_until(lambda: session().companion(Catalogue).known(ENDPOINT) is not None)
    assert "temprature is no argument of this endpoint; did you mean temperature?" in run(
        shell, f"{ENDPOINT} temprature=1"
    )
    assert len(asked) == 2


def test_what_is_in_doubt_is_told_and_sent(warm: InteractiveShell) -> None:
    said = run(warm, f"{ENDPOINT} n:=2 tempo=3 volume=4")
    assert "tempo is no argument of this endpoint" in said
    assert "volume is no argument of this endpoint" in said
    assert [each["n"] for each in asked] == [2]
    assert "no argument" not in run(warm, f"{ENDPOINT} n:=2 tempo=3 --quiet")


def test_what_is_certain_to_be_refused_is_not_sent(warm: InteractiveShell) -> None:
    with pytest.raises(UsageError) as caught:
        run(warm, f"{ENDPOINT} n=many loud:=[1] tempo=3", '{"temperature": 1}')
    told = " ".join(str(caught.value).split())
    for each in ("prompt is missing", "n is 'many', and a whole number is wanted", "loud is a list", "tempo is no"):
        assert each in told
    assert "nothing was sent" in told
    assert "--no-check sends them" in told
    assert asked == []


def test_the_line_gives_an_argument_its_kind(warm: InteractiveShell) -> None:
    said = run(warm, f"{ENDPOINT} n=3 temperature=0.5 loud=true --dry-run")
    assert '"n": 3' in said
    assert '"temperature": 0.5' in said
    assert '"loud": true' in said
    assert '"n": "3"' in run(warm, f"{ENDPOINT} n=3 --no-check --dry-run")


def test_no_check_sends_it_all_the_same(warm: InteractiveShell) -> None:
    run(warm, f"{ENDPOINT} tempo=3 --no-check")
    assert len(asked) == 1
    warm.run_line_magic("config", "FalMagics.check = 'off'")
    assert "no argument" not in run(warm, f"{ENDPOINT} tempo=3")
    assert len(asked) == 2


def test_strict_sends_nothing_that_is_in_doubt(warm: InteractiveShell) -> None:
    warm.run_line_magic("config", "FalMagics.check = 'strict'")
    with pytest.raises(UsageError, match="tempo is no argument"):
        run(warm, f"{ENDPOINT} tempo=3")
    assert asked == []


def test_of_many_problems_as_many_are_told_as_there_is_room_for(warm: InteractiveShell) -> None:
    said = run(warm, f"{ENDPOINT} " + " ".join(f"unknown{number}{'x' * 30}=1" for number in range(15)))
    told = said.count("is no argument of this endpoint")
    assert 3 < told < 15
    assert f"; and {15 - told} more" in said
    assert len(asked) == 1


def test_a_deprecated_endpoint_is_told_once(warm: InteractiveShell) -> None:
    assert "old/talk is deprecated" in run(warm, "old/talk")
    assert "deprecated" not in run(warm, "old/talk")


def test_it_is_told_of_a_deprecated_endpoint_also_where_nothing_is_checked(warm: InteractiveShell) -> None:
    session().companion(Catalogue)._told.clear()
    assert "deprecated" not in run(warm, "old/talk --quiet --no-check")
    assert "old/talk is deprecated" in run(warm, "old/talk --no-check")
    assert "deprecated" not in run(warm, "old/talk --no-check")


def test_a_conversation_is_checked_and_what_is_refused_leaves_it_as_it_was(warm: InteractiveShell) -> None:
    said = run(warm, f"{ENDPOINT} tempo=3 --chat talk", "Hi")
    assert said.count("tempo is no argument of this endpoint") == 1
    with pytest.raises(UsageError, match="n is 'many'"):
        run(warm, "n=many --chat talk", "Ho")
    assert warm.user_ns["talk"].arguments == {"tempo": "3"}
    run(warm, "-c", "Ho")
    assert [each["prompt"] for each in asked] == ["Hi", "Ho"]


def test_the_setting_holds_for_requests_from_python(warm: InteractiveShell) -> None:
    warm.run_line_magic("config", "FalMagics.check = 'strict'")
    with pytest.raises(errors.InvalidRequest, match="since the check is strict"):
        fal_notebook.run(ENDPOINT, prompt="Hi", tempo=3)
    warm.run_line_magic("config", "FalMagics.check = 'off'")
    fal_notebook.run(ENDPOINT, prompt="Hi", tempo=3)
    assert len(asked) == 1


def test_info_shows_what_an_endpoint_takes(warm: InteractiveShell) -> None:
    with capture_output() as captured:
        warm.run_line_magic("falstream", f"info {ENDPOINT}")
    said = captured.stdout + "".join(each.data["text/plain"] for each in captured.outputs)
    assert "temperature" in said
    assert f"%%falstream {ENDPOINT}" in said
    for wrong in ("info", f"info {ENDPOINT} more"):
        with pytest.raises(UsageError, match="info takes one endpoint"):
            warm.run_line_magic("falstream", wrong)


def test_a_schema_that_is_old_only_doubts(warm: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_FRESH_SECONDS_OF_GATEWAY", -1.0)
    with pytest.raises(errors.ValidationFailed):
        run(warm, f"{ENDPOINT} n=many")


def test_without_a_schema_nothing_of_the_check_is_imported() -> None:
    code = "import sys, fal_notebook.magic.request, fal_notebook.magic.subcommands; print([*sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert "fal_notebook.client.catalogue" in done.stdout
    assert "fal_notebook.schema" not in done.stdout


def test_a_prompt_at_an_endpoint_that_takes_a_conversation_is_told_how_to_begin_one(shell: InteractiveShell) -> None:
    session().companion(Catalogue).find(CHAT)
    with pytest.raises(UsageError) as caught:
        shell.run_cell_magic("falstream", f"{CHAT} --field text", "Hi")
    words = str(caught.value).replace("\n", " ")
    assert words.startswith(f"{CHAT}: messages is missing")
    assert words.endswith("nothing was sent; it takes a conversation, and --chat NAME makes one of prompts")
    with pytest.raises(errors.InvalidRequest, match=r"and fal\.chat makes one"):
        fal_notebook.run(CHAT, prompt="Hi")
