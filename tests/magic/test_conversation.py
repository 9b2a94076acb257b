"""Cells that go on with a conversation: ``--chat NAME`` and ``--continue``, in a real IPython shell."""

from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from fal_notebook import Chat, Result, chat, errors

from .. import endpoints

ENDPOINT = "test/chat/completions"


def ask(shell: InteractiveShell, line: str, cell: str) -> Result:
    with capture_output():
        shell.run_cell_magic("falstream", line, cell)
    result: Result = shell.user_ns["_fal"]
    return result


def test_a_cell_begins_a_conversation_and_another_goes_on(shell: InteractiveShell) -> None:
    ask(shell, f"{ENDPOINT} model=m --chat talk", "My name is Ada.")
    assert ask(shell, "--chat talk", "What is my name?").text == "I know Ada"
    talk: Chat = shell.user_ns["talk"]
    assert len(talk) == 4
    assert endpoints.received[-1]["model"] == "m"


def test_a_cell_outside_of_a_conversation_is_its_only_message(shell: InteractiveShell) -> None:
    assert ask(shell, f"{ENDPOINT} model=m", "My name is Ada.").text == "I know Ada"
    assert endpoints.received[-1] == {"model": "m", "messages": [{"role": "user", "content": "My name is Ada."}]}
    ask(shell, f"{ENDPOINT} system='Be brief.' --models a,b", "Hi")
    assert {each["model"] for each in [*endpoints.received][-2:]} == {"a", "b"}
    assert [each["role"] for each in endpoints.received[-1]["messages"]] == ["system", "user"]
    ask(shell, ENDPOINT, '{"messages": [{"role": "user", "content": "Ho"}], "prompt": "as it is"}')
    assert endpoints.received[-1]["prompt"] == "as it is"


def test_the_last_conversation_is_gone_on_with(shell: InteractiveShell) -> None:
    ask(shell, f"{ENDPOINT} --chat talk", "My name is Ada.")
    ask(shell, f"{ENDPOINT} --chat other", "My name is Grace.")
    assert ask(shell, "-c temperature:=0.5", "What is my name?").text == "I know Grace"
    assert endpoints.received[-1]["temperature"] == 0.5


def test_a_conversation_from_python_is_gone_on_with(shell: InteractiveShell) -> None:
    shell.user_ns["talk"] = talk = chat(ENDPOINT)
    talk("My name is Ada.")
    assert ask(shell, "--chat talk", "What is my name?").text == "I know Ada"
    assert talk("What is it?").text == "I know Ada"


def test_the_system_prompt_is_said_on_the_line(shell: InteractiveShell) -> None:
    ask(shell, f"{ENDPOINT} --chat talk system='Be brief.'", "Hi")
    ask(shell, "-c", "Ho")
    assert endpoints.received[-1]["messages"][0] == {"role": "system", "content": "Be brief."}


def test_other_options_are_as_ever(shell: InteractiveShell) -> None:
    ask(shell, f"{ENDPOINT} --chat talk -o answer", "My name is {{'A' + 'da'}}.")
    assert shell.user_ns["answer"].text == "I know Ada"
    assert shell.user_ns["talk"].messages[0]["content"] == "My name is Ada."


def test_a_run_in_the_background_is_part_of_the_conversation(shell: InteractiveShell) -> None:
    with capture_output():
        shell.run_cell_magic("falstream", f"{ENDPOINT} --chat talk -b -o run", "My name is Ada.")
        shell.user_ns["run"].result() if not isinstance(shell.user_ns["run"], Result) else None
    assert ask(shell, "-c", "What is my name?").text == "I know Ada"


def test_a_failed_cell_changes_nothing(shell: InteractiveShell) -> None:
    ask(shell, f"{ENDPOINT} --chat talk", "My name is Ada.")
    with pytest.raises(errors.ModelError):
        ask(shell, "-c", "fail")
    assert len(shell.user_ns["talk"]) == 2
    assert ask(shell, "-c", "What is my name?").text == "I know Ada"


def test_a_dry_run_shows_the_whole_conversation_and_changes_nothing(shell: InteractiveShell) -> None:
    ask(shell, f"{ENDPOINT} --chat talk", "My name is Ada.")
    with capture_output() as captured:
        shell.run_cell_magic("falstream", "-c model=m system=x --dry-run", "Hi")
    shown: Any = captured.outputs[0].data["text/plain"]
    assert "My name is Ada." in shown
    assert '"model": "m"' in shown
    talk: Chat = shell.user_ns["talk"]
    assert (talk.arguments, talk.system, len(talk)) == ({}, "", 2)


def test_the_note_of_an_answer_tells_what_was_left_out(shell: InteractiveShell) -> None:
    shell.user_ns["talk"] = chat(ENDPOINT, context=100)
    for _ in range(3):
        result = ask(shell, "--chat talk", "word " * 40)
    assert "messages were left out" in result.note


def test_status_lists_the_conversations(shell: InteractiveShell) -> None:
    ask(shell, f"{ENDPOINT} --chat talk", "My name is Ada.")
    with capture_output() as captured:
        shell.run_line_magic("falstream", "status")
    shown = captured.outputs[-1].data["text/plain"]
    assert "My name is Ada." in shown
    assert ENDPOINT in shown


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--chat talk", "a new conversation needs an endpoint"),
        ("-c", "there is no conversation yet"),
        (f"{ENDPOINT} --chat number", "that variable is no conversation"),
        (f"{ENDPOINT} --chat 2x", "no name for a variable"),
        (f"{ENDPOINT} --chat talk -c", "one of them is enough"),
        (f"{ENDPOINT} --chat talk --models a,b", "goes with one endpoint"),
        (f"{ENDPOINT} --chat talk --widget", "without --widget"),
        (f"{ENDPOINT} --chat talk messages:=[]", "messages are what the conversation sends"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_sent(line: str, words: str, shell: InteractiveShell) -> None:
    shell.user_ns["number"] = 3
    with pytest.raises(UsageError, match=words):
        ask(shell, line, "Hi")
    assert not endpoints.requests


def test_a_cell_without_a_prompt_is_refused(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="the cell has no prompt"):
        ask(shell, f"{ENDPOINT} --chat talk", " \n")
