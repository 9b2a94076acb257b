"""Where `--save` writes an answer."""

from pathlib import Path

import pytest

from fal_notebook.client.result import Result
from fal_notebook.errors import InvalidRequest
from fal_notebook.magic.saving import save_result
from fal_notebook.media.media import Media

from ..media.test_disk import room_for

PNG, WAV = Media("image/png", b"png"), Media("audio/wav", b"wav")


def test_one_file_has_the_name_and_the_types_ending(tmp_path: Path) -> None:
    assert save_result(Result("a/b", media=[PNG]), f"{tmp_path}/x") == f"saved {tmp_path}/x.png"
    assert (tmp_path / "x.png").read_bytes() == b"png"


def test_a_name_that_says_another_type_is_kept_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert save_result(Result("a/b", media=[PNG]), "x.jpg") == (
        "saved x.jpg · x.jpg is image/png, whatever its name says: x.png fits"
    )
    for name in ("x.png", "x.PNG", "x"):
        assert "whatever" not in save_result(Result("a/b", media=[PNG]), name)


def test_where_it_is_saved_is_told_in_the_same_way_whether_or_not_a_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = [save_result(Result("a/b", text="x"), "x.txt", overwrite=overwrite) for overwrite in (False, True)]
    assert told == ["saved x.txt", "saved x.txt"]


def test_several_files_are_numbered(tmp_path: Path) -> None:
    save_result(Result("a/b", media=[PNG, WAV]), f"{tmp_path}/x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-1.png", "x-2.wav"]


def test_several_files_without_names_do_not_overwrite_each_other_in_a_folder(tmp_path: Path) -> None:
    save_result(Result("a/b", media=[PNG, Media("image/png", b"second")]), str(tmp_path))
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"png", b"second"]


def test_words_are_saved_where_there_is_no_file(tmp_path: Path) -> None:
    save_result(Result("a/b", text="wörds"), f"{tmp_path}/x.md")
    assert (tmp_path / "x.md").read_text(encoding="utf-8") == "wörds"


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="could not be saved"):
        save_result(Result("a/b", text="x"), f"{tmp_path}/none/x.md")


def test_nothing_is_overwritten_unless_it_is_asked_for(tmp_path: Path) -> None:
    for text in ("one", "two"):
        save_result(Result("a/b", text=text), f"{tmp_path}/x.txt")
    assert save_result(Result("a/b", media=[WAV]), f"{tmp_path}/x.txt").startswith(f"saved {tmp_path}/x-2.txt ")
    assert [(tmp_path / name).read_text() for name in ("x.txt", "x-1.txt")] == ["one", "two"]
    assert save_result(Result("a/b", text="three"), f"{tmp_path}/x.txt", overwrite=True) == f"saved {tmp_path}/x.txt"
    assert (tmp_path / "x.txt").read_text() == "three"


def test_a_full_disk_is_one_clear_error_and_leaves_no_half(tmp_path: Path) -> None:
    with room_for(1000), pytest.raises(InvalidRequest, match="the variable still has it"):
        save_result(Result("a/b", text="x" * 10_000), f"{tmp_path}/x.txt")
    assert list(tmp_path.iterdir()) == []
