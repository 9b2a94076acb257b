"""The server-sent events of a response as they are kept.

Snapshots repeat the whole text so far: kept as they came, an answer would take memory in the square of its length. One
that is the beginning of a later one is kept as its length alone, and is what it was whenever it is asked for. What is
kept are strings and numbers: objects would give the garbage collector work with each event.
"""

from bisect import bisect_left
from collections.abc import Sequence

from ..safety.redaction import Redaction
from .envelopes import Shape
from .sse import Events, EventSequence, ServerSentEvent


class EventLog(EventSequence):
    """The events of a response."""

    def __init__(self) -> None:
        self._data: list[str | int] = []  # a number: so much of the JSON of the next event that is kept whole
        self._labels: list[tuple[str, str]] = []
        self._wholes: list[int] = []  # the places of those that others are the beginning of, and what ends both
        self._tails: list[str] = []

    def extend(self, events: Events, outdated: Sequence[int] = ()) -> None:
        """Add events.

        Args:
            events: what came together.
            outdated: snapshots that came before the first of them and are labelled as it is: how many characters each
                shares with it. `name_snapshot` is to be told of it.
        """
        self._data += outdated
        self._labels += events.labels[:1] * len(outdated)
        self._data += events.data
        self._labels += events.labels

    def name_snapshot(self, place: int, shape: Shape) -> None:
        """Say that an event is a snapshot of a shape; where the last one is its beginning, it is kept as that."""
        if self._wholes and self._tails[-1] == shape.tail and self._begins(self._wholes[-1], place, shape):
            whole = self._wholes.pop()
            self._data[whole] = len(self._whole(whole)) - len(self._tails.pop()) - 1
        self._wholes.append(place)
        self._tails.append(shape.tail)

    def copy(self) -> "EventLog":
        """The events up to now."""
        copied = EventLog()
        for name, values in vars(self).items():
            setattr(copied, name, values.copy())
        return copied

    def redacted(self, redaction: Redaction) -> "EventLog":
        """The same without the key. A snapshot that is kept as a length ends before it."""
        copied = self.copy()
        copied._labels, copied._tails = redaction.value((self._labels, self._tails))
        copied._data = [redaction.text(data) if isinstance(data, str) else data for data in self._data]
        first = 0
        for whole in self._wholes:
            both = zip(self._whole(whole), copied._whole(whole), strict=False)
            same = next((place for place, (one, other) in enumerate(both) if one != other), len(self._whole(whole)))
            lengths = self._data[first:whole]
            copied._data[first:whole] = [
                min(length, same) if isinstance(length, int) else copied._data[first + number]
                for number, length in enumerate(lengths)
            ]
            first = whole + 1
        return copied

    def __len__(self) -> int:
        return len(self._data)

    def event_at(self, place: int) -> ServerSentEvent:
        """The event at a place, counted from 0."""
        data = self._data[place]
        if isinstance(data, int):
            number = bisect_left(self._wholes, place)
            data = f'{self._whole(self._wholes[number])[:data]}"{self._tails[number]}'
        return ServerSentEvent(data, *self._labels[place])

    def _whole(self, place: int) -> str:
        data = self._data[place]
        assert isinstance(data, str)  # noqa: S101 - that is what a place among the wholes means
        return data

    def _begins(self, older: int, newer: int, shape: Shape) -> bool:
        return self._labels[older] == self._labels[newer] and shape.begins(self._whole(older), self._whole(newer))
