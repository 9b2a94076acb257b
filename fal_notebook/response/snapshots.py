"""Sans-I/O: snapshots that came together, told apart in their bytes.

An endpoint that sends the whole text so far with every event sends bytes in the square of its answer, and of those that
came together only the newest says anything. The others are compared with it where they stand: to split, to copy and to
decode them would take most of the time that such an answer takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from .envelopes import Shape
from .sse import DEFAULT_NAME

_UNICODE_ESCAPE = 6  # bytes of \u0020, the longest; all others have two


@dataclass(frozen=True, slots=True)
class Run:
    """Snapshots one behind the other, of which each but the last, the newest, is the beginning of the next.

    Attributes:
        end: the place in the bytes where they end.
        words: those of the newest. None: these bytes are no such run, and are to be decoded.
        newest: its data.
        outdated: how many characters of it each of the others shares with it.
        newest_at: the place in the bytes where the newest begins.
    """

    end: int
    words: str | None = None
    newest: str = ""
    outdated: Sequence[int] = ()
    newest_at: int = 0


class Snapshots:
    """Events that differ in their words alone, as bytes.

    Args:
        shape: the JSON around the words.
        name: of the events.
        line_end: LF or CRLF.
    """

    def __init__(self, shape: Shape, name: str, line_end: bytes) -> None:
        before = (b"" if name == DEFAULT_NAME else f"event: {name}".encode() + line_end) + b"data: "
        self._shape = shape
        self._before = len(before)
        self._head = before + f'{shape.head}"'.encode()
        self._json_tail = f'"{shape.tail}'.encode()
        self._tail = self._json_tail + line_end * 2
        self._blank_line = line_end * 2

    def run(self, data: bytes, at: int) -> Run:
        """The run that begins at a place, where an event begins."""
        view, last_line = memoryview(data), len(self._json_tail) + len(self._blank_line) // 2
        known: bytes | memoryview = self._head  # then all of the last event up to the end of its words
        lengths: list[int] = []
        end = at
        while data.startswith(known, end):
            least = end + len(known)
            words_end = data.find(b"\n", least) + 1 - last_line
            if words_end < least or not data.startswith(self._tail, words_end):
                break
            known = view[end:words_end]
            lengths.append(len(known) - self._before)
            at, end = end, words_end + len(self._tail)
        return self._read(data[at + self._before : end], at, end, lengths) if lengths else self.no_run(data, at)

    def no_run(self, data: bytes, at: int) -> Run:
        """What is to be decoded from a place on: all up to where the next run may begin."""
        place = data.find(self._blank_line + self._head, at)
        return Run(len(data) if place < 0 else place + len(self._blank_line))

    def _read(self, rest: bytes, at: int, end: int, lengths: Sequence[int]) -> Run:
        """The run whose newest data the rest begins with; of each data so many bytes stand before its words' end."""
        *outdated, length = lengths
        newest = rest[: length + len(self._json_tail)]
        is_plain = newest.isascii() and b"\\" not in newest
        if not is_plain and any(_is_within(newest, each) for each in outdated):
            return Run(end)
        text = newest.decode("utf-8", "replace")
        return Run(end, self._shape.words(text), text, outdated if is_plain else _characters(newest, outdated), at)


def _is_within(text: bytes, place: int) -> bool:
    """Whether a place in JSON is within an escape or within a character of UTF-8."""
    start = text.rfind(b"\\", max(0, place - _UNICODE_ESCAPE + 1), place)
    if start >= 0 and place - start < (_UNICODE_ESCAPE if text[start + 1 : start + 2] == b"u" else 2):
        before = text[:start]
        return (len(before) - len(before.rstrip(b"\\"))) % 2 == 0  # else the backslash is itself escaped
    return text[place] & 0xC0 == 0x80


def _characters(text: bytes, places: Sequence[int]) -> list[int]:
    """How many characters stand before each of these places."""
    parts = (text[first:last].decode("utf-8", "replace") for first, last in pairwise([0, *places]))
    return list(accumulate(map(len, parts)))
