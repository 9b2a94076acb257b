"""The files that Tab offers behind ``@`` and ``--save``."""

import os
from itertools import islice
from pathlib import Path

_MOST_READ = 5_000  # entries of a folder
_MOST = 200  # that are offered
_QUOTES = ("'", '"')


def files(typed: str) -> list[str]:
    """The files and folders that may be meant by what was typed of a path, each as the whole path to write.

    A path with a space is written in quotation marks, which stay open behind a folder.
    """
    quote = typed[:1] if typed[:1] in _QUOTES else ""
    folder, slash, begun = typed[len(quote) :].rpartition("/")
    found = []
    for name, is_folder in _entries(Path(folder + slash or ".")):
        if not name.startswith(begun) or (name.startswith(".") and not begun.startswith(".")) or not name.isprintable():
            continue
        path = f"{folder}{slash}{name}{'/' if is_folder else ''}"
        mark = quote or ('"' if any(each.isspace() for each in path) else "")
        found.append(f"{mark}{path}{'' if is_folder else mark}")
    return found[:_MOST]


def _entries(folder: Path) -> list[tuple[str, bool]]:
    try:
        with os.scandir(folder.expanduser()) as entries:
            return sorted((each.name, each.is_dir()) for each in islice(entries, _MOST_READ))
    except (OSError, ValueError, RuntimeError):
        return []
