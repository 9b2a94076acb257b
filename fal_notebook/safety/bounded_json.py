"""Sans-I/O: JSON of others, decoded where it costs no more than its length lets expect.

Decoding is one call that no interrupt gets into, and a few bytes of JSON can become a hundred in memory. So what is in
a text is counted before, which takes next to no time. What is too much stays the text that it is, and what is long is
decoded in pieces, between which interrupts are heard.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

MOST_VALUES = 1_000_000
"""The most values that are decoded at once; a list or an object counts twice where others stand before it."""
DEEPEST = 200
"""The most lists and objects that are decoded one within another."""
_ALWAYS = 64_000_000  # bytes of memory that a value may take, however short its text is
_TIMES = 8  # as long as its text is what a larger one may take
_LIST, _OBJECT, _OTHER = 64, 240, 40  # bytes
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LONG = 100_000  # characters of a text that is decoded in pieces
_PIECE = 32_000  # characters that are decoded at once; twice as many where it is one value
_SMALLEST = 64
_WORDS = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NESTED = r"(?!)"
for _ in range(3):
    _NESTED = rf'[\[{{](?:[^\]\[{{}}"]++|{_WORDS}|{_NESTED})*+[\]}}]'
# Members of a list or an object, up to the last comma, of which none holds lists and objects in more than three levels.
_MEMBERS = re.compile(rf'(?:(?:[^\]\[{{}}",]++|{_WORDS}|{_NESTED})++,)++', re.DOTALL)
_WHOLE = re.compile(rf'(?:[^"]++|{_WORDS})*+', re.DOTALL)  # up to a string that does not end
_WITHIN = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
# Of a string, so much as means the same by itself: two escapes can be one character.
_HIGH = r"\\u[dD][89abAB]"
_PART = re.compile(
    rf'(?:[^"\\]++|(?:(?!{_HIGH})\\u[^"\\]{{4}})++|\\[^u]|(?:{_HIGH}[^"\\]{{2}})++(?:\\u[^"\\]{{4}}|(?=[^\\]|\\[^u])))++'
)
_SPACE = re.compile(r"[ \t\n\r]*+")
_decode = json.JSONDecoder().raw_decode


class TooMuchJSON(ValueError):
    """A JSON value that is not decoded: the message says why, behind "its JSON"."""


def decode_json(text: str | bytes) -> Any:
    """A JSON value.

    Raises:
        TooMuchJSON: it has too many values, is nested too deeply or would take too much memory.
        ValueError: it is no JSON.
    """
    opened = check_json(text)
    try:
        value = json.loads(text) if len(text) < _LONG else _Pieces(text).decode()
    except RecursionError:
        raise TooMuchJSON(f"is nested deeper than {DEEPEST}") from None
    if opened > DEEPEST and _is_deep(value):
        raise TooMuchJSON(f"is nested deeper than {DEEPEST}")
    return value


def check_json(text: str | bytes) -> int:
    """How many lists and objects a text has at the most.

    Raises:
        TooMuchJSON: it has too many values or would take too much memory.
    """
    lists, objects, commas = _counts(text)
    if _is_too_much(len(text), lists, objects, commas):  # by what stands in strings, perhaps
        words = text if isinstance(text, str) else text.decode("utf-8", "replace")
        lists, objects, commas = map(sum, zip(*map(_counts, _without_strings(words)), strict=True))
        if lists + objects + commas > MOST_VALUES:
            raise TooMuchJSON(f"has more than {MOST_VALUES:,} values")
        if _is_too_much(len(text), lists, objects, commas):
            raise TooMuchJSON(f"would take more than {_TIMES} times its size in memory")
    return lists + objects


def _counts(text: str | bytes) -> tuple[int, int, int]:
    if isinstance(text, str):
        return text.count("["), text.count("{"), text.count(",")
    return text.count(b"["), text.count(b"{"), text.count(b",")


def _without_strings(text: str) -> Iterator[str]:
    """What stands outside of strings, piece by piece."""
    at = 0
    while at < len(text):
        whole = _WHOLE.match(text, at, at + _PIECE)
        end = whole.end() if whole else at
        yield _STRING.sub('""', text[at:end])
        at = end if end > at else _end_of_string(text, at)


def _end_of_string(text: str, at: int) -> int:
    at += 1
    while (part := _WITHIN.match(text, at, at + _PIECE)) and part[0]:
        at = part.end()
    return at + 1


def _is_too_much(length: int, lists: int, objects: int, commas: int) -> bool:
    memory = lists * _LIST + objects * _OBJECT + commas * _OTHER
    return lists + objects + commas > MOST_VALUES or memory > max(_ALWAYS, _TIMES * length)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


class _Pieces:
    """A long JSON text, decoded with no more than a piece of it at once.

    A value is decoded at once where it ends within so many characters. Else its members are: a run of simple ones at
    once, and each other in the same way. A try that has failed halves the size of the next, and what is decoded then
    lets it grow by its length, so that the cost is linear however the lists are nested.
    """

    def __init__(self, text: str | bytes) -> None:
        self._text = text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass")
        self._size = _PIECE
        self._window = ""  # what is tried next, copied, so that a try ends with it
        self._start = 0

    def decode(self) -> Any:
        value, end = self._value(self._behind_space(0), 1)
        end = self._behind_space(end)
        if end != len(self._text):
            raise self._error("Extra data", end)
        return value

    def _value(self, at: int, depth: int) -> tuple[Any, int]:
        """The value that begins at a place, and where it ends."""
        found = self._at_once(at)
        if found:
            return found
        opening = self._text[at : at + 1]
        if opening in ("[", "{") and depth > DEEPEST:
            raise TooMuchJSON(f"is nested deeper than {DEEPEST}")
        if opening == "[":
            return self._list(at + 1, depth)
        if opening == "{":
            return self._object(at + 1, depth)
        return self._string(at) if opening == '"' else _decode(self._text, at)

    def _at_once(self, at: int) -> tuple[Any, int] | None:
        """The same, if it ends soon."""
        if not 0 <= 2 * (at - self._start) < len(self._window):
            self._window, self._start = self._text[at : at + 2 * self._size], at
        try:
            value, end = _decode(self._window, at - self._start)
        except ValueError:
            end = len(self._window)
        if end == len(self._window):  # it was cut off, perhaps
            self._size, self._window = max(self._size // 2, _SMALLEST), ""
            return None
        self._size = min(self._size + self._start + end - at, _PIECE)
        return value, self._start + end

    def _string(self, at: int) -> tuple[Any, int]:
        parts: list[str] = []
        start, at = at, at + 1
        while part := _PART.match(self._text, at, at + _PIECE):
            parts.append(self._piece(f'"{part[0]}"', at))
            at = part.end()
        if self._text.startswith('"', at):
            return "".join(parts), at + 1
        return _decode(self._text, start)  # it is broken

    def _list(self, at: int, depth: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        while True:
            some, at = self._run(at, "[", "]")
            values += some
            at = self._behind_space(at)
            if not values and self._text.startswith("]", at):
                return values, at + 1
            value, at = self._value(at, depth + 1)
            values.append(value)
            is_last, at = self._behind_member(at, "]")
            if is_last:
                return values, at

    def _object(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        while True:
            some, at = self._run(at, "{", "}")
            values.update(some)
            at = self._behind_space(at)
            if not values and self._text.startswith("}", at):
                return values, at + 1
            if not self._text.startswith('"', at):
                raise self._error("Expecting property name enclosed in double quotes", at)
            name, at = _decode(self._text, at)
            at = self._behind_space(at)
            if not self._text.startswith(":", at):
                raise self._error("Expecting ':' delimiter", at)
            values[name], at = self._value(self._behind_space(at + 1), depth + 1)
            is_last, at = self._behind_member(at, "}")
            if is_last:
                return values, at

    def _run(self, at: int, opening: str, closing: str) -> tuple[Any, int]:
        """The simple members that stand next, as a list or an object, and the place behind the comma that follows."""
        run = _MEMBERS.match(self._text, at, at + _PIECE)
        if not run or run[0][:-1].isspace():
            return json.loads(opening + closing), at
        return self._piece(f"{opening}{run[0][:-1]}{closing}", at), run.end()

    def _piece(self, text: str, at: int) -> Any:
        """The value of a piece, which begins one character before what it has of the whole text."""
        try:
            return json.loads(text)
        except json.JSONDecodeError as exc:
            raise self._error(exc.msg, at + exc.pos - 1) from None

    def _behind_member(self, at: int, closing: str) -> tuple[bool, int]:
        """Whether a member was the last, and what is behind it and the comma."""
        at = self._behind_space(at)
        following = self._text[at : at + 1]
        if following not in (",", closing):
            raise self._error("Expecting ',' delimiter", at)
        return following == closing, at + 1

    def _behind_space(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space else at

    def _error(self, message: str, at: int) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, at)
