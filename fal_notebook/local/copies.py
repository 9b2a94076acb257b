"""The notebooks that come with the package, and the user's copies of them.

A copy that was changed belongs to the user, and is never written over. To recognize one, the folder keeps the digests
of everything that was put into it.
"""

import hashlib
import shutil
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import nbformat
from jupyter_core.paths import jupyter_data_dir
from nbformat.sign import NotebookNotary

_DIGESTS = ".originals"


def originals() -> list[Path]:
    """The notebooks that come with the package. They lie in it once it is installed, and beside it in a clone."""
    installed = Path(__file__).with_name("notebooks")
    folder = installed if installed.is_dir() else Path(__file__).parents[2] / "notebooks"
    return sorted(folder.glob("*.ipynb"))


def update_copies(sources: Iterable[Path], folder: Path) -> list[Path]:
    """Update a folder of copies from the notebooks they are made from; copies that were changed stay as they are.

    Args:
        sources: the notebooks.
        folder: where their copies are, or are to be.

    Returns:
        The newer notebooks that were put beside changed copies, under names of their own.

    Raises:
        OSError: the folder cannot be read or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digests = _digests(folder)
    beside = []
    for source in sources:
        copy, newest = folder / source.name, _digest(source)
        present = _digest(copy) if copy.exists() else None
        if present is None or (present in digests and present != newest):
            shutil.copyfile(source, copy)
        elif newest not in {present, *digests}:
            beside.append(shutil.copyfile(source, _free(copy)))
        digests.add(newest)
    (folder / _DIGESTS).write_text("\n".join(sorted(digests)))
    return beside


def trust(paths: Iterable[Path]) -> None:
    """Have Jupyter trust these notebooks, and equal ones, on this machine, as ``jupyter trust`` does.

    Where Jupyter's data cannot be written they stay untrusted, which Jupyter then says itself.
    """
    try:
        folder = Path(jupyter_data_dir())
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        notary = NotebookNotary(data_dir=str(folder))
        with closing(notary.store):
            for path in paths:
                notary.sign(nbformat.read(path, as_version=4))
    except Exception:  # noqa: BLE001, S110 - a disk and SQLite, which may be missing, fail in ways of their own
        pass


def _digests(folder: Path) -> set[str]:
    path = folder / _DIGESTS
    return set(path.read_text(errors="replace").split()) if path.exists() else set()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _free(path: Path) -> Path:
    """The first of ``name-2``, ``name-3`` … that does not exist."""
    number = 2
    while (free := path.with_stem(f"{path.stem}-{number}")).exists():
        number += 1
    return free
