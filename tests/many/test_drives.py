from pathlib import Path

import pytest

from fal_notebook.many import drives

MOUNTS = """\
overlay / overlay rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
server:/home /home/me nfs4 rw 0 0
/dev/sdb1 /home/me/local\\040disk ext4 rw 0 0
drive /content/drive fuse.drive rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "is_on_network"),
    [
        ("/work/a.fal", False),
        ("/home/me/a.fal", True),
        ("/home/me/local disk/a.fal", False),
        ("/home/me/local disk2/a.fal", True),
        ("/home/mel/a.fal", False),
        ("/content/drive/MyDrive/a.fal", True),
        ("//server/share/a.fal", True),
    ],
)
def test_a_network_drive_is_known_by_its_mount(
    path: str, *, is_on_network: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    monkeypatch.setattr(drives, "_MOUNTS", tmp_path / "mounts")
    assert drives.is_on_network(Path(path)) is is_on_network


def test_without_a_list_of_mounts_no_drive_is_taken_for_one_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drives, "_MOUNTS", Path("/nothing/here"))
    assert not drives.is_on_network(Path("/home/me/a.fal"))
