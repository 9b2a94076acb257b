"""Encodes the arguments of a request as JSON, including values that users have at hand but JSON does not know.

A value that cannot be sent is named by its path in the arguments, such as ``loras[0].scale``.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest
from ..media.at_hand import is_sound
from ..safety.plain_text import one_line
from .plain_values import encodable, plain

_DEEPEST = 200  # levels in which the value that cannot be sent is looked for
_LONGEST_PATH = 80  # characters
_LONGEST_FILE_NAME = 1_000
_NAMES_OF_FILES = ("_url", "_urls", "_path", "_file")


def encode(arguments: Mapping[str, Any]) -> str:
    """The arguments as the text message that makes a request.

    Raises:
        InvalidRequest: a value cannot be written as JSON, or is the name of a file where the file was meant.
    """
    _check_file_names(arguments)
    try:
        return json.dumps(encodable(dict(arguments)), default=plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        path, why, hint = next(_problems(dict(arguments), "", ()), ("", str(exc), ""))
    where = one_line(path, _LONGEST_PATH).removeprefix(".") or "these arguments"
    raise InvalidRequest(f"{where} cannot be sent as JSON: {why}", hint=hint)


def _check_file_names(arguments: Mapping[str, Any]) -> None:
    for name, value in arguments.items():
        is_short = isinstance(value, str) and 0 < len(value) <= _LONGEST_FILE_NAME
        if is_short and name.endswith(_NAMES_OF_FILES) and "://" not in value and _is_file(value):
            raise InvalidRequest(
                f"{name} is the name of a file, which would be sent as words",
                hint=f"did you mean {name}=@{value}, or Path({value!r}) in Python?",
            )


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


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
    elif isinstance(value, list | tuple) and not is_sound(value):
        for number, each in enumerate(value):
            yield from _problems(each, f"{path}[{number}]", (*within, id(value)))
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield path, f"JSON has no {float(value)}", "give a number"
    elif not isinstance(value, str | int | None):
        yield from _problems_of_object(value, path, within)


def _problems_of_object(value: Any, path: str, within: tuple[int, ...]) -> Iterator[tuple[str, str, str]]:
    try:
        sent = plain(value)
    except InvalidRequest as exc:
        yield path, exc.message, exc.hint
    except TypeError as exc:
        is_set = isinstance(value, set | frozenset)
        yield path, str(exc), "list(…) makes a list of it" if is_set else "str(…) makes text of it"
    else:
        yield from _problems(sent, path, (*within, id(value)))
