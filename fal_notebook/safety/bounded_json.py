"""Sans-I/O: JSON from a server, decoded with a bound to its memory and to the time without an interrupt.

``json.loads`` is one call that no interrupt stops, and a few bytes of JSON can take a hundred in memory. So brackets
and commas are counted first, which takes next to no time, and a text with too many of them is refused. A long text is
decoded in pieces, and an interrupt can come between two of them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

MOST_VALUES = 1_000_000
"""The most values of a text. Brackets and commas are counted, so that a list behind a comma counts twice."""
DEEPEST = 200
"""The most levels of lists and objects within one another."""
_ALLOWED_MEMORY = 64_000_000  # bytes that a decoded value may take, however short its text is
_MEMORY_PER_BYTE = 8  # bytes that the value of a longer text may take for each byte of the text
_LIST_BYTES, _OBJECT_BYTES, _OTHER_BYTES = 64, 240, 40  # memory of one value of each kind
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LONG_TEXT = 100_000  # characters from which a text is decoded in pieces
_PIECE_LENGTH = 32_000  # characters that are decoded at once; twice as many for a single value
_SHORTEST_PIECE = 64
_STRING_PATTERN = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_NESTED_PATTERN = r"(?!)"
for _ in range(3):
    _NESTED_PATTERN = rf'[\[{{](?:[^\]\[{{}}"]++|{_STRING_PATTERN}|{_NESTED_PATTERN})*+[\]}}]'
# Members of a list or an object, up to a comma, each with at most three levels of lists and objects in it.
_MEMBERS = re.compile(rf'(?:(?:[^\]\[{{}}",]++|{_STRING_PATTERN}|{_NESTED_PATTERN})++,)++', re.DOTALL)
_CLOSED_STRINGS = re.compile(rf'(?:[^"]++|{_STRING_PATTERN})*+', re.DOTALL)  # before one that is not closed
_STRING_CONTENT = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
# A part of a string that can be decoded by itself: it does not end between two escapes that are one character.
_HIGH_SURROGATE = r"\\u[dD][89abAB]"
_STRING_PART = re.compile(
    rf'(?:[^"\\]++|(?:(?!{_HIGH_SURROGATE})\\u[^"\\]{{4}})++|\\[^u]'
    rf'|(?:{_HIGH_SURROGATE}[^"\\]{{2}})++(?:\\u[^"\\]{{4}}|(?=[^\\]|\\[^u])))++'
)
_SPACE = re.compile(r"[ \t\n\r]*+")
_decode = json.JSONDecoder().raw_decode


class TooMuchJSON(ValueError):
    """JSON that is too large or too deep to be decoded. The message goes on from "its JSON", and says why."""


def decode_json(text: str | bytes) -> Any:
    """A JSON value.

    Raises:
        TooMuchJSON: it has too many values, is nested too deeply or would take too much memory.
        ValueError: it is no JSON.
    """
    opened = check_json(text)
    try:
        value = json.loads(text) if len(text) < _LONG_TEXT else _PieceDecoder(text).decode()
    except RecursionError:
        raise TooMuchJSON(f"is nested deeper than {DEEPEST}") from None
    if opened > DEEPEST and _is_deep(value):
        raise TooMuchJSON(f"is nested deeper than {DEEPEST}")
    return value


def check_json(text: str | bytes) -> int:
    """The most lists and objects that a text can have: brackets in its strings may be counted, too.

    Raises:
        TooMuchJSON: it has too many values or would take too much memory.
    """
    lists, objects, commas = _counts(text)
    if _is_too_much(len(text), lists, objects, commas):  # perhaps only by what stands in strings
        words = text if isinstance(text, str) else text.decode("utf-8", "replace")
        lists, objects, commas = map(sum, zip(*map(_counts, _without_strings(words)), strict=True))
        if lists + objects + commas > MOST_VALUES:
            raise TooMuchJSON(f"has more than {MOST_VALUES:,} values")
        if _is_too_much(len(text), lists, objects, commas):
            raise TooMuchJSON(f"would take more than {_MEMORY_PER_BYTE} times its size in memory")
    return lists + objects


def _counts(text: str | bytes) -> tuple[int, int, int]:
    if isinstance(text, str):
        return text.count("["), text.count("{"), text.count(",")
    return text.count(b"["), text.count(b"{"), text.count(b",")


def _without_strings(text: str) -> Iterator[str]:
    """The text with its strings emptied, in pieces."""
    at = 0
    while at < len(text):
        whole = _CLOSED_STRINGS.match(text, at, at + _PIECE_LENGTH)
        end = whole.end() if whole else at
        yield _STRING.sub('""', text[at:end])
        at = end if end > at else _end_of_string(text, at)


def _end_of_string(text: str, at: int) -> int:
    at += 1
    while (part := _STRING_CONTENT.match(text, at, at + _PIECE_LENGTH)) and part[0]:
        at = part.end()
    return at + 1


def _is_too_much(length: int, lists: int, objects: int, commas: int) -> bool:
    memory = lists * _LIST_BYTES + objects * _OBJECT_BYTES + commas * _OTHER_BYTES
    return lists + objects + commas > MOST_VALUES or memory > max(_ALLOWED_MEMORY, _MEMORY_PER_BYTE * length)


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


class _PieceDecoder:
    """Decodes one long JSON text, with no more than a piece of it in each call of ``json``.

    A value that ends within the piece is decoded in one call. Of a longer list or object, simple members that stand
    together are decoded in one call, and each other member is decoded like a value. A call that fails halves the next
    piece, and a value that is decoded enlarges it by its length, so that the cost is linear for every nesting.
    """

    def __init__(self, text: str | bytes) -> None:
        self._text = text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass")
        self._size = _PIECE_LENGTH
        self._window = ""  # a copy of the text to decode next, since `raw_decode` takes no end
        self._start = 0  # where the window begins in the text

    def decode(self) -> Any:
        value, end = self._value(self._after_space(0), 1)
        end = self._after_space(end)
        if end != len(self._text):
            raise self._error("Extra data", end)
        return value

    def _value(self, at: int, depth: int) -> tuple[Any, int]:
        """The value that begins at a place, and where it ends."""
        found = self._value_in_one_call(at)
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

    def _value_in_one_call(self, at: int) -> tuple[Any, int] | None:
        """The value that begins at a place and where it ends, or None where one call does not decode it."""
        if not 0 <= 2 * (at - self._start) < len(self._window):
            self._window, self._start = self._text[at : at + 2 * self._size], at
        try:
            value, end = _decode(self._window, at - self._start)
        except ValueError:
            end = len(self._window)
        if end == len(self._window):  # perhaps the window cut it off
            self._size, self._window = max(self._size // 2, _SHORTEST_PIECE), ""
            return None
        self._size = min(self._size + self._start + end - at, _PIECE_LENGTH)
        return value, self._start + end

    def _string(self, at: int) -> tuple[Any, int]:
        parts: list[str] = []
        start, at = at, at + 1
        while part := _STRING_PART.match(self._text, at, at + _PIECE_LENGTH):
            parts.append(self._piece(f'"{part[0]}"', at))
            at = part.end()
        if self._text.startswith('"', at):
            return "".join(parts), at + 1
        return _decode(self._text, start)  # raises: the string is broken

    def _list(self, at: int, depth: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        while True:
            some, at = self._simple_members(at, "[", "]")
            values += some
            at = self._after_space(at)
            if not values and self._text.startswith("]", at):
                return values, at + 1
            value, at = self._value(at, depth + 1)
            values.append(value)
            is_last, at = self._after_member(at, "]")
            if is_last:
                return values, at

    def _object(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        while True:
            some, at = self._simple_members(at, "{", "}")
            values.update(some)
            at = self._after_space(at)
            if not values and self._text.startswith("}", at):
                return values, at + 1
            if not self._text.startswith('"', at):
                raise self._error("Expecting property name enclosed in double quotes", at)
            name, at = _decode(self._text, at)
            at = self._after_space(at)
            if not self._text.startswith(":", at):
                raise self._error("Expecting ':' delimiter", at)
            values[name], at = self._value(self._after_space(at + 1), depth + 1)
            is_last, at = self._after_member(at, "}")
            if is_last:
                return values, at

    def _simple_members(self, at: int, opening: str, closing: str) -> tuple[Any, int]:
        """The simple members from a place on, as a list or an object, and the place after their last comma."""
        members = _MEMBERS.match(self._text, at, at + _PIECE_LENGTH)
        if not members or members[0][:-1].isspace():
            return json.loads(opening + closing), at
        return self._piece(f"{opening}{members[0][:-1]}{closing}", at), members.end()

    def _piece(self, text: str, at: int) -> Any:
        """The value of a piece of the text from a place on, with one character put before it: a bracket or a quote."""
        try:
            return json.loads(text)
        except json.JSONDecodeError as exc:
            raise self._error(exc.msg, at + exc.pos - 1) from None

    def _after_member(self, at: int, closing: str) -> tuple[bool, int]:
        """Whether the member that ended was the last, and the place after the comma or bracket that follows it."""
        at = self._after_space(at)
        following = self._text[at : at + 1]
        if following not in (",", closing):
            raise self._error("Expecting ',' delimiter", at)
        return following == closing, at + 1

    def _after_space(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space else at

    def _error(self, message: str, at: int) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, at)
