"""Floor 6: arguments as the rows of a form that people edit, and back.

A row is a name, a kind and a text. As in the line of the magic, ``text`` is a string as it stands and ``json`` any
JSON value, so that ``1``, ``1.0``, ``"1"`` and ``true`` stay what they are: JavaScript would not keep them apart.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from .arguments import encode
from .errors import InvalidRequest

Row = dict[str, str]


class InvalidForm(InvalidRequest):
    """Rows that are no arguments.

    Args:
        problems: what is wrong, by the number of the row.
    """

    def __init__(self, problems: Mapping[int, str]) -> None:
        super().__init__("the arguments need a correction: " + "; ".join(problems.values()))
        self.problems = dict(problems)


def rows_of(arguments: Mapping[str, Any]) -> list[Row]:
    """The rows that show these arguments.

    Raises:
        InvalidRequest: a value that JSON does not have.
    """
    return [_row(name, value) for name, value in json.loads(encode(arguments)).items()]


def arguments_of(rows: Sequence[Row]) -> dict[str, Any]:
    """The arguments that the rows mean. A row that is wholly empty means none.

    Raises:
        InvalidForm: a row that cannot be meant.
    """
    arguments: dict[str, Any] = {}
    problems: dict[int, str] = {}
    for number, row in enumerate(rows):
        name, text = row["name"].strip(), row["text"]
        if not name and not text.strip():
            continue
        try:
            arguments[_new_name(name, arguments)] = _value(name, row["kind"], text)
        except ValueError as exc:
            problems[number] = str(exc)
    if problems:
        raise InvalidForm(problems)
    return arguments


def _row(name: str, value: Any) -> Row:
    if isinstance(value, str):
        return {"name": name, "kind": "text", "text": value}
    return {"name": name, "kind": "json", "text": json.dumps(value, ensure_ascii=False)}


def _new_name(name: str, arguments: Mapping[str, Any]) -> str:
    if not name:
        raise ValueError("an argument has no name")
    if name in arguments:
        raise ValueError(f"{name} is there twice")
    return name


def _value(name: str, kind: str, text: str) -> Any:
    if kind == "text":
        return text
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        raise ValueError(f"{name} is not JSON: {exc.msg} at character {exc.pos + 1}") from None
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
