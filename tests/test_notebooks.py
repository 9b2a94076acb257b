"""The notebooks that are stored: what they show, and that they run from end to end."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


def _kinds(notebook: Any) -> list[list[tuple[str, ...]]]:
    """For each code cell the kind of each output: its MIME types, or its type and name."""
    return [[_kind(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def _kind(output: Any) -> tuple[str, ...]:
    if "data" in output:
        return tuple(sorted(output.data))
    return (output.output_type, output.get("ename", output.get("name", "")))


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def _merged(kinds: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Printed words may come in one message or in several."""
    return [kind for number, kind in enumerate(kinds) if not number or kind != kinds[number - 1]]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the notebooks as the README's demo executes them."""
    folder = tmp_path_factory.mktemp("executed")
    command = Path(sys.executable).with_name("fal-notebook")
    subprocess.run([command, "demo", NOTEBOOKS, "--execute", folder], check=True, timeout=300)
    return folder


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_stored_notebook_runs_and_gives_the_kinds_of_output_it_is_stored_with(path: Path, executed: Path) -> None:
    stored, again = _kinds(_read(path)), _kinds(_read(executed / path.name))
    assert [_merged(kinds) for kinds in again] == [_merged(kinds) for kinds in stored]
    assert (executed / path.with_suffix(".html").name).stat().st_size > 100_000


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_stored_notebook_holds_no_widget_and_no_path_of_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "widget-view" not in text
    assert "widgets" not in _read(path).metadata
    for word in ("/home/", "/root/", "/Users/", "site-packages"):
        assert word not in text


def test_the_quickstart_shows_words_a_player_a_picture_and_errors() -> None:
    notebook = _read(NOTEBOOKS / "quickstart.ipynb")
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    html = [output.data.get("text/html", "") for output in outputs if "data" in output]
    assert any("local model SmolLM2-135M-Instruct" in each for each in html)
    assert any("<audio" in each and "data:audio/wav;base64," in each for each in html)
    assert any("image/png" in output.data for output in outputs if "data" in output)
    assert any(output.output_type == "error" for output in outputs)


def test_the_media_notebook_shows_a_player_a_picture_and_four_side_by_side() -> None:
    notebook = _read(NOTEBOOKS / "media.ipynb")
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    html = [output.data.get("text/html", "") for output in outputs if "data" in output]
    assert any("<audio" in each and "data:audio/wav;base64," in each for each in html)
    assert any("image/png" in output.data for output in outputs if "data" in output)
    assert any(each.count("<figure>") == 4 for each in html)
    assert (NOTEBOOKS / "media.ipynb").stat().st_size < 1_000_000


def test_the_prompt_widget_leaves_its_transcript() -> None:
    notebook = _read(NOTEBOOKS / "prompt_widget.ipynb")
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    html = [output.data["text/html"] for output in outputs if "data" in output]
    assert [each for each in html if "<summary>Transcript (2 answers)</summary>" in each]


def test_there_are_notebooks() -> None:
    assert PATHS
