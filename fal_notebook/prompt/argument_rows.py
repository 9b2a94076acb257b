"""Converts arguments into the rows of a form that users edit, and the rows back into arguments.

A row has a name, a kind and a text. The kinds are those of the magic's line: ``text`` means the string itself, and
``json`` means any JSON value; a row of the kind ``file`` shows the name and size of a file, which only Python has. The
page gets text, not values, because JavaScript cannot tell ``1`` from ``1.0``.

An HTML control does not keep every text: it changes line ends and drops some characters. So the page sends back only
the id of a row that nobody edited, and such a row still means the value that Python gave.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ..client.arguments import encode
from ..errors import InvalidRequest
from ..media.media import Media
from ..render.file_words import file_title, size_words

Row = dict[str, str]
_SURROGATE = re.compile("[\ud800-\udfff]")


class InvalidForm(InvalidRequest):
    """The rows cannot be read as arguments.

    Args:
        problems: what is wrong, by the index of the row.
    """

    def __init__(self, problems: Mapping[int, str]) -> None:
        super().__init__("the arguments need a correction: " + "; ".join(problems.values()))
        self.problems = dict(problems)


class Form:
    """Arguments, and the rows that show them.

    Args:
        arguments: what the rows show at first.

    Attributes:
        rows: each with ``id``, ``name``, ``kind`` and ``text``.

    Raises:
        InvalidRequest: a value cannot be written as JSON.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._unedited = {f"given {_without_surrogates(str(name))}": (name, value) for name, value in arguments.items()}
        self.rows = [_row(each, name, value) for each, (name, value) in self._unedited.items()]

    def take(self, rows: Sequence[Row]) -> None:
        """Take the rows from a page. A row that someone edited comes whole, every other one as its ``id`` alone."""
        known = {row["id"]: row for row in self.rows}
        edited = {row["id"] for row in rows if "text" in row}
        self._unedited = {each: item for each, item in self._unedited.items() if each not in edited}
        taken = [row if row["id"] in edited else known.get(row["id"]) for row in rows]
        self.rows = [row for row in taken if row is not None]

    def arguments(self) -> dict[str, Any]:
        """The arguments that the rows stand for. An edited row that is empty is left out.

        Raises:
            InvalidForm: a row is wrong.
        """
        arguments: dict[str, Any] = {}
        problems: dict[int, str] = {}
        for number, row in enumerate(self.rows):
            if row["id"] not in self._unedited and not row["name"].strip() and not row["text"].strip():
                continue
            try:
                name, value = self._unedited[row["id"]] if row["id"] in self._unedited else _read(row)
                arguments[_unused_name(name, arguments)] = value
            except ValueError as exc:
                problems[number] = str(exc)
        if problems:
            raise InvalidForm(problems)
        return arguments


def are_same(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether arguments are sent as the same JSON, in the same order. Files are the same if they are the same object.

    Raises:
        InvalidRequest: a value cannot be written as JSON.
    """
    return _text(some) == _text(others)


def _text(arguments: Mapping[str, Any]) -> str:
    """The arguments as JSON in which the bytes of files, which may be long, do not stand."""
    return encode({name: value if _file_words(value) is None else _ids(value) for name, value in arguments.items()})


def _ids(value: Any) -> list[str]:
    return [f"file {id(each)}" for each in (value if isinstance(value, list) else [value])]


def _row(identity: str, name: str, value: Any) -> Row:
    """A row that shows an argument. Text with a lone surrogate is shown as escaped JSON: no message can carry it."""
    if (file := _file_words(value)) is not None:
        return {"id": identity, "name": _without_surrogates(name), "kind": "file", "text": file}
    ((shown, plain),) = json.loads(encode({name: value})).items()
    row = {"id": identity, "name": _without_surrogates(shown)}
    if isinstance(plain, str) and not _SURROGATE.search(plain):
        return {**row, "kind": "text", "text": plain}
    text = json.dumps(plain, ensure_ascii=False)
    return {**row, "kind": "json", "text": json.dumps(plain) if _SURROGATE.search(text) else text}


def _file_words(value: Any) -> str | None:
    """What is shown of a file, or of a list of them; None for any other value."""
    files = value if isinstance(value, list) else [value]
    if not files or not all(isinstance(each, Media) and each.data is not None for each in files):
        return None
    return ", ".join(f"{file_title(each)} · {size_words(len(each.data or b''))}" for each in files)


def _without_surrogates(name: str) -> str:
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", name)


def _unused_name(name: str, arguments: Mapping[str, Any]) -> str:
    if name in arguments:
        raise ValueError(f"{name} is there twice")
    return name


def _read(row: Row) -> tuple[str, Any]:
    name, text = row["name"].strip(), row["text"]
    if not name:
        raise ValueError("an argument has no name")
    if row["kind"] == "file":
        raise ValueError(f"{name} is a file that is no longer here: choose it again")
    return name, text if row["kind"] == "text" else _json(name, text)


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        raise ValueError(f"{name} is not JSON: {exc.msg} at character {exc.pos + 1}") from None
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
