"""Cells as people write them: comments above the magic, question marks behind it, results with a name."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from fal_notebook import Result

from .. import endpoints


@pytest.fixture
def shell(shell: InteractiveShell) -> InteractiveShell:
    """The shell with the names that a cell's code needs."""
    shell.init_user_ns()
    return shell


def run(shell: InteractiveShell, cell: str) -> list[str]:
    """Run a cell as a front end does, and return what it showed as plain text."""
    with capture_output() as captured:
        shell.run_cell(cell, store_history=False).raise_error()
    return [output.data["text/plain"] for output in captured.outputs]


@pytest.mark.parametrize(
    "cell",
    [
        "# a comment\n%%falstream test/echo/stream\nsome words",
        "\n# one\n\n   # two\n%%falstream test/echo/stream\nsome words",
        "%%falstream test/echo/stream\nsome words",
    ],
)
def test_comments_may_stand_above_the_magic(shell: InteractiveShell, cell: str) -> None:
    run(shell, cell)
    assert shell.user_ns["_fal"].text == "some words "


def test_a_comment_in_the_prompt_is_part_of_it(shell: InteractiveShell) -> None:
    run(shell, "%%falstream test/echo/stream\n# some words")
    assert shell.user_ns["_fal"].text == "# some words "


@pytest.mark.parametrize("line", ["%falstream test/echo/stream prompt=Why?", "x = %falstream test/echo prompt=Why?"])
def test_an_argument_may_end_in_a_question_mark(shell: InteractiveShell, line: str) -> None:
    run(shell, line.replace("test/echo ", "test/echo/stream "))
    assert endpoints.received[-1]["prompt"] == "Why?"


def test_help_is_still_help(shell: InteractiveShell) -> None:
    endpoints.received.clear()
    run(shell, "%falstream?")
    run(shell, "text = '''\n%falstream a b=c?\n'''")
    assert shell.user_ns["text"] == "\n%falstream a b=c?\n"
    assert not endpoints.received


def test_a_result_is_assigned_and_shown_once(shell: InteractiveShell) -> None:
    shown = run(shell, 'x = %falstream test/echo/stream prompt="one two"')
    assert isinstance(shell.user_ns["x"], Result)
    assert len(shown) == len(run(shell, '%falstream test/echo/stream prompt="one two"'))


def test_a_line_in_a_loop_or_a_function_gives_its_result(shell: InteractiveShell) -> None:
    loop = "for n in range(2):\n    r = %falstream test/echo/stream prompt={{n}}\n    texts.append(r.text)"
    run(shell, f"texts = []\n{loop}")
    assert shell.user_ns["texts"] == ["0 ", "1 "]
    line = "answer = %falstream test/echo/stream prompt={{words}} -q"
    run(shell, f"def ask(words):\n    {line}\n    return answer\nx = ask('a')")
    assert shell.user_ns["x"].text == "a "


def test_nothing_is_assigned_of_a_dry_run_or_a_subcommand(shell: InteractiveShell) -> None:
    run(shell, "x = %falstream test/echo/stream prompt=a --dry-run")
    assert shell.user_ns["x"] is None
    run(shell, "x = %falstream status")
    assert shell.user_ns["x"] is None


def test_unloading_leaves_ipython_as_it_was(shell: InteractiveShell) -> None:
    manager = shell.input_transformer_manager
    shell.run_line_magic("reload_ext", "fal_notebook")
    loaded = len(manager.cleanup_transforms), len(manager.token_transformers)
    shell.run_line_magic("unload_ext", "fal_notebook")
    assert (len(manager.cleanup_transforms), len(manager.token_transformers)) == (loaded[0] - 1, loaded[1] - 1)
    shell.run_line_magic("load_ext", "fal_notebook")
