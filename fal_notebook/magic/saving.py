"""``--save``: the files of an answer, else its words, on the disk."""

from pathlib import Path

from ..client.result import Result
from ..errors import FalNotebookError, InvalidRequest
from ..media.disk import write_whole
from ..render.bundles import json_bundle


def save_result(result: Result, place: str, *, overwrite: bool = False) -> str:
    """Write an answer and say where it is.

    Args:
        result: an answer that is whole.
        place: a file, or a folder; several files of one answer are numbered.
        overwrite: whether files of these names are replaced; else a name that is taken gets a number.

    Raises:
        InvalidRequest: the disk, or a server that keeps a file, refused.
    """
    path = Path(place).expanduser()
    try:
        saved = [_save_media(result, path, number, overwrite) for number in range(len(result.media))]
        saved = saved or [_save_words(result, path, overwrite)]
    except (OSError, FalNotebookError) as exc:
        raise InvalidRequest(f"the answer could not be saved: {exc}", hint="the variable still has it") from None
    return f"saved {', '.join(map(str, saved))}"


def _save_media(result: Result, path: Path, number: int, overwrite: bool) -> Path:  # noqa: FBT001 - passed on
    several = len(result.media) > 1 and not path.is_dir()
    target = path.with_stem(f"{path.stem}-{number + 1}") if several else path
    return result.media[number].save(target, overwrite=overwrite)


def _save_words(result: Result, path: Path, overwrite: bool) -> Path:  # noqa: FBT001 - passed on
    target = path / "fal.txt" if path.is_dir() else path
    words = result.text or json_bundle(result.data)["text/plain"]
    return write_whole(target, words.encode("utf-8", "replace"), overwrite=overwrite)
