"""Encodes the arguments of a request as JSON, including values that users have at hand but JSON does not know.

An error names the argument that it is about, as a user would write it: ``messages[0].content``.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest
from .plain_values import encodable, plain

_MOST_LOOKED_AT = 100_000  # values among which the one that an error is about is looked for
_LONGEST_PATH = 1_000
_NAMES_OF_FILES = ("_url", "_urls", "_path", "_file")


def encode(arguments: Mapping[str, Any]) -> str:
    """The arguments as the text message that makes a request.

    Raises:
        InvalidRequest: a value cannot be written as JSON; the error names the argument.
    """
    refused: list[Any] = []

    def as_json(value: Any) -> Any:
        refused.append(value)
        found = plain(value)
        refused.pop()
        return found

    _check_paths(arguments)
    try:
        return json.dumps(encodable(dict(arguments)), default=as_json, allow_nan=False)
    except InvalidRequest as exc:
        raise InvalidRequest(f"{_place(arguments, refused)}{exc.message}", hint=exc.hint) from None
    except (TypeError, ValueError, RecursionError) as exc:
        place = _place(arguments, refused) or _place_where(arguments, _is_not_finite)
        raise InvalidRequest(f"{place or 'these arguments '}cannot be sent as JSON: {exc}") from None


def _check_paths(arguments: Mapping[str, Any]) -> None:
    """Refuse words in the place of a file, if they are the path of one: the endpoint would get the words."""
    for name, value in arguments.items():
        is_path = isinstance(value, str) and name.endswith(_NAMES_OF_FILES) and 0 < len(value) <= _LONGEST_PATH
        if is_path and "://" not in value and not value.startswith("data:") and _is_file(value):
            raise InvalidRequest(
                f"{name} is the name of a file, which would be sent as words",
                hint=f"did you mean {name}=@{value}, or Path({value!r}) in Python?",
            )


def _is_file(value: str) -> bool:
    try:
        return Path(value).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def _is_not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _place(arguments: Mapping[str, Any], refused: list[Any]) -> str:
    return _place_where(arguments, lambda value: value is refused[0]) if refused else ""


def _place_where(arguments: Mapping[str, Any], is_meant: Callable[[Any], bool]) -> str:
    """The first value of which something is true, as the beginning of an error; nothing if there is none."""
    place = next((place for place, value in _walk(arguments) if is_meant(value)), "")
    return f"{place}: " if place else ""


def _walk(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """All values with their places, as far as that takes no long time. A value that holds itself does not end it."""
    waiting: list[tuple[str, Any]] = [(str(name), value) for name, value in reversed(list(arguments.items()))]
    for _ in range(_MOST_LOOKED_AT):
        if not waiting:
            return
        place, value = waiting.pop()
        yield place, value
        if isinstance(value, dict):
            waiting += [(f"{place}.{name}", each) for name, each in reversed(list(value.items()))]
        elif isinstance(value, list | tuple):
            waiting += [(f"{place}[{number}]", value[number]) for number in range(min(len(value), 1_000) - 1, -1, -1)]
