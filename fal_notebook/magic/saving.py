"""``--save``: writes the files of an answer to the disk, or its text if it has no files."""

import json
import mimetypes
from pathlib import Path

from ..client.result import Result
from ..errors import FalNotebookError, InvalidRequest
from ..media.disk import write_whole


def save_result(result: Result, place: str, *, overwrite: bool = False) -> str:
    """Write an answer, and return a line that says where it is.

    Args:
        result: a complete answer.
        place: a file, or a folder; several files of one answer are numbered.
        overwrite: whether to replace files of the same name; if not, a number is added to the name.

    Raises:
        InvalidRequest: a file could not be written, or not be downloaded from its URL.
    """
    path = Path(place).expanduser()
    try:
        saved = [_save_media(result, path, number, overwrite) for number in range(len(result.media))]
        saved = saved or [_save_words(result, path, overwrite)]
    except (OSError, FalNotebookError) as exc:
        raise InvalidRequest(f"the answer could not be saved: {exc}", hint="the variable still has it") from None
    return f"saved {', '.join(map(_shown, saved))}{_kind_note(result, saved)}"


def _shown(path: Path) -> str:
    """The path, from the kernel's folder on if it is in there."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _kind_note(result: Result, saved: list[Path]) -> str:
    """A remark if a file's name says another type than the file has: the name is the user's, and is kept."""
    for media, path in zip(result.media, saved, strict=False):
        named = mimetypes.guess_type(path.name)[0]
        if named is not None and named != media.content_type and media.extension != path.suffix.lower():
            fitting = path.with_suffix(media.extension).name
            return f" · {path.name} is {media.content_type}, whatever its name says: {fitting} fits"
    return ""


def _save_media(result: Result, path: Path, number: int, overwrite: bool) -> Path:  # noqa: FBT001 - passed on
    several = len(result.media) > 1 and not path.is_dir()
    target = path.with_stem(f"{path.stem}-{number + 1}") if several else path
    return result.media[number].save(target, overwrite=overwrite)


def _save_words(result: Result, path: Path, overwrite: bool) -> Path:  # noqa: FBT001 - passed on
    target = path / "fal.txt" if path.is_dir() else path
    words = result.text or json.dumps(result.data, ensure_ascii=False, indent=2)
    return write_whole(target, words.encode("utf-8", "replace"), overwrite=overwrite)
