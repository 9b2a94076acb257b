"""Makes JSON of the arguments of a request, which may have values that users have at hand but JSON does not know.

This has two steps. `settled` reads every file and every value once, on the user's thread, so that what changes later
does not change the request. Then `encode`, or `payloads`, writes the message. A value that cannot be sent is named by
its path in the arguments, such as ``loras[0].scale``.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest
from ..media.at_hand import is_sound
from ..media.data_uris import FileAddress
from ..media.media import Media
from ..safety.plain_text import one_line
from .plain_values import plain, words_of_table
from .result import Result

_DEEPEST = 300  # levels of lists and objects: each takes two of Python's, which has a thousand
_LONGEST_PATH = 80  # characters
_LONGEST_FILE_NAME = 1_000
_NAMES_OF_FILES = ("_url", "_urls", "_path", "_file")
_NAMES_OF_TEXTS = ("prompt", "system_prompt", "text")


def together(arguments: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in a dict, or None, and those by name; a name that is in both has the latter.

    Raises:
        InvalidRequest: what stands in the place of the dict is none.
    """
    if arguments is not None and not isinstance(arguments, Mapping):
        kind = type(arguments).__name__
        raise InvalidRequest(f"the arguments are a dict, not {kind}", hint='or give them by name, as prompt="…"')
    return {**(arguments or {}), **more}


def settled(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with nothing in them but JSON's own values, and `Media` for files.

    Every list and object is a copy. Settled arguments can be settled again, which reads nothing anew.

    Raises:
        InvalidRequest: a value has no meaning as JSON, or is the name of a file where the file was meant.
    """
    try:
        return _Settling().members({name: _text(name, value) for name, value in arguments.items()}, 0)
    except _NotSendable as exc:
        where = one_line("".join(reversed(exc.steps)), _LONGEST_PATH).removeprefix(".") or "these arguments"
        message = exc.why if exc.is_whole else f"cannot be sent as JSON: {exc.why}"
        raise InvalidRequest(f"{where} {message}", hint=exc.hint.replace("{where}", where)) from None


def inline(media: object) -> str:
    """What stands for a file within the message: its URL, else its bytes as a data URI."""
    if not isinstance(media, Media):
        raise TypeError(f"{type(media).__name__} has no JSON form")
    return media.url or media.data_uri()


def encode(arguments: Mapping[str, Any], place: Callable[[object], str] = inline) -> str:
    """The arguments as a text message that makes a request.

    Args:
        arguments: what users give.
        place: says what stands for a file within the message; a data URI if nothing else is wished.

    Raises:
        InvalidRequest: as for `settled`.
    """
    return json.dumps(settled(arguments), default=place, allow_nan=False)


class _NotSendable(Exception):
    """A value cannot be sent; the steps to it are added from the inside."""

    def __init__(self, why: str, hint: str = "", *, is_whole: bool = False) -> None:
        super().__init__(why)
        self.why, self.hint, self.is_whole = why, hint, is_whole
        self.steps: list[str] = []


class _Settling:
    """One pass over arguments."""

    def __init__(self) -> None:
        self._within: set[int] = set()

    def members(self, values: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        """The members of an object."""
        copied: dict[Any, Any] = {}
        for name, value in values.items():
            if not isinstance(name, str | int | float | None):
                raise _NotSendable(f"a key is a {type(name).__name__}", "keys are text")
            try:
                copied[name] = self._value(value, depth)
                _check_file_names(name, value)
            except _NotSendable as exc:
                exc.steps.append(f".{name}")
                raise
        return copied

    def _items(self, values: Iterable[Any], depth: int) -> list[Any]:
        copied: list[Any] = []
        for number, value in enumerate(values):
            try:
                copied.append(self._value(value, depth))
            except _NotSendable as exc:
                exc.steps.append(f"[{number}]")
                raise
        return copied

    def _value(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, str | int | Media):
            return value.media if isinstance(value, FileAddress) else value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise _NotSendable(f"JSON has no {float(value)}", "give a number")
            return value
        if depth > _DEEPEST:
            raise _NotSendable("it is nested too deeply")
        if id(value) in self._within:
            raise _NotSendable("it holds itself")
        self._within.add(id(value))
        try:
            if isinstance(value, dict):
                return self.members(value, depth + 1)
            if isinstance(value, list | tuple) and not (isinstance(value, tuple) and is_sound(value)):
                return self._items(value, depth + 1)
            return self._value(_plain(value), depth + 1)
        finally:
            self._within.discard(id(value))


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except InvalidRequest as exc:
        raise _NotSendable(exc.message, exc.hint) from None
    except TypeError as exc:
        is_set = isinstance(value, set | frozenset)
        raise _NotSendable(str(exc), "list(…) makes a list of it" if is_set else "str(…) makes text of it") from None
    except Exception as exc:  # noqa: BLE001 - a package that is not known here may fail in any way
        raise _NotSendable(f"{type(exc).__name__}: {exc}", "str(…) makes text of it") from None


def _text(name: str, value: Any) -> Any:
    """The value, or the words of a table or an answer where the argument is a text."""
    if name not in _NAMES_OF_TEXTS:
        return value
    words = value.text if isinstance(value, Result) else words_of_table(value)
    return value if words is None else words


def _check_file_names(name: Any, value: Any) -> None:
    """Refuse the name of a file where a file is wanted."""
    if not isinstance(name, str) or not name.endswith(_NAMES_OF_FILES) or not isinstance(value, str | list | tuple):
        return
    for each in [value] if isinstance(value, str) else value:
        is_short = isinstance(each, str) and 0 < len(each) <= _LONGEST_FILE_NAME
        if is_short and "://" not in each and not each.startswith("data:") and _is_file(each):
            on_line = "{where}=@" + each + ", or " if isinstance(value, str) else ""
            raise _NotSendable(
                "is the name of a file, which would be sent as words",
                f"did you mean {on_line}Path({each!r}) in Python?",
                is_whole=True,
            )


def _is_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False
