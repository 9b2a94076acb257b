"""Writes files to this machine's disk, whole or not at all.

A disk may be full, and a name may be taken, perhaps by a link that leads elsewhere. An existing file stays, unless the
caller wants it overwritten and the new file is whole.
"""

import uuid
from itertools import chain, count
from pathlib import Path


def write_whole(path: Path, data: bytes, *, overwrite: bool) -> Path:
    """Write a file and return its path: the given one, or one with a number added where that is taken.

    Args:
        path: where to; its folder has to be there.
        data: what to write.
        overwrite: whether to replace an existing file of that name.

    Raises:
        OSError: the file could not be written; no part of it is left.
    """
    return _replace(path.resolve(), data) if overwrite else _add(path, data)


def _replace(path: Path, data: bytes) -> Path:
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(data)
        if path.exists():
            part.chmod(path.stat().st_mode)
        return part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _add(path: Path, data: bytes) -> Path:
    for each in chain([path], (path.with_stem(f"{path.stem}-{number}") for number in count(1))):
        try:
            file = each.open("xb")
        except FileExistsError:  # a link is there, too, wherever it leads
            continue
        try:
            with file:
                file.write(data)
        except BaseException:
            each.unlink(missing_ok=True)
            raise
        return each
    raise AssertionError("numbers do not end")
