"""Sans-I/O: the JSON around an event's words, so that similar events are read without decoding all of it.

Most events of an answer differ in one string: the new text, or the whole text so far. An envelope is the JSON before
and after that string. An event in a known envelope says nothing but its words, and only these are decoded.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

_DECODER = json.JSONDecoder()
_WORDS_NAME = re.compile(r'"(?:content|output|text|delta)"\s*:\s*(?=")')
_PROBE = "some other words"
_LONGEST_ENVELOPE = 4_096  # characters around the words: an event that has more says more than words
_MOST_PLACES = 4  # strings of an event that are tried as its words


@dataclass(frozen=True, slots=True)
class Envelope:
    """The JSON of an event before the string with its words, and after it."""

    head: str
    tail: str

    @classmethod
    def of(cls, data: str, words_in: Callable[[Any], str | None]) -> "Envelope | None":
        """The envelope of an event, or None if it says more than words.

        Args:
            data: the event, one JSON value.
            words_in: the words of a decoded event, or None where it says anything else.
        """
        for match in islice(_WORDS_NAME.finditer(data), _MOST_PLACES):
            envelope = cls._around(data, match.end())
            if envelope and words_in(envelope.filled(_PROBE)) == _PROBE:
                return envelope
        return None

    @classmethod
    def _around(cls, data: str, start: int) -> "Envelope | None":
        try:
            _, end = _DECODER.raw_decode(data, start)
        except ValueError:
            return None
        return cls(data[:start], data[end:]) if start + len(data) - end <= _LONGEST_ENVELOPE else None

    def filled(self, words: str) -> Any:
        """An event in this envelope with other words, decoded; None where that is not JSON."""
        try:
            return json.loads(self.head + json.dumps(words) + self.tail)
        except (ValueError, RecursionError):
            return None

    def words(self, data: str) -> str | None:
        """The words of an event in this envelope; None where it has another."""
        if not (data.startswith(self.head) and data.endswith(self.tail)):
            return None
        try:
            words, end = _DECODER.raw_decode(data, len(self.head))
        except ValueError:
            return None
        return words if isinstance(words, str) and end == len(data) - len(self.tail) else None

    def begins(self, older: str, newer: str) -> bool:
        """Whether an older event, up to the end of its words, is the beginning of a newer one in this envelope."""
        end = len(older) - len(self.tail) - 1
        return (
            len(self.head) < end < len(newer) - len(self.tail)
            and older.endswith(f'"{self.tail}')
            and newer.startswith(older[:end])
        )
