"""The stored notebooks: they have outputs, and they run from beginning to end with the built wheel."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fal_notebook.local.server import LocalServer
from fal_notebook.wire.environment import SCHEMAS_VARIABLE

from .conftest import KEY
from .kernels import SECONDS, kernel

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


def _kinds(notebook: Any) -> list[list[tuple[str, ...]]]:
    """The kinds of the outputs of each code cell: an output's MIME types, or its type and name."""
    return [[_kind(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def _kind(output: Any) -> tuple[str, ...]:
    if "data" in output:
        return tuple(sorted(output.data))
    return (output.output_type, output.get("ename", output.get("name", "")))


def _read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def _merged(kinds: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The kinds with neighbouring prints joined, since printed text may come in one message or in several."""
    return [kind for number, kind in enumerate(kinds) if not number or kind != kinds[number - 1]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, which a user would install."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=300, stdout=subprocess.DEVNULL)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.fixture(scope="module")
def executed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the notebooks, which the wheel's demo has put there and executed."""
    folder = tmp_path_factory.mktemp("empty")
    code = "import sys; from fal_notebook.local.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "demo", "--execute", "executed"]
    environment = {**os.environ, "PYTHONPATH": str(wheel), SCHEMAS_VARIABLE: ""}  # with schemas, as users have it
    subprocess.run(command, check=True, timeout=300, cwd=folder, env=environment)
    assert [path.name for path in folder.iterdir()] == ["executed"]
    return folder / "executed"


def test_the_wheel_has_the_notebooks_and_not_their_pictures(wheel: Path) -> None:
    assert sorted(path.name for path in wheel.glob("fal_notebook/local/notebooks/**/*")) == [
        path.name for path in PATHS
    ]
    assert not (wheel / "notebooks").exists()


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
    assert any("<span>local model</span> <span>SmolLM2-135M-Instruct" in each for each in html)
    assert any("<audio" in each and "data:audio/wav;base64," in each for each in html)
    assert any("image/png" in output.data for output in outputs if "data" in output)
    assert any(output.output_type == "error" for output in outputs)


def test_the_quickstarts_two_lines_make_a_running_kernel_go_on_with_fal(server: LocalServer) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", _read(NOTEBOOKS / "quickstart.ipynb").cells[0].source, re.DOTALL)
    assert len(lines.splitlines()) == 2
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as running:
        assert running.run("%falstream test/echo/stream prompt=before").status == "ok"
        running.run("from fal_notebook.wire.target import resolve_target")
        for _ in range(2):
            request = running.send(lines)
            assert running.client.get_stdin_msg(timeout=SECONDS)["content"]["password"]
            running.client.input(KEY)
            cell = running.read(request)
            assert (cell.status, cell.outputs) == ("ok", [])
        target = "resolve_target('fal-ai/any-llm/stream')"
        assert running.value(f"{target}.url") == "'wss://ws.fal.run/fal-ai/any-llm/stream'"
        assert running.value(f"{target}.authorization.headers()") == f"{{'Authorization': 'Key {KEY}'}}"
        assert KEY not in running.value("In")


def test_the_conversation_notebook_shows_the_whole_conversation_to_a_reader_without_a_kernel() -> None:
    notebook = _read(NOTEBOOKS / "conversation.ipynb")
    asked = re.compile(r'(?:chat|run)\("([^"]+[.?])"|^%%falstream .*\n(.+)$')
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    prompts = [match[1] or match[2] for cell in cells for match in asked.finditer(cell.source)]
    (box,) = (cell for cell in cells if "PromptWidget(" in cell.source)
    shown = "".join(output.data["text/html"] for output in box.outputs)
    places = [shown.find(f">{prompt}<") for prompt in prompts]
    assert len(prompts) == 5
    assert places == sorted(places)
    assert -1 not in places
    assert "<script" not in shown


def test_the_media_notebook_shows_a_player_a_picture_and_four_side_by_side() -> None:
    notebook = _read(NOTEBOOKS / "media.ipynb")
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    html = [output.data.get("text/html", "") for output in outputs if "data" in output]
    assert any("<audio" in each and "data:audio/wav;base64," in each for each in html)
    assert any("image/png" in output.data for output in outputs if "data" in output)
    assert any(each.count("<figure") == 4 for each in html)
    assert (NOTEBOOKS / "media.ipynb").stat().st_size < 1_000_000


def test_the_files_notebook_makes_pictures_from_pictures_and_tells_two_mistakes_before_they_cost() -> None:
    notebook = _read(NOTEBOOKS / "files_and_schemas.ipynb")
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.data for output in outputs if "data" in output) == 4
    told = [output.text for output in outputs if output.get("name") == "stderr"]
    assert len(told) == 2
    assert "image_url is missing" in told[0]
    assert "did you mean photo.png?" in told[1]


def test_the_prompt_widget_leaves_its_transcript() -> None:
    notebook = _read(NOTEBOOKS / "prompt_widget.ipynb")
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    html = [output.data["text/html"] for output in outputs if "data" in output]
    assert [each for each in html if "<summary>Transcript (2 answers)</summary>" in each]


def test_there_are_notebooks() -> None:
    assert PATHS
