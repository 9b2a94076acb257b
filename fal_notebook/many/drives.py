"""Whether a file is on a network drive, where SQLite's write-ahead log does not work.

The log needs memory that all processes share, and machines do not share theirs. Where it cannot be known, the answer is
no: SQLite then finds out by itself, for most drives.
"""

from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")
_LONGEST = 1 << 20  # characters of the list of mounts
_NETWORKS = (
    "nfs",
    "cifs",
    "smb",
    "fuse",
    "9p",
    "afs",
    "ceph",
    "lustre",
    "gluster",
    "gpfs",
    "beegfs",
    "virtiofs",
    "drvfs",
)
"""How the types of network drives begin. Colab's Google Drive and most object stores are of the type fuse."""


def is_on_network(path: Path) -> bool:
    """Whether a file, or the file that would be made there, is on a network drive."""
    where = path.absolute()
    if str(where).startswith(("\\\\", "//")):  # a share of Windows
        return True
    return _type_of_mount(where, _mounts()).startswith(_NETWORKS)


def _mounts() -> str:
    try:
        with _MOUNTS.open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_LONGEST)
    except OSError:
        return ""


def _type_of_mount(where: Path, mounts: str) -> str:
    """The type of the file system of a path: that of the longest mount point above it, of which the last one counts."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        _, point, found, *_ = [*line.split(" "), "", "", ""]
        above = Path(point.replace("\\040", " "))
        if where.is_relative_to(above) and len(above.parts) >= best:
            best, kind = len(above.parts), found
    return kind
