"""Floor 0, sans-I/O: JSON of others, decoded where it costs no more than its length lets expect.

Decoding is one call that no interrupt gets into, and a few bytes of JSON can become a hundred in memory. So what is in
a text is counted before, which takes next to no time. What is too much stays the text that it is.
"""

import json
import re
from typing import Any

MOST_VALUES = 1_000_000
"""The most values that are decoded at once; a list or an object counts twice where others stand before it."""
DEEPEST = 200
"""The most lists and objects that are decoded one within another."""
_ALWAYS = 64_000_000  # bytes of memory that a value may take, however short its text is
_TIMES = 8  # as long as its text is what a larger one may take
_LIST, _OBJECT, _OTHER = 64, 240, 40  # bytes
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


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
        value = json.loads(text)
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
        without_strings = _STRING.sub('""', text if isinstance(text, str) else text.decode("utf-8", "replace"))
        lists, objects, commas = _counts(without_strings)
        if lists + objects + commas > MOST_VALUES:
            raise TooMuchJSON(f"has more than {MOST_VALUES:,} values")
        if _is_too_much(len(text), lists, objects, commas):
            raise TooMuchJSON(f"would take more than {_TIMES} times its size in memory")
    return lists + objects


def _counts(text: str | bytes) -> tuple[int, int, int]:
    if isinstance(text, str):
        return text.count("["), text.count("{"), text.count(",")
    return text.count(b"["), text.count(b"{"), text.count(b",")


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
