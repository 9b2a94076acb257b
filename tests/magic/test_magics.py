"""How the magic reads its line and its cell, in a real IPython shell."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from fal_notebook import Result, errors, session

from .. import endpoints


def _cell(shell: InteractiveShell, line: str, cell: str = "\n") -> Result:
    with capture_output():
        shell.run_cell_magic("falstream", line, cell)
    result: Result = shell.user_ns["_fal"]
    return result


def _dry(shell: InteractiveShell, line: str, cell: str = "\n") -> Any:
    """The arguments that the magic would send."""
    with capture_output() as captured:
        shell.run_cell_magic("falstream", f"a/b --dry-run {line}", cell)
    plain = captured.outputs[0].data["text/plain"] if captured.outputs else captured.stdout
    return json.loads(plain)["arguments"]


def test_the_cell_is_the_prompt(shell: InteractiveShell) -> None:
    assert _cell(shell, "test/echo/stream", "some words\n").text == "some words "


def test_another_field_takes_the_cell(shell: InteractiveShell) -> None:
    assert _dry(shell, "--field text", "words") == {"text": "words"}


def test_a_json_object_is_the_arguments_and_the_line_wins(shell: InteractiveShell) -> None:
    assert _dry(shell, "b:=3", '{"a": 1, "b": 2}') == {"a": 1, "b": 3}


def test_a_json_object_for_a_named_field_is_text(shell: InteractiveShell) -> None:
    assert _dry(shell, "--field prompt", '{"a": 1}') == {"prompt": '{"a": 1}'}


def test_the_line_the_cell_and_a_dict_give_arguments_in_this_order(shell: InteractiveShell) -> None:
    shell.user_ns["given"] = {"prompt": "dict", "style": "dict", "seed": 1}
    assert _dry(shell, "--input given style=line", "cell") == {"prompt": "cell", "style": "line", "seed": 1}


def test_expressions_are_filled_and_keep_their_type_when_alone(shell: InteractiveShell) -> None:
    shell.user_ns.update(n=3, d={"a b": [1, 2]})
    assert _dry(shell, "n:={{n}} list={{ d['a b'] }} text='n is {{n}}'", "p {{n + 1}}") == {
        "prompt": "p 4",
        "n": 3,
        "list": [1, 2],
        "text": "n is 3",
    }


def test_the_local_names_of_a_function_can_be_used(shell: InteractiveShell) -> None:
    shell.run_cell(
        "def ask():\n"
        "    local = 'inside'\n"
        "    get_ipython().run_cell_magic('falstream', 'test/echo/stream -q', '{{local}} a cell')\n"
        "    cell = _fal.text\n"
        "    get_ipython().run_line_magic('falstream', 'test/echo/stream -q prompt=\"{{local}} a line\"')\n"
        "    return cell, _fal.text\n"
        "answers = ask()"
    )
    assert shell.user_ns["answers"] == ("inside a cell ", "inside a line ")


def test_an_expression_is_evaluated_once(shell: InteractiveShell) -> None:
    shell.run_cell("calls = []\ndef once():\n    calls.append(1)\n    return 'x'")
    _cell(shell, "test/echo/stream", "{{once()}}")
    assert shell.user_ns["calls"] == [1]


def test_raw_leaves_braces_and_dollars_alone(shell: InteractiveShell) -> None:
    assert _dry(shell, "--raw a='{{x}}'", "{{x}} {y} $5") == {"prompt": "{{x}} {y} $5", "a": "{{x}}"}


def test_single_braces_and_dollars_are_the_prompts_own(shell: InteractiveShell) -> None:
    assert _dry(shell, "cost=$5", "{x} costs $5 {") == {"prompt": "{x} costs $5 {", "cost": "$5"}


def test_nothing_is_sent_when_the_line_is_wrong(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="did you mean --timeout"):
        _cell(shell, "test/echo/stream --timout 3", "never")
    with pytest.raises(UsageError, match="not defined"):
        _cell(shell, "test/echo/stream", "never {{nowhere}}")
    assert not endpoints.requests


def test_the_variable_is_set_on_success_and_on_failure(shell: InteractiveShell) -> None:
    assert _cell(shell, "test/echo/stream -o good", "x") is shell.user_ns["good"]
    with pytest.raises(errors.ModelError), capture_output():
        shell.run_cell_magic("falstream", "test/late/stream --out bad", "x")
    assert shell.user_ns["bad"].text == "half an"
    assert shell.user_ns["_fal"] is shell.user_ns["bad"]


def test_a_dry_run_shows_what_each_column_would_send(shell: InteractiveShell) -> None:
    with capture_output() as captured:
        shell.run_line_magic("falstream", "a/b,c/d prompt=x --dry-run")
        shell.run_line_magic("falstream", "a/b --models m,n prompt=x --dry-run")
    plain = captured.stdout + "".join(each.data["text/plain"] for each in captured.outputs)
    assert re.findall('"(endpoint|model)": "(.+?)"', plain) == [
        *[("endpoint", "a/b"), ("endpoint", "c/d")],
        *[("endpoint", "a/b"), ("model", "m"), ("endpoint", "a/b"), ("model", "n")],
    ]
    assert not endpoints.requests


def test_quiet_shows_nothing(shell: InteractiveShell) -> None:
    with capture_output() as captured:
        shell.run_cell_magic("falstream", "test/echo/stream -q", "x")
    assert (captured.stdout, captured.outputs) == ("", [])


def test_a_file_of_an_answer_can_be_an_argument_of_the_next(shell: InteractiveShell) -> None:
    _cell(shell, "test/picture prompt=x -o picture")
    sent = _dry(shell, "image_url={{picture.media[0]}}", "{{picture}}")
    assert sent["image_url"].startswith("data:image/png;base64,iVBOR")
    assert sent["prompt"] == ""


def test_files_are_saved_under_the_path_with_their_ending(shell: InteractiveShell, tmp_path: Path) -> None:
    _cell(shell, f"test/picture prompt=x --save {tmp_path / 'one'}")
    assert (tmp_path / "one.png").read_bytes() == endpoints.PNG


def test_text_is_saved_where_there_is_no_file(shell: InteractiveShell, tmp_path: Path) -> None:
    _cell(shell, f"test/echo/stream --save {tmp_path / 'answer.txt'}", "some words")
    assert (tmp_path / "answer.txt").read_text() == "some words "


def test_config_has_the_defaults(shell: InteractiveShell) -> None:
    shell.run_line_magic("config", "FalMagics.field = 'text'")
    assert _dry(shell, "", "words") == {"text": "words"}
    shell.run_line_magic("config", "FalMagics.timeout = 0.1")
    with pytest.raises(errors.RequestTimeout), capture_output():
        shell.run_line_magic("falstream", "test/endless/stream prompt=x")


def test_config_sets_the_limits_of_the_session(shell: InteractiveShell) -> None:
    shell.run_line_magic("config", "FalMagics.max_body = 1000")
    with pytest.raises(errors.ResponseTooLarge, match="1,000 bytes"), capture_output():
        shell.run_line_magic("falstream", "test/large prompt=x size:=5000")
    assert session().limits.max_body == 1000


@pytest.mark.parametrize("name", ["1a", "a b", "class", "a.b"])
def test_what_is_no_name_for_a_variable_is_refused(name: str, shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="no name for a variable"):
        _cell(shell, f"test/echo/stream -o '{name}'", "x")
