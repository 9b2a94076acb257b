"""The magic in IPython in a real terminal."""

import os
import sys
from collections.abc import Iterator

import pexpect
import pytest

from fal_notebook.local.server import LocalServer
from fal_notebook.render.bundles import LONGEST_TEXT


@pytest.fixture
def terminal(server: LocalServer) -> Iterator["pexpect.spawn[str]"]:
    command = ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor", "--ext=fal_notebook"]
    shell = pexpect.spawn(sys.executable, command, timeout=30, encoding="utf-8", echo=False, dimensions=(50, 200))
    shell.expect_exact("In [1]: ")
    shell.sendline(f"import os; os.environ['FAL_NOTEBOOK_URL'] = '{server.url}'")
    shell.expect_exact("In [2]: ")
    yield shell
    shell.close(force=True)


def test_words_are_printed_as_they_come(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/endless/stream prompt=x -o partial")
    terminal.expect_exact("first words")
    terminal.sendintr()
    terminal.expect_exact("KeyboardInterrupt: stopped after")
    terminal.expect_exact("In [3]: ")
    terminal.sendline("partial.text, partial.stopped")
    terminal.expect_exact("('first words', True)")


def test_an_answer_stands_once_and_the_status_line_below_it(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/echo/stream prompt='some words'")
    terminal.expect(r"^some words \r\n.*test/echo/stream · .* s.*\r\n")
    terminal.expect_exact("In [3]: ")
    assert "some words" not in str(terminal.before)


def test_reasoning_rolls_by_on_one_line_and_leaves_how_long_it_took(terminal: "pexpect.spawn[str]") -> None:
    thought = " ".join(f"step {number} of the reasoning" for number in range(60))
    terminal.sendline(f"%falstream test/thinking/stream prompt='The answer' thought='{thought}' seconds:=3 -o kept")
    terminal.expect(r"thinking… 1 s · [^\r\n]*step \d+ of the reasoning[^\r\n]*\r")
    assert len(str(terminal.after)) <= 200
    terminal.expect(r"\r\x1b\[K\[thought for [345] s\]\r\nThe answer \r\n.*test/thinking/stream · .* s.*\r\n")
    assert "\n" not in str(terminal.before)
    terminal.expect_exact("In [3]: ")
    terminal.sendline("kept.text, len(kept.reasoning) > 1_000, 2 < kept.metrics.thinking < 9")
    terminal.expect_exact("('The answer ', True, True)")


def test_terminal_sequences_of_a_model_are_made_visible(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/echo/stream prompt={{'\\x1b]0;owned\\x07red'}}")
    terminal.expect_exact("␛]0;owned␇red")


def test_rows_that_take_long_to_read_are_counted_on_a_line_that_goes(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("rows = (__import__('time').sleep(0.5) or 'x' for _ in range(4))")
    terminal.expect_exact("In [3]: ")
    terminal.sendline("run = __import__('fal_notebook').map('test/echo/stream', rows)")
    terminal.expect(r"\r\x1b\[Kreading rows: \d\r\x1b\[K")
    terminal.expect_exact("In [4]: ")


def test_a_picture_is_named_and_can_be_saved(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/picture prompt=x")
    terminal.expect("image/png, 1 × 1, [0-9]+ bytes")
    terminal.expect_exact('_fal.media[0].save("NAME") writes it to a file, --save NAME does it at once')
    terminal.expect_exact("In [3]: ")
    terminal.sendline("_fal.media")
    terminal.expect_exact("[<Media image/png")


def test_play_says_nothing_where_nothing_can_play(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/tone/stream prompt=x seconds:=1 speed:=9 --play")
    terminal.expect(r"^audio/wav, 32,044 bytes\r\n.*test/tone/stream · .* s.*\r\n")


def test_a_prompt_widget_is_one_line(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("__import__('fal_notebook').PromptWidget('test/echo/stream')")
    terminal.expect_exact("In [3]: ")
    line, *others = str(terminal.before).split("\r\n")
    assert line.replace(", 0 answers", "") == (
        "Out[2]: <PromptWidget test/echo/stream> needs a page, which a terminal has not:"
        ' fal.chat("ENDPOINT") talks here, too'
    )
    assert others == ["", ""]


def test_an_error_is_one_line(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/none prompt=x")
    terminal.expect_exact("NotFound: 404 from test/none")
    terminal.expect_exact("In [3]: ")
    assert "Traceback" not in str(terminal.before)


def test_a_text_too_long_to_be_read_is_cut_with_a_note_and_kept_whole(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/echo/stream prompt={{'x' * 5_000_000}} -o long")
    terminal.searchwindowsize = 2_000
    terminal.expect_exact("… cut here: the whole text is in the result")
    assert str(terminal.before).count("x") == LONGEST_TEXT
    terminal.expect(r"\r\n5,000,001 characters in all\r\n.*test/echo/stream · .* s.*\r\n")
    terminal.expect_exact("In [3]: ")
    terminal.sendline("len(long.text)")
    terminal.expect_exact("5000001")


def test_json_is_shown_where_it_is_asked_for(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/echo/stream prompt=words -f json")
    terminal.expect_exact('"output": "words "')


def test_an_answer_of_the_background_is_one_line_when_it_is_there(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/echo/stream prompt='some words' -b -o later")
    terminal.expect(r"test/echo/stream · [^\r\n]* · the answer is in later\r\n")
    assert "some words" not in str(terminal.before)
    terminal.sendline("later.text")
    terminal.expect_exact("'some words '")


def test_a_background_run_that_fails_says_so_in_one_line(terminal: "pexpect.spawn[str]") -> None:
    terminal.sendline("%falstream test/none prompt=x -b")
    terminal.expect(r"test/none · failed: NotFound · [^\r\n]* · NotFound: 404 from test/none[^\r\n]*\r\n")
    terminal.sendline("%falstream test/echo/stream prompt=x -b -q -o quiet")
    terminal.sendline("getattr(quiet, 'result', lambda: quiet)().text  # it may have ended by now")
    terminal.expect_exact("'x '")
    assert "the answer is in" not in str(terminal.before)


def test_tab_completes_the_line_in_place(server: LocalServer) -> None:
    command = ["-m", "IPython", "--no-banner", "--colors=nocolor", "--ext=fal_notebook"]
    environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    shell = pexpect.spawn(
        *(sys.executable, command), env=environment, timeout=30, encoding="utf-8", dimensions=(50, 200)
    )
    shell.expect_exact("In [1]:")
    shell.send("%falstream flux/d\t")
    shell.expect_exact("ai/flux/dev/stream")
    shell.send(" --dry\t")
    shell.expect_exact("-run")
    shell.send("\r")
    shell.expect_exact('"endpoint": "fal-ai/flux/dev/stream"')
    shell.close(force=True)
