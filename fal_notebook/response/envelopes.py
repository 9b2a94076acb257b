"""Sans-I/O: the JSON around an event's words, so that its like are read without decoding them whole.

Most events of an answer differ in one string: in what is new, or in the whole text so far. A shape is the JSON before
and behind that string, and an event of a known shape says nothing but its words.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

_DECODER = json.JSONDecoder()
_WORDS = re.compile(r'"(?:content|output|text|delta)"\s*:\s*(?=")')
_PROBE = "some other words"
_LONGEST = 4_096  # characters around the words: an event that has more says more than them
_PLACES = 4  # that are tried: names can stand in other places, too


@dataclass(frozen=True, slots=True)
class Shape:
    """The JSON of an event up to its words' string and behind it."""

    head: str
    tail: str

    @classmethod
    def of(cls, data: str, words_in: Callable[[Any], str | None]) -> "Shape | None":
        """The shape of an event, if words are all that it says.

        Args:
            data: the event, one JSON value.
            words_in: the words of a decoded event, or None where it says anything else.
        """
        for match in islice(_WORDS.finditer(data), _PLACES):
            shape = cls._around(data, match.end())
            if shape and words_in(shape.filled(_PROBE)) == _PROBE:
                return shape
        return None

    @classmethod
    def _around(cls, data: str, start: int) -> "Shape | None":
        try:
            _, end = _DECODER.raw_decode(data, start)
        except ValueError:
            return None
        return cls(data[:start], data[end:]) if start + len(data) - end <= _LONGEST else None

    def filled(self, words: str) -> Any:
        """An event of this shape with other words, decoded; None where that is no JSON."""
        try:
            return json.loads(self.head + json.dumps(words) + self.tail)
        except (ValueError, RecursionError):
            return None

    def words(self, data: str) -> str | None:
        """The words of an event of this shape; None where it has another."""
        if not (data.startswith(self.head) and data.endswith(self.tail)):
            return None
        try:
            words, end = _DECODER.raw_decode(data, len(self.head))
        except ValueError:
            return None
        return words if isinstance(words, str) and end == len(data) - len(self.tail) else None

    def begins(self, older: str, newer: str) -> bool:
        """Whether an event up to the end of its words is the beginning of another, which has this shape."""
        end = len(older) - len(self.tail) - 1
        return (
            len(self.head) < end < len(newer) - len(self.tail)
            and older.endswith(f'"{self.tail}')
            and newer.startswith(older[:end])
        )
