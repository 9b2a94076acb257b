"""Floor 1: the server-sent events of a response as they are kept.

Snapshots repeat the whole text so far: kept as they came, an answer would take memory in the square of its length. One
that is the beginning of a later one is kept as its length alone, and is what it was whenever it is asked for. What is
kept are strings and numbers: objects would give the garbage collector work with each event.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import eq
from typing import overload

from .shapes import Shape
from .sse import ServerSentEvent


class EventLog(Sequence[ServerSentEvent]):
    """The events of a response, oldest first; equal to any sequence of equal events."""

    __hash__ = None  # type: ignore[assignment]  # it grows, as a list does

    def __init__(self) -> None:
        self._data: list[str | int] = []  # a number: so much of the JSON of the next event that is kept whole
        self._labels: list[tuple[str, str]] = []
        self._wholes: list[int] = []  # the places of those that others are the beginning of, and what ends both
        self._tails: list[str] = []

    def extend(self, events: Sequence[ServerSentEvent], shape: Shape | None = None) -> Sequence[ServerSentEvent]:
        """Add events and return those of them that say something.

        Args:
            events: what came together.
            shape: of snapshots, where that is known; one that is the beginning of a later one says nothing.
        """
        if shape is None:
            self._append(events)
            return events
        runs = _runs(events, shape)
        for run in runs:
            self._add_run(run, shape)
        return [run[-1] for run in runs]

    def copy(self) -> "EventLog":
        """The events up to now."""
        copied = EventLog()
        for name, values in vars(self).items():
            setattr(copied, name, values.copy())
        return copied

    def __len__(self) -> int:
        return len(self._data)

    @overload
    def __getitem__(self, index: int) -> ServerSentEvent: ...

    @overload
    def __getitem__(self, index: slice) -> list[ServerSentEvent]: ...

    def __getitem__(self, index: int | slice) -> ServerSentEvent | list[ServerSentEvent]:
        places = range(len(self))[index]
        return self._event(places) if isinstance(places, int) else [self._event(place) for place in places]

    def __iter__(self) -> Iterator[ServerSentEvent]:
        return map(self._event, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    def __repr__(self) -> str:
        return repr(list(self))

    def _event(self, place: int) -> ServerSentEvent:
        data = self._data[place]
        if isinstance(data, int):
            number = bisect_left(self._wholes, place)
            data = f'{self._whole(self._wholes[number])[:data]}"{self._tails[number]}'
        return ServerSentEvent(data, *self._labels[place])

    def _whole(self, place: int) -> str:
        data = self._data[place]
        assert isinstance(data, str)  # noqa: S101 - that is what a place among the wholes means
        return data

    def _append(self, events: Sequence[ServerSentEvent]) -> None:
        self._data += [event.data for event in events]
        self._labels += [(event.event, event.id) for event in events]

    def _add_run(self, run: Sequence[ServerSentEvent], shape: Shape) -> None:
        """Add events all but the last of which are the beginning of that one, as may be the last of the run before."""
        first, newest = len(self._data), run[-1]
        self._append(run)
        if shape.words(newest.data) is None:  # a run of one, of another shape
            return
        if self._wholes and self._tails[-1] == shape.tail and _begins(self._event(self._wholes[-1]), newest, shape):
            self._shorten(self._wholes.pop(), self._tails.pop())
        for place in range(first, len(self._data) - 1):
            self._shorten(place, shape.tail)
        self._wholes.append(len(self._data) - 1)
        self._tails.append(shape.tail)

    def _shorten(self, place: int, tail: str) -> None:
        self._data[place] = len(self._whole(place)) - len(tail) - 1


def _runs(events: Sequence[ServerSentEvent], shape: Shape) -> list[list[ServerSentEvent]]:
    """The events in groups, oldest first: all but the last of a group are the beginning of that one."""
    runs: list[list[ServerSentEvent]] = []
    newest: ServerSentEvent | None = None
    for event in reversed(events):
        if newest is not None and _begins(event, newest, shape):
            runs[-1].append(event)
        else:
            runs.append([event])
            newest = event if shape.words(event.data) is not None else None
    return [run[::-1] for run in reversed(runs)]


def _begins(older: ServerSentEvent, newer: ServerSentEvent, shape: Shape) -> bool:
    return (older.event, older.id) == (newer.event, newer.id) and shape.begins(older.data, newer.data)
