"""Encodes the arguments of a request as JSON, including values that users have at hand but JSON does not know.

A file of an earlier answer becomes its URL or data URI, an earlier result its text, a NumPy scalar its number. A value
that cannot be sent is named by its path in the arguments, such as ``loras[0].scale``.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from ..errors import InvalidRequest
from ..media.media import Media
from ..safety.plain_text import one_line
from .result import Result

_DEEPEST = 200  # levels in which the value that cannot be sent is looked for
_LONGEST_PATH = 80  # characters


def encode(arguments: Mapping[str, Any]) -> str:
    """The arguments as the text message that makes a request.

    Raises:
        InvalidRequest: a value cannot be written as JSON.
    """
    try:
        return json.dumps(arguments, default=_jsonable, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        path, why, hint = next(_problems(arguments, "", ()), ("", str(exc), ""))
    where = one_line(path, _LONGEST_PATH).removeprefix(".") or "these arguments"
    raise InvalidRequest(f"{where} cannot be sent as JSON: {why}", hint=hint)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Media):
        return value.url or value.data_uri()
    if isinstance(value, Result):
        return value.text
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        return item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _problems(value: Any, path: str, within: tuple[int, ...]) -> Iterator[tuple[str, str, str]]:
    """The values that cannot be sent: their paths, why they cannot, and what to do."""
    if id(value) in within:
        yield path, "it holds itself", ""
    elif len(within) > _DEEPEST:
        yield path, "it is nested too deeply", ""
    elif isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str | int | float | None):
                yield path, f"a key is a {type(key).__name__}", "keys are text"
            yield from _problems(each, f"{path}.{key}", (*within, id(value)))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _problems(each, f"{path}[{number}]", (*within, id(value)))
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield path, f"JSON has no {float(value)}", "give a number"
    elif not isinstance(value, str | int | None):
        try:
            sent = _jsonable(value)
        except TypeError as exc:
            yield path, str(exc), _way_out(value)
        else:
            yield from _problems(sent, path, (*within, id(value)))


def _way_out(value: Any) -> str:
    """How a value of this type can be given."""
    if isinstance(value, bytes | bytearray | memoryview | PurePath) or hasattr(value, "getexif"):
        return "give a file as its URL: fal_client.upload_file makes one"
    if hasattr(value, "tolist"):
        return ".tolist() makes a list of it"
    if isinstance(value, set | frozenset):
        return "list(…) makes a list of it"
    return "str(…) makes text of it"
