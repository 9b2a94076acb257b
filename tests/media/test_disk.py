"""Files that are written whole or not at all, on a disk that is really full."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fal_notebook.media.disk import write_whole


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: the system refuses as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_is_where_it_was_asked_for(tmp_path: Path, *, overwrite: bool) -> None:
    path = write_whole(tmp_path / "a.bin", b"new", overwrite=overwrite)
    assert path == tmp_path / "a.bin"
    assert path.read_bytes() == b"new"


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    saved = [write_whole(tmp_path / "a.bin", data, overwrite=False) for data in (b"1", b"2", b"3")]
    assert [path.name for path in saved] == ["a.bin", "a-1.bin", "a-2.bin"]
    assert [path.read_bytes() for path in saved] == [b"1", b"2", b"3"]


def test_overwriting_takes_its_place(tmp_path: Path) -> None:
    for data in (b"1", b"2"):
        write_whole(tmp_path / "a.bin", data, overwrite=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"2"]


def test_a_link_is_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.bin").symlink_to(tmp_path / "elsewhere")
    assert write_whole(folder / "a.bin", b"new", overwrite=False) == folder / "a-1.bin"
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_of_the_users_is_followed_when_overwriting(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_whole(tmp_path / "link", b"new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_what_was_there_and_no_half(tmp_path: Path, *, overwrite: bool) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    with room_for(1000), pytest.raises(OSError, match="large"):
        write_whole(tmp_path / "a.bin", bytes(10_000), overwrite=overwrite)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.bin", b"old")]
