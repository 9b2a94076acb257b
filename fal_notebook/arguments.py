"""Floor 5: the arguments of a request: from the line and the cell of a magic, and as JSON.

What a user has at hand may stand among them: a file of an earlier answer goes as its URL or data URI, an earlier
answer as its text, a NumPy scalar as its number.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import InvalidRequest
from .media import Media
from .result import Result
from .template import fill, slots

_ASSIGNMENT = re.compile(r"([A-Za-z_][\w.-]*?)(:?=)(.*)", re.DOTALL)
_LOOKS_LIKE_JSON = re.compile(r'\{\s*(["}]|$)')
_PRIVATE = 0xF0000  # the supplementary private use area: no keyboard writes it


def encode(arguments: Mapping[str, Any]) -> str:
    """The arguments as the one text message that asks for a request.

    Raises:
        InvalidRequest: a value that JSON does not have.
    """
    try:
        return json.dumps(arguments, default=_jsonable, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidRequest(f"these arguments cannot be sent as JSON: {exc}") from None


def split_line(line: str) -> list[str]:
    """The words of a magic's line: split at spaces outside of quotes and of ``{{…}}``.

    Backslashes are letters like any other, so that paths and formulas stay as they are.

    Raises:
        InvalidRequest: a quotation mark without its partner.
    """
    kept = [line[slot.start : slot.end] for slot in slots(line) if slot.code]
    for number, text in enumerate(kept):
        line = line.replace(text, chr(_PRIVATE + number), 1)
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        words = list(lexer)
    except ValueError:
        raise InvalidRequest("a quotation mark in the line has no partner", hint='write key="it\'s"') from None
    table = {_PRIVATE + number: text for number, text in enumerate(kept)}
    return [word.translate(table) for word in words]


def from_line(words: Sequence[str], namespace: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments that ``key=value`` and ``key:=JSON`` give.

    Args:
        words: the words of the line that are neither endpoint nor option.
        namespace: for ``{{expression}}``; None leaves braces alone.

    Raises:
        InvalidRequest: a word that is no assignment, or a value that is no JSON.
    """
    arguments: dict[str, Any] = {}
    for word in words:
        match = _ASSIGNMENT.fullmatch(word)
        if match is None:
            raise InvalidRequest(f"{word!r} is no argument", hint="write key=text or key:=JSON; the prompt is the cell")
        name, kind, text = match.groups()
        value = _filled(text, namespace)
        arguments[name] = _json_value(name, value) if kind == ":=" and isinstance(value, str) else value
    return arguments


def from_cell(cell: str, field: str, namespace: Mapping[str, Any] | None, *, as_text: bool) -> dict[str, Any]:
    """The arguments that a cell gives: a JSON object is they, anything else is the value of ``field``.

    Args:
        cell: the cell below the magic's line.
        field: the name of the argument that takes the cell's text.
        namespace: for ``{{expression}}``; None leaves braces alone.
        as_text: take it as text, whatever it looks like.

    Raises:
        InvalidRequest: the cell begins as a JSON object does and is none.
    """
    text = cell.strip("\n")
    if not text.strip():
        return {}
    if not as_text and _LOOKS_LIKE_JSON.match(text.strip()):
        return {name: _filled(value, namespace) for name, value in _object(text).items()}
    return {field: _filled(text, namespace)}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidRequest(f"the cell is not JSON: {exc}", hint="--field prompt sends it as text") from None
    if not isinstance(value, dict):
        raise InvalidRequest("the cell is not a JSON object", hint="--field prompt sends it as text")
    return value


def _filled(value: Any, namespace: Mapping[str, Any] | None) -> Any:
    if namespace is None:
        return value
    if isinstance(value, str):
        return fill(value, namespace)
    if isinstance(value, list):
        return [_filled(each, namespace) for each in value]
    if isinstance(value, dict):
        return {name: _filled(each, namespace) for name, each in value.items()}
    return value


def _json_value(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest(f"{name}:={text} is not JSON", hint=f"{name}={text} sends text") from None


def _jsonable(value: Any) -> Any:
    if isinstance(value, Media):
        return value.url or value.data_uri()
    if isinstance(value, Result):
        return value.text
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        return item()
    raise TypeError(f"{type(value).__name__} has no JSON form")
