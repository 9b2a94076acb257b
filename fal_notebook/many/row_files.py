"""Sans-I/O: large files of rows are stored beside the rows, once for each content, and marks stand for them.

So ten thousand rows that send the same recording do not store it ten thousand times, and what is read and compared of a
row stays short. When a row is sent, the URL of the uploaded file takes the place of its mark, or the file itself.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..client.arguments import encode, inline
from ..client.payloads import LARGEST_INLINE, UploadChoice
from ..errors import InvalidRequest
from ..media.media import Media

_SCHEME = "fal-journal:"
_MARK = re.compile(f'"{_SCHEME}([0-9a-f]{{64}})"')  # a whole value of JSON: within a longer one, quotes are escaped
_LARGEST = 1_000_000_000  # bytes that SQLite stores in one place


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file as a journal stores it.

    Attributes:
        content: a hash of its type and bytes, by which it is known.
        media: the file.
    """

    content: str
    media: Media


def marked(arguments: Mapping[str, Any], choice: UploadChoice) -> tuple[str, tuple[RowFile, ...]]:
    """Arguments as JSON, with marks for the files that are stored beside them, and these files.

    Args:
        arguments: as users give them.
        choice: what the user wishes for uploads: with ``always``, small files are stored beside them, too.

    Raises:
        InvalidRequest: a value cannot be sent, or a file is too large for a journal.
    """
    files: dict[str, RowFile] = {}
    most = -1 if choice == "always" else LARGEST_INLINE

    def place(value: object) -> str:
        if not isinstance(value, Media) or value.url or value.data is None or len(value.data) <= most:
            return inline(value)
        if len(value.data) > _LARGEST:
            message = f"a file of {len(value.data) / 1e9:.1f} GB is too large for a journal"
            raise InvalidRequest(message, hint="upload it before, and give its URL")
        content = hashlib.sha256(f"{value.content_type}\n".encode() + value.data).hexdigest()
        files[content] = RowFile(content, value)
        return _SCHEME + content

    return encode(arguments, place), tuple(files.values())


def contents_in(arguments: str) -> tuple[str, ...]:
    """The files whose marks stand in arguments, each once."""
    return tuple(dict.fromkeys(_MARK.findall(arguments))) if _SCHEME in arguments else ()


def filled(message: str, place: Callable[[str], str | None]) -> str:
    """A message with what takes the place of its marks.

    Args:
        message: the arguments as JSON.
        place: gives it, for a file's content; None where there is no such file, and the text was no mark.
    """
    if _SCHEME not in message:
        return message
    return _MARK.sub(lambda found: _json(place(found[1]), found[0]), message)


def _json(value: str | None, text: str) -> str:
    return text if value is None else json.dumps(value)
