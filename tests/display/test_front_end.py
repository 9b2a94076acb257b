"""What a page, an Output widget, a console and a run without a page each show of an answer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pexpect
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from fal_notebook.display.front_end import Screen, screen_of
from fal_notebook.display.outputs import UNFINISHED
from fal_notebook.local.server import LocalServer

from ..kernels import SECONDS, Kernel, kernel

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def lab(server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as running:
        running.run("import fal_notebook, ipywidgets\nlate = None")
        running.run("from fal_notebook.display.front_end import _widgets, output_widget, screen_of")
        running.run("open_widgets = lambda: sorted(each.model_id for each in _widgets(ipywidgets))")
        yield running


def screen_for(lab: Kernel, metadata: str, content: str, choice: str = "auto") -> str:
    """The screen that a kernel finds for a request of a Python client."""
    return lab.value(
        "(lambda shell, request: (setattr(shell, 'get_parent', lambda: request), "
        f"screen_of(shell, {choice!r}).name, delattr(shell, 'get_parent'))[1])(get_ipython(), "
        "{'header': {'session': 's', 'msg_id': 's_1_2'}, "
        f"'metadata': {metadata}, 'content': {content}}})"
    )


def test_a_request_that_names_its_cell_comes_from_a_page(lab: Kernel) -> None:
    assert screen_for(lab, "{'cellId': 'x'}", "{'allow_stdin': True}") == "'WIDGETS'"


def test_a_console_gets_words_and_a_run_without_a_page_the_end(lab: Kernel) -> None:
    assert screen_for(lab, "{}", "{'allow_stdin': True}") == "'TEXT'"
    assert screen_for(lab, "{}", "{'allow_stdin': False}") == "'END'"


def test_what_the_user_has_chosen_is_shown_everywhere(lab: Kernel) -> None:
    assert screen_for(lab, "{}", "{}", "widgets") == "'WIDGETS'"
    assert screen_for(lab, "{'cellId': 'x'}", "{}", "text") == "'TEXT'"
    assert screen_for(lab, "{'cellId': 'x'}", "{}", "end") == "'END'"


def test_without_a_kernel_words_are_printed() -> None:
    assert screen_of(InteractiveShell()) is Screen.TEXT


def test_a_widget_manager_that_has_called_is_shown_widgets(server: LocalServer) -> None:
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as fresh:
        fresh.run("import ipywidgets\nfrom fal_notebook.display.front_end import screen_of")
        opened = {"comm_id": "1", "target_name": "jupyter.widget.control", "data": {}}
        session, channel = fresh.client.session, fresh.client.shell_channel
        channel.send(session.msg("comm_open", opened, metadata={"version": "1.0.0"}))
        assert screen_for(fresh, "{}", "{'allow_stdin': True}") == "'WIDGETS'"


def test_an_output_widget_is_seen_while_it_is_entered_and_not_else(lab: Kernel) -> None:
    lab.run("out, other = ipywidgets.Output(), ipywidgets.Output()")
    lab.run("with out:\n    inside = output_widget()")
    assert lab.value("inside is out, output_widget()") == "(True, None)"


LINES = {
    "a live answer": "%falstream test/paced/stream prompt=x count:=60 rate:=50",
    "columns": "%falstream test/paced/stream --models a,b prompt=x count:=60 rate:=50",
    "sound": "%falstream test/tone/stream prompt=x seconds:=1 speed:=2 --play",
    "a player": "fal_notebook.AudioPlayer.play(fal_notebook.stream('test/tone/stream', seconds=1, speed=4))",
    "in the background": "%falstream test/paced/stream prompt=x count:=60 rate:=50 -b -o late",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_in_an_output_widget_what_was_live_becomes_what_stays_until_the_page_clears_it(line: str, lab: Kernel) -> None:
    lab.run("out = ipywidgets.Output()")
    before = lab.value("open_widgets()")
    cell = lab.run(f"with out:\n    {line}")
    assert cell.status == "ok", cell.error
    lab.run("late = late.result() if hasattr(late, 'result') else late")
    shown = [each["content"]["data"] for each in cell.messages if each["header"]["msg_type"] == "display_data"]
    held = lab.value("[each.outputs for each in _widgets(ipywidgets) if type(each) is ipywidgets.Output]")
    assert "0059" in held or "data:audio/wav" in held
    assert UNFINISHED not in held
    assert WIDGET not in held
    outputs = [{"output_type": "display_data", "data": data, "metadata": {}} for data in shown]
    lab.run(f"out.outputs = {outputs}\nout.outputs = ()")  # as the page reports it
    assert lab.value("open_widgets()") == before


def test_in_an_output_widget_what_is_whole_at_once_is_a_plain_display(lab: Kernel) -> None:
    before = lab.value("open_widgets()")
    cell = lab.run("with out:\n    %falstream test/picture prompt=x")
    ends = [each["content"] for each in cell.messages if each["header"]["msg_type"] == "display_data"]
    assert "test/picture" in ends[-1]["data"]["text/plain"]
    assert all(WIDGET not in each["data"] and not each["transient"] for each in ends)
    assert lab.value("open_widgets()") == before


def test_a_console_streams_words_and_shows_no_widget(server: LocalServer) -> None:
    console = pexpect.spawn(
        sys.executable,
        ["-m", "jupyter_console", "--simple-prompt"],
        env={**os.environ, "FAL_NOTEBOOK_URL": server.url},
        encoding="utf-8",
        timeout=SECONDS,
    )
    try:
        console.expect(r"In \[1\]")
        console.sendline("%load_ext fal_notebook")
        console.expect(r"In \[2\]")
        console.sendline("%falstream test/paced/stream prompt=x count:=30 rate:=30")
        console.expect("0029")
        console.expect("test/paced/stream · ")
        console.expect(r"In \[3\]")
        assert "VBox" not in (console.before or "")
    finally:
        console.close(force=True)


def headless(*cells: str) -> Any:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def test_a_run_without_a_page_has_no_live_part_and_one_whole_output(gateway: str) -> None:
    notebook = headless("%load_ext fal_notebook", "%falstream test/paced/stream prompt=x count:=60 rate:=50")
    NotebookClient(notebook, timeout=SECONDS).execute()
    (output,) = notebook.cells[1].outputs
    assert output.data["text/plain"].startswith("0000 0001")
    assert "test/paced/stream · " in output.data["text/plain"]
    assert "widgets" not in notebook.metadata


def test_papermills_log_has_the_answer(gateway: str, tmp_path: Path) -> None:
    nbformat.write(
        headless("%load_ext fal_notebook", "%falstream test/paced/stream prompt=x count:=60 rate:=50"),
        tmp_path / "in.ipynb",
    )
    command = [sys.executable, "-m", "papermill", "--log-output", "--no-progress-bar", "in.ipynb", "out.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=2 * SECONDS, check=True)
    assert "0059" in done.stderr + done.stdout
    assert "VBox" not in done.stderr + done.stdout
