"""Files of this machine, written whole or not at all.

A disk may be full, and a name may be taken, by a link that leads elsewhere too. What was there stays in any case,
unless the user has asked for its place and the new file is whole.
"""

import uuid
from itertools import chain, count
from pathlib import Path


def write_whole(path: Path, data: bytes, *, overwrite: bool) -> Path:
    """Write a file and return where it is: under its name, or with a number behind it where the name is taken.

    Args:
        path: where to; its folder has to be there.
        data: what to write.
        overwrite: whether it takes the place of a file of that name.

    Raises:
        OSError: the disk refused; nothing of it is left there.
    """
    return _replaced(path.resolve(), data) if overwrite else _added(path, data)


def _replaced(path: Path, data: bytes) -> Path:
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(data)
        if path.exists():
            part.chmod(path.stat().st_mode)
        return part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _added(path: Path, data: bytes) -> Path:
    for each in chain([path], (path.with_stem(f"{path.stem}-{number}") for number in count(1))):
        try:
            file = each.open("xb")
        except FileExistsError:  # a link counts, wherever it leads
            continue
        try:
            with file:
                file.write(data)
        except BaseException:
            each.unlink(missing_ok=True)
            raise
        return each
    raise AssertionError("numbers do not end")
