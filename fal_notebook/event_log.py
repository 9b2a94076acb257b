"""Floor 1: the server-sent events of a response as they are kept.

Snapshots repeat the whole text so far: kept as they came, an answer would take memory in the square of its length. One
that is the beginning of a later one is kept as its length alone, and is what it was whenever it is asked for. What is
kept are strings and numbers: objects would give the garbage collector work with each event.
"""

from bisect import bisect_left

from .shapes import Shape
from .sse import Events, EventSequence, ServerSentEvent


class EventLog(EventSequence):
    """The events of a response."""

    def __init__(self) -> None:
        self._data: list[str | int] = []  # a number: so much of the JSON of the next event that is kept whole
        self._labels: list[tuple[str, str]] = []
        self._wholes: list[int] = []  # the places of those that others are the beginning of, and what ends both
        self._tails: list[str] = []

    def extend(self, events: Events, shape: Shape | None = None) -> Events:
        """Add events and return those of them that say something.

        Args:
            events: what came together.
            shape: of snapshots, where that is known; one that is the beginning of a later one says nothing.
        """
        first = len(self)
        self._data += events.data
        self._labels += events.labels
        if shape is None:
            return events
        said = Events()
        for end, has_shape in self._ends_of_runs(first, shape):
            if has_shape:
                self._close_run(range(first, end), shape)
            said.add(self._whole(end), self._labels[end])
            first = end + 1
        return said

    def copy(self) -> "EventLog":
        """The events up to now."""
        copied = EventLog()
        for name, values in vars(self).items():
            setattr(copied, name, values.copy())
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

    def _ends_of_runs(self, first: int, shape: Shape) -> list[tuple[int, bool]]:
        """The places of events that say something, from the first new one on, and whether each has the shape.

        Those before such a place are the beginning of the event there.
        """
        ends: list[tuple[int, bool]] = []
        for place in reversed(range(first, len(self))):
            newest, has_shape = ends[-1] if ends else (place, False)
            if not (has_shape and self._begins(place, newest, shape)):
                ends.append((place, shape.words(self._whole(place)) is not None))
        return ends[::-1]

    def _close_run(self, older: range, shape: Shape) -> None:
        """Shorten the events at these places, which are the beginning of the one behind them, as may be one before."""
        newest = older.stop
        if self._wholes and self._tails[-1] == shape.tail and self._begins(self._wholes[-1], newest, shape):
            self._shorten(self._wholes.pop(), self._tails.pop())
        for place in older:
            self._shorten(place, shape.tail)
        self._wholes.append(newest)
        self._tails.append(shape.tail)

    def _begins(self, older: int, newer: int, shape: Shape) -> bool:
        return self._labels[older] == self._labels[newer] and shape.begins(self._whole(older), self._whole(newer))

    def _shorten(self, place: int, tail: str) -> None:
        self._data[place] = len(self._whole(place)) - len(tail) - 1
