"""Sans-I/O: the arguments of a row, from templates over its columns, constants and functions of the row.

In a template, ``{text}`` is the row's column of that name, and ``{{text}}`` is text: it becomes ``{text}``. So
``{{{text}}}`` is the column in braces. Other braces are text, as in JSON or code, unless they hold a name that is no
column, which is a typing error. A template that is nothing but one column has the column's value as it is: a number
stays a number, and a picture a picture.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequest
from ..media.at_hand import has_no_words
from ..safety.plain_text import one_line

_PLACE = re.compile(r"\{\{\{([^{}]*)\}\}\}|\{\{([^{}]*)\}\}|\{([^{}]*)\}")
_LIKE_A_NAME = re.compile(r"[^\W\d]\w*")
_MOST_NAMES = 8  # columns that an error lists
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Constant:
    """A value that is the same in each row, also where it is a text with braces."""

    value: Any


def names_in(given: Mapping[str, Any]) -> set[str]:
    """The names in braces in the templates among some arguments."""
    texts = [value for value in given.values() if isinstance(value, str)]
    return {name for text in texts for place in _PLACE.finditer(text) for name in (place[1], place[3]) if name}


class RowTemplates:
    """Makes the arguments of rows.

    Args:
        given: for each argument a template, a constant, or a function of the row.

    Attributes:
        constants: the arguments that are the same in each row.
        texts: the other ones by name: the text of a template, or None for a function.
    """

    def __init__(self, given: Mapping[str, Any], columns: Iterable[str]) -> None:
        known = frozenset(columns)
        self.constants: dict[str, Any] = {}
        self.texts: dict[str, str | None] = {}
        self._makers: dict[str, Callable[[Row], Any]] = {}
        for name, value in given.items():
            self._take(name, value, known)
        if not self.texts:
            _refuse_doubled(given, known)

    def _take(self, name: str, value: Any, columns: frozenset[str]) -> None:
        if isinstance(value, Constant):
            self.constants[name] = value.value
            return
        if callable(value) and not isinstance(value, type):
            self.texts[name], self._makers[name] = None, _safely(name, value)
            return
        parts = _parts(name, value, columns) if isinstance(value, str) else []
        if any(is_column for is_column, _ in parts):
            self.texts[name], self._makers[name] = value, _maker(parts)
        else:
            self.constants[name] = "".join(text for _, text in parts) if isinstance(value, str) else value

    def arguments(self, row: Row) -> dict[str, Any]:
        """The arguments of a row, without the constants.

        Raises:
            InvalidRequest: a function failed, or the row has no such column.
        """
        return {name: make(row) for name, make in self._makers.items()}


def _parts(name: str, text: str, columns: frozenset[str]) -> list[tuple[bool, str]]:
    """A template's parts: whether each is a column, and its name or text."""
    parts: list[tuple[bool, str]] = []
    end = 0
    for place in _PLACE.finditer(text):
        in_braces, as_text, column = place.groups()
        before = text[end : place.start()]
        if column is not None and column not in columns and _LIKE_A_NAME.fullmatch(column):
            raise InvalidRequest(
                f"{name} uses {{{one_line(column, 60)}}}, which is no column: there are {_listed(columns)}",
                hint=f"give {name} as a function of the row, to have it as text",
            )
        if column in columns:
            parts += [(False, before), (True, column)]
        elif in_braces in columns:
            parts += [(False, f"{before}{{"), (True, in_braces), (False, "}")]
        elif as_text in columns:
            parts.append((False, f"{before}{{{as_text}}}"))
        else:
            parts.append((False, before + place[0]))
        end = place.end()
    return [part for part in [*parts, (False, text[end:])] if part[1] or part[0]]


def _refuse_doubled(given: Mapping[str, Any], columns: frozenset[str]) -> None:
    """Refuse columns in two braces, as the magic has them, where no argument has any in one: all rows would be equal.

    Raises:
        InvalidRequest: there is one.
    """
    for name, value in given.items():
        for place in _PLACE.finditer(value if isinstance(value, str) else ""):
            if place[2] in columns:
                column = one_line(place[2], 60)
                raise InvalidRequest(
                    f"{name} has {{{{{column}}}}}, which is text in braces, and is the same in each row",
                    hint=f"{{{column}}} is the column; give {name} as a function of the row, to have the braces",
                )


def _maker(parts: list[tuple[bool, str]]) -> Callable[[Row], Any]:
    if len(parts) == 1:
        (only,) = parts
        return lambda row: _column(row, only[1])
    return lambda row: "".join(_as_text(_column(row, each), each) if is_column else each for is_column, each in parts)


def _column(row: Row, name: str) -> Any:
    if name not in row:
        raise InvalidRequest(f"a row has no {one_line(name, 60)}: it has {_listed(row)}")
    return row[name]


def _as_text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes) or has_no_words(value):
        raise InvalidRequest(
            f"{{{one_line(name, 60)}}} is a {type(value).__name__}, which a text cannot hold",
            hint=f'give it as an argument of its own, such as image_url="{{{one_line(name, 60)}}}"',
        )
    return "" if value is None else str(value)


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
    return ", ".join(one_line(each, 40) for each in shown[:_MOST_NAMES]) + more if shown else "none"


def _safely(name: str, function: Callable[[Row], Any]) -> Callable[[Row], Any]:
    def make(row: Row) -> Any:
        try:
            return function(row)
        except InvalidRequest:
            raise
        except Exception as exc:  # the user's code may fail in any way
            raise InvalidRequest(f"the function for {name} failed: {type(exc).__name__}: {exc}") from exc

    return make
