"""Sans-I/O: a fast path for snapshots that arrive together.

An endpoint that sends the whole text so far with every event sends bytes in the square of the answer's length. Of the
snapshots that arrive together, only the newest matters. The older ones are compared with it as bytes, in place: to
split, copy and decode them would take most of the time that such an answer takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from .envelopes import Envelope
from .sse import DEFAULT_NAME

_UNICODE_ESCAPE = 6  # bytes of \u0020, the longest; all others have two


@dataclass(frozen=True, slots=True)
class SnapshotRun:
    """Snapshots in a row, each of which is the beginning of the next. The last one is the newest.

    Attributes:
        end: the place in the bytes where they end.
        words: the words of the newest. None: these bytes are no run, and have to be decoded.
        newest: the data of the newest.
        outdated: for each of the others, how many characters it has in common with the newest.
        newest_at: the place in the bytes where the newest begins.
    """

    end: int
    words: str | None = None
    newest: str = ""
    outdated: Sequence[int] = ()
    newest_at: int = 0


class SnapshotFinder:
    """Finds runs of snapshots in the bytes of an event stream.

    Args:
        envelope: the JSON around the words.
        name: the events' name.
        line_end: LF or CRLF.
    """

    def __init__(self, envelope: Envelope, name: str, line_end: bytes) -> None:
        before = (b"" if name == DEFAULT_NAME else f"event: {name}".encode() + line_end) + b"data: "
        self._envelope = envelope
        self._before = len(before)
        self._head = before + f'{envelope.head}"'.encode()
        self._json_tail = f'"{envelope.tail}'.encode()
        self._tail = self._json_tail + line_end * 2
        self._blank_line = line_end * 2

    def run(self, data: bytes, at: int) -> SnapshotRun:
        """The run that begins at a place. An event has to begin there."""
        view, last_line = memoryview(data), len(self._json_tail) + len(self._blank_line) // 2
        known: bytes | memoryview = self._head  # later, the last event up to the end of its words
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
        return self._read(data[at + self._before : end], at, end, lengths) if lengths else self.not_a_run(data, at)

    def not_a_run(self, data: bytes, at: int) -> SnapshotRun:
        """What has to be decoded from a place on: all bytes up to where the next run may begin."""
        place = data.find(self._blank_line + self._head, at)
        return SnapshotRun(len(data) if place < 0 else place + len(self._blank_line))

    def _read(self, rest: bytes, at: int, end: int, lengths: Sequence[int]) -> SnapshotRun:
        """The run that was found.

        Args:
            rest: bytes that begin with the data of the newest event.
            at: where the newest begins.
            end: where the run ends.
            lengths: for each event, how many bytes its data has up to the end of the words.
        """
        *outdated, length = lengths
        newest = rest[: length + len(self._json_tail)]
        is_plain = newest.isascii() and b"\\" not in newest
        if not is_plain and any(_is_within(newest, each) for each in outdated):
            return SnapshotRun(end)
        text = newest.decode("utf-8", "replace")
        shared = outdated if is_plain else _characters(newest, outdated)
        return SnapshotRun(end, self._envelope.words(text), text, shared, at)


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
