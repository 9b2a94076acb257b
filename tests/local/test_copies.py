"""The user's copies of the notebooks: they are updated with the package, and no change of the user's is lost."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook

from fal_notebook.local.copies import originals, trust, update_copies

ROOT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "package" / "first.ipynb"
    path.parent.mkdir()
    path.write_text("original")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.ipynb")}


def test_in_a_clone_the_originals_are_those_beside_the_package() -> None:
    assert originals() == sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_copies_are_made_where_there_are_none(source: Path, folder: Path) -> None:
    assert update_copies([source], folder) == []
    assert contents(folder) == {"first.ipynb": "original"}


def test_a_copy_that_was_removed_comes_back(source: Path, folder: Path) -> None:
    update_copies([source], folder)
    (folder / "first.ipynb").unlink()
    update_copies([source], folder)
    assert contents(folder) == {"first.ipynb": "original"}


def test_a_changed_copy_stays_as_it_is(source: Path, folder: Path) -> None:
    update_copies([source], folder)
    (folder / "first.ipynb").write_text("mine")
    assert update_copies([source], folder) == []
    assert contents(folder) == {"first.ipynb": "mine"}


def test_an_unchanged_copy_becomes_the_newer_original(source: Path, folder: Path) -> None:
    update_copies([source], folder)
    for newer in ("newer", "newest", "original"):
        source.write_text(newer)
        assert update_copies([source], folder) == []
        assert contents(folder) == {"first.ipynb": newer}


def test_a_newer_original_is_put_beside_a_changed_copy_once(source: Path, folder: Path) -> None:
    update_copies([source], folder)
    (folder / "first.ipynb").write_text("mine")
    source.write_text("newer")
    assert update_copies([source], folder) == [folder / "first-2.ipynb"]
    (folder / "first-2.ipynb").write_text("mine too")
    assert update_copies([source], folder) == []
    source.write_text("newest")
    assert update_copies([source], folder) == [folder / "first-3.ipynb"]
    assert contents(folder) == {"first.ipynb": "mine", "first-2.ipynb": "mine too", "first-3.ipynb": "newest"}


def test_two_versions_of_the_package_in_turn_do_not_fill_the_folder(source: Path, folder: Path) -> None:
    update_copies([source], folder)
    (folder / "first.ipynb").write_text("mine")
    for version in ("newer", "original", "newer", "original"):
        source.write_text(version)
        update_copies([source], folder)
    assert contents(folder) == {"first.ipynb": "mine", "first-2.ipynb": "newer"}


@pytest.mark.parametrize("digests", [None, b"", b"\xff\x00 no digests"])
def test_without_the_digests_every_other_copy_counts_as_changed(
    digests: bytes | None, source: Path, folder: Path
) -> None:
    folder.mkdir()
    (folder / "first.ipynb").write_text("mine")
    if digests is not None:
        (folder / ".originals").write_bytes(digests)
    assert update_copies([source], folder) == [folder / "first-2.ipynb"]
    assert contents(folder) == {"first.ipynb": "mine", "first-2.ipynb": "original"}


def test_notebooks_of_the_user_in_the_folder_are_left_alone(source: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "my own.ipynb").write_text("mine")
    update_copies([source], folder)
    assert contents(folder) == {"my own.ipynb": "mine", "first.ipynb": "original"}


def test_an_unchanged_copy_is_not_written_again(source: Path, folder: Path) -> None:
    update_copies([source], folder)
    os.utime(folder / "first.ipynb", (1, 1))
    update_copies([source], folder)
    assert (folder / "first.ipynb").stat().st_mtime == 1


def write_notebook(path: Path, source: str) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell(source, id="cell")]), path)


def test_jupyter_trusts_what_is_equal_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "not yet" / "there"
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(data))
    for name, code in {"ours": "1", "equal": "1", "changed": "2"}.items():
        write_notebook(tmp_path / f"{name}.ipynb", code)
    trust([tmp_path / "ours.ipynb"])
    notary = NotebookNotary(data_dir=str(data))
    trusted = {
        path.stem: notary.check_signature(nbformat.read(path, as_version=4)) for path in tmp_path.glob("*.ipynb")
    }
    notary.store.close()
    assert trusted == {"ours": True, "equal": True, "changed": False}


def test_where_jupyters_data_cannot_be_written_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "file" / "data"))
    trust(originals())


@pytest.mark.parametrize("name", ["notebook_secret", "nbsignatures.db"])
def test_where_the_signatures_cannot_be_kept_nothing_fails(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name / "in the way").mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    trust(originals())


def test_without_sqlite_nothing_fails(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['sqlite3'] = None\n"
        "from fal_notebook.local.copies import originals, trust; trust(originals())"
    )
    environment = {**os.environ, "JUPYTER_DATA_DIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
