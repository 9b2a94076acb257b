"""Reads the arguments of a request from the magic's line and cell.

On the line, ``key=text`` gives text, ``key=@path`` a file, and ``key:=JSON`` any other type. A cell is the prompt, or a
JSON object with all arguments. Where JSON stands, the same value may be written as Python writes it:
``{'a': True, 'b': None}``.
"""

import ast
import contextlib
import io
import json
import re
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import InvalidRequest
from ..media.at_hand import file_of_path
from ..safety.plain_text import one_line
from .line import as_typed
from .template import fill

if TYPE_CHECKING:
    from ..schema.endpoint_schema import EndpointSchema

_ASSIGNMENT = re.compile(r"([A-Za-z_][\w.-]*?)(:?=)(.*)", re.DOTALL)
_LOOKS_LIKE_JSON = re.compile(r'\{\s*(["}]|$)')
_LOOKS_LIKE_DICT = re.compile(r"\{\s*['\"]")
_LONGEST_PYTHON = 100_000  # characters: Python's parser takes a hundred times the memory of the text
_MAGIC_IN_CELL = re.compile(r"^%%falstream\b", re.MULTILINE)
_LONGEST_QUOTE = 200  # characters of a value in an error, which also has to say what is wrong with it


def is_assignment(word: str) -> bool:
    """Whether a word of the line is an argument."""
    return _ASSIGNMENT.fullmatch(word) is not None


def from_line(
    words: Sequence[str], namespace: Mapping[str, Any] | None, schema: "EndpointSchema | None" = None
) -> dict[str, Any]:
    """The arguments of the line, from ``key=value`` and ``key:=JSON``.

    Args:
        words: the words of the line that are neither endpoint nor option.
        namespace: the variables for ``{{expression}}``; None leaves braces alone.
        schema: what the endpoint takes, so that ``key=value`` gets the argument's kind; without it, it is text.

    Raises:
        InvalidRequest: a word is no assignment, a name stands twice, or a value after ``:=`` is not JSON.
    """
    arguments: dict[str, Any] = {}
    before = ""
    for word in words:
        match, shown = _ASSIGNMENT.fullmatch(word), one_line(as_typed(word), _LONGEST_QUOTE)
        if match is None:
            raise InvalidRequest(f"{shown} is no argument", hint=_how_to_write(before, word))
        name, kind, text = match.groups()
        if name in arguments:
            raise InvalidRequest(f"the line has {name} twice", hint="leave one of them out")
        before = f"{name}={text}" if kind == "=" else ""
        if kind == ":=":
            arguments[name] = _json_value(name, text, shown, namespace)
            continue
        value = _text_value(text, namespace)
        if schema is not None and isinstance(value, str) and not text.startswith("@"):
            from ..schema.line_values import value_of

            value = value_of(value, schema.argument(name))
        arguments[name] = value
    return arguments


def _text_value(text: str, namespace: Mapping[str, Any] | None) -> Any:
    """The value after ``=``: text, or the file that ``@`` names. ``@@`` is an at-sign."""
    if text.startswith("@@") or not text.startswith("@"):
        return _fill(text.removeprefix("@") if text.startswith("@@") else text, namespace)
    return file_of_path(Path(str(_fill(text[1:], namespace))))


def _how_to_write(before: str, word: str) -> str:
    """What to write in place of a word that is no argument; ``before`` is the argument before it."""
    name, _, text = before.partition("=")
    if text and '"' not in text + word:
        return f'quotes keep words together: {name}="{one_line(f"{text} {word}", _LONGEST_QUOTE)} …"'
    return "write key=text or key:=JSON; the prompt is the cell"


def from_cell(cell: str, field: str, namespace: Mapping[str, Any] | None, *, as_text: bool) -> dict[str, Any]:
    """The arguments of the cell. A JSON object has all of them; any other text is the value of ``field``.

    Args:
        cell: the cell below the magic's line.
        field: the name of the argument that takes the cell's text.
        namespace: the variables for ``{{expression}}``; None leaves braces alone.
        as_text: whether to take the cell as text even if it looks like a JSON object.

    Raises:
        InvalidRequest: the cell begins like a JSON object but is not one, or has a second magic in it.
    """
    text = cell.replace("\r\n", "\n").removeprefix("\ufeff").strip("\r\n")
    if not text.strip():
        return {}
    if as_text:
        return {field: _fill(text, namespace)}
    if _MAGIC_IN_CELL.search(text):
        raise InvalidRequest(
            "a second %%falstream in the cell: it needs a cell of its own", hint=f"--field {field} sends it as text"
        )
    values = _python_dict(text) if _LOOKS_LIKE_DICT.match(text.strip()) else None
    if values is None and _LOOKS_LIKE_JSON.match(text.strip()):
        values = _object(text)
    if values is None:
        return {field: _fill(text, namespace)}
    return {name: _fill(value, namespace) for name, value in values.items()}


def _python_dict(text: str) -> dict[str, Any] | None:
    """The dict that a text is in Python, if it is JSON but for the way it is written."""
    try:
        value = _read_python(text)
    except _NotJSON:
        return None
    return value if isinstance(value, dict) else None


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
        with contextlib.suppress(_NotJSON):
            return _read_python(text)
        raise _NotJSON(f"{exc.msg} at character {exc.pos + 1}") from None
    except RecursionError:
        raise _NotJSON("it is nested too deeply") from None
    except ValueError as exc:  # a number with thousands of digits
        raise _NotJSON(str(exc)) from None


def _read_python(text: str) -> Any:
    """The value of a Python literal that is JSON but for the way it is written; tuples are lists.

    Two strings beside each other are none: Python joins them, where a comma is more likely to be missing.
    """
    if len(text) > _LONGEST_PYTHON:
        raise _NotJSON("it is too long")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        tokens = list(tokenize.generate_tokens(io.StringIO(text.strip()).readline))
        if sum(token.type == tokenize.STRING for token in tokens) > len(strings):
            raise _NotJSON("a comma is missing")
        return json.loads(json.dumps(ast.literal_eval(tree), allow_nan=False))
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, tokenize.TokenError) as exc:
        raise _NotJSON(str(exc)) from None


def _no_constant(name: str) -> NoReturn:
    raise _NotJSON(f"{name} is no JSON value")
