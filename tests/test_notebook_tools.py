"""What a notebook contains after nbclient and papermill have executed it, and how nbconvert shows it."""

from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter, MarkdownExporter
from nbformat.v4 import new_code_cell, new_notebook

from .conftest import KEY

WIDGET = "application/vnd.jupyter.widget-view+json"
SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="
CELLS = [
    "%load_ext fal_notebook",
    "%%falstream test/paced/stream count:=40 rate:=100\nx",
    "%%falstream test/echo/stream\nSome **bold** words",
    f"%falstream test/body prompt=x content_type=audio/wav base64={SILENCE}",
    "%falstream test/picture prompt=x",
]


def _notebook(*cells: str) -> Any:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def _outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.outputs]


def _check(notebook: Any) -> None:
    words, bold, player, picture, line = (output.data for output in _outputs(notebook))
    assert "0000 0001" in words["text/plain"]
    assert "0039" in words["text/plain"]
    assert "<strong>bold</strong>" in bold["text/html"]
    assert "data:audio/wav;base64,UklGR" in player["text/html"]
    assert picture["image/png"].startswith("iVBORw0KGgo")
    assert "test/picture" in line["text/html"]
    assert all(WIDGET not in output.data for output in _outputs(notebook))


def test_nbclient_keeps_the_static_results(gateway: str) -> None:
    notebook = _notebook(*CELLS)
    NotebookClient(notebook, timeout=60).execute()
    _check(notebook)


def test_nbconvert_shows_words_player_and_picture(gateway: str) -> None:
    notebook = _notebook(*CELLS)
    NotebookClient(notebook, timeout=60).execute()
    html, _ = HTMLExporter().from_notebook_node(notebook)
    for part in ("<strong>bold</strong>", "data:audio/wav;base64,UklGR", "data:image/png;base64,iVBORw0KGgo"):
        assert part in html
    markdown, _ = MarkdownExporter().from_notebook_node(notebook)
    assert "<strong>bold</strong>" in markdown


def test_papermill_keeps_them_too(gateway: str, tmp_path: Path) -> None:
    source, target = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    nbformat.write(_notebook(*CELLS), source)
    papermill.execute_notebook(source, target, progress_bar=False, execution_timeout=60)
    _check(nbformat.read(target, as_version=4))


def test_sound_that_was_played_while_it_came_is_a_static_player_in_the_file(gateway: str) -> None:
    notebook = _notebook(CELLS[0], "%falstream test/tone/stream prompt=x seconds:=1 speed:=9 --play")
    NotebookClient(notebook, timeout=60).execute()
    (player,) = _outputs(notebook)
    assert "data:audio/wav;base64,UklGR" in player.data["text/html"]
    assert WIDGET not in player.data
    samples = player.data["text/html"].partition("base64,")[2][200:300]
    assert samples not in str(notebook.metadata)


def test_a_failed_cell_keeps_the_partial_answer_in_the_file(gateway: str) -> None:
    notebook = _notebook(CELLS[0], "%%falstream test/late/stream\nx")
    with pytest.raises(CellExecutionError, match=r"out\S*\s+\S*of tokens"):
        NotebookClient(notebook, timeout=60).execute()
    partial, error = _outputs(notebook)
    assert "half an" in partial.data["text/plain"]
    assert error.ename == "ModelError"


def test_the_key_is_nowhere_in_the_saved_notebook(
    gateway: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    cells = [
        *CELLS,
        "_fal, _fal.headers, vars(_fal)",
        "import fal_notebook\nfal_notebook.session().connections",
        "%config FalMagics",
        "%falstream test/none prompt=x",
    ]
    notebook = _notebook(*cells)
    NotebookClient(notebook, timeout=60, allow_errors=True).execute()
    saved = tmp_path / "saved.ipynb"
    nbformat.write(notebook, saved)
    assert KEY not in saved.read_text(encoding="utf-8")
    assert KEY.partition(":")[2] not in saved.read_text(encoding="utf-8")
