"""Arguments as the rows of a form that people edit, and back.

A row is a name, a kind and a text. As in the line of the magic, ``text`` is a string as it stands and ``json`` any
JSON value, so that ``1``, ``1.0``, ``"1"`` and ``true`` stay what they are: JavaScript would not keep them apart.

No page keeps every text: its controls change line ends and drop letters. So a row that nobody edited comes back as
its id alone, and goes on to mean the value that Python gave.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ..client.arguments import encode
from ..errors import InvalidRequest

Row = dict[str, str]
_SURROGATE = re.compile("[\ud800-\udfff]")


class InvalidForm(InvalidRequest):
    """Rows that are no arguments.

    Args:
        problems: what is wrong, by the number of the row.
    """

    def __init__(self, problems: Mapping[int, str]) -> None:
        super().__init__("the arguments need a correction: " + "; ".join(problems.values()))
        self.problems = dict(problems)


class Form:
    """Arguments, and the rows that show them.

    Args:
        arguments: what the rows begin with.

    Attributes:
        rows: each with ``id``, ``name``, ``kind`` and ``text``.

    Raises:
        InvalidRequest: a value that JSON does not have.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._given = {f"given {_carried(str(name))}": (name, value) for name, value in arguments.items()}
        self.rows = [_row(each, name, value) for each, (name, value) in self._given.items()]

    def take(self, rows: Sequence[Row]) -> None:
        """Take the rows as a page has them: whole where someone edited them, else the ``id`` alone."""
        known = {row["id"]: row for row in self.rows}
        edited = {row["id"] for row in rows if "text" in row}
        self._given = {each: item for each, item in self._given.items() if each not in edited}
        taken = [row if row["id"] in edited else known.get(row["id"]) for row in rows]
        self.rows = [row for row in taken if row is not None]

    def arguments(self) -> dict[str, Any]:
        """The arguments that the rows mean. A row that someone left wholly empty means none.

        Raises:
            InvalidForm: a row that cannot be meant.
        """
        arguments: dict[str, Any] = {}
        problems: dict[int, str] = {}
        for number, row in enumerate(self.rows):
            if row["id"] not in self._given and not row["name"].strip() and not row["text"].strip():
                continue
            try:
                name, value = self._given[row["id"]] if row["id"] in self._given else _edited(row)
                arguments[_new_name(name, arguments)] = value
            except ValueError as exc:
                problems[number] = str(exc)
        if problems:
            raise InvalidForm(problems)
        return arguments


def _row(identity: str, name: str, value: Any) -> Row:
    """A row that shows an argument; text that no message to the page can carry is shown as JSON writes it."""
    ((shown, plain),) = json.loads(encode({name: value})).items()
    row = {"id": identity, "name": _carried(shown)}
    if isinstance(plain, str) and not _SURROGATE.search(plain):
        return {**row, "kind": "text", "text": plain}
    text = json.dumps(plain, ensure_ascii=False)
    return {**row, "kind": "json", "text": json.dumps(plain) if _SURROGATE.search(text) else text}


def _carried(name: str) -> str:
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", name)


def _new_name(name: str, arguments: Mapping[str, Any]) -> str:
    if name in arguments:
        raise ValueError(f"{name} is there twice")
    return name


def _edited(row: Row) -> tuple[str, Any]:
    name, text = row["name"].strip(), row["text"]
    if not name:
        raise ValueError("an argument has no name")
    return name, text if row["kind"] == "text" else _json(name, text)


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        raise ValueError(f"{name} is not JSON: {exc.msg} at character {exc.pos + 1}") from None
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
