"""Writes the files of a run's answers into a folder."""

from collections.abc import Iterator
from pathlib import Path

from ..media.disk import write_whole
from ..media.media import Media
from .journal_view import JournalView
from .outcomes import files_of

_FEWEST_DIGITS = 4  # of a row's number in a name


def save_files(view: JournalView, folder: Path) -> list[Path]:
    """Write the files of all answers, each under the number of its row; return them in the order of the rows.

    What was written by an earlier call stays and is not downloaded again.

    Raises:
        ConnectError: a file could not be downloaded.
        OSError: a file could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digits = max(_FEWEST_DIGITS, len(str(len(view) - 1)))
    return [_write(folder / name, media) for name, media in _named(view, digits)]


def _named(view: JournalView, digits: int) -> Iterator[tuple[str, Media]]:
    gateway = view.setting("gateway")
    for row in view.rows():
        if row.answer is None or row.state != "done":
            continue
        for place, media in enumerate(found := files_of(row.answer, gateway)):
            number = f"{row.number:0{digits}d}"
            yield f"{number}-{place + 1}" if len(found) > 1 else number, media


def _write(path: Path, media: Media) -> Path:
    goal = path.with_name(path.name + media.extension)
    return goal if goal.exists() else write_whole(goal, media.read(), overwrite=True)
