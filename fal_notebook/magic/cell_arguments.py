"""Reads the arguments of a request from the magic's line and cell.

On the line, ``key=text`` gives text and ``key:=JSON`` any other type. A cell is the prompt, or a JSON object with all
arguments.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ..errors import InvalidRequest
from ..safety.plain_text import one_line
from .line import as_typed
from .template import fill

_ASSIGNMENT = re.compile(r"([A-Za-z_][\w.-]*?)(:?=)(.*)", re.DOTALL)
_LOOKS_LIKE_JSON = re.compile(r'\{\s*(["}]|$)')
_BYTE_ORDER_MARK = "\ufeff"  # stands before text that was copied from some files
_LONGEST_QUOTE = 200  # characters of a value in an error, which also has to say what is wrong with it


def from_line(words: Sequence[str], namespace: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments of the line, from ``key=value`` and ``key:=JSON``.

    Args:
        words: the words of the line that are neither endpoint nor option.
        namespace: the variables for ``{{expression}}``; None leaves braces alone.

    Raises:
        InvalidRequest: a word is no assignment, a name stands twice, or a value after ``:=`` is not JSON.
    """
    arguments: dict[str, Any] = {}
    for word in words:
        match, shown = _ASSIGNMENT.fullmatch(word), one_line(as_typed(word), _LONGEST_QUOTE)
        if match is None:
            raise InvalidRequest(f"{shown} is no argument", hint="write key=text or key:=JSON; the prompt is the cell")
        name, kind, text = match.groups()
        if name in arguments:
            raise InvalidRequest(f"the line has {name} twice", hint="leave one of them out")
        arguments[name] = _json_value(name, text, shown, namespace) if kind == ":=" else _fill(text, namespace)
    return arguments


def from_cell(cell: str, field: str, namespace: Mapping[str, Any] | None, *, as_text: bool) -> dict[str, Any]:
    """The arguments of the cell. A JSON object has all of them; any other text is the value of ``field``.

    Args:
        cell: the cell below the magic's line.
        field: the name of the argument that takes the cell's text.
        namespace: the variables for ``{{expression}}``; None leaves braces alone.
        as_text: whether to take the cell as text even if it looks like a JSON object.

    Raises:
        InvalidRequest: the cell begins like a JSON object but is not one.
    """
    text = cell.removeprefix(_BYTE_ORDER_MARK).strip("\r\n")
    if not text.strip():
        return {}
    if not as_text and _LOOKS_LIKE_JSON.match(text.strip()):
        return {name: _fill(value, namespace) for name, value in _object(text).items()}
    return {field: _fill(text, namespace)}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidRequest(f"the cell is not JSON: {exc}", hint="--field prompt sends it as text") from None
    if not isinstance(value, dict):
        raise InvalidRequest("the cell is not a JSON object", hint="--field prompt sends it as text")
    return value


def _fill(value: Any, namespace: Mapping[str, Any] | None) -> Any:
    if namespace is None:
        return value
    if isinstance(value, str):
        return fill(value, namespace)
    if isinstance(value, list):
        return [_fill(each, namespace) for each in value]
    if isinstance(value, dict):
        return {name: _fill(each, namespace) for name, each in value.items()}
    return value


def _json_value(name: str, text: str, shown: str, namespace: Mapping[str, Any] | None) -> Any:
    """The value after ``:=``. An ``{{expression}}`` may stand within a JSON string, as in a cell, or for a value."""
    try:
        return _fill(_read_json(text), namespace)
    except _NotJSON:
        value = _fill(text, namespace)
    if not isinstance(value, str):
        return value
    try:
        return _read_json(value)
    except _NotJSON as exc:
        where = "" if value == text else f" of {one_line(repr(value), _LONGEST_QUOTE)}"
        raise InvalidRequest(f"{shown} is not JSON: {exc}{where}", hint=f'{name}="…" sends text') from None


class _NotJSON(Exception):
    """A text is not JSON; the message says what is wrong and where."""


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        raise _NotJSON(f"{exc.msg} at character {exc.pos + 1}") from None
    except RecursionError:
        raise _NotJSON("it is nested too deeply") from None
    except ValueError as exc:  # a number with thousands of digits
        raise _NotJSON(str(exc)) from None


def _no_constant(name: str) -> NoReturn:
    raise _NotJSON(f"{name} is no JSON value")
