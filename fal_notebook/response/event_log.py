"""The server-sent events of a response, kept in little memory.

Each snapshot repeats the whole text so far: kept as they came, they would take memory in the square of the answer's
length. So a snapshot that is the beginning of a later one is kept as its length alone, and made anew when it is asked
for. Only strings and numbers are kept, since an object for each event would cost the garbage collector much work.
"""

from bisect import bisect_left
from collections.abc import Sequence

from ..safety.redaction import Redaction
from .envelopes import Envelope
from .sse import Events, EventSequence, ServerSentEvent


class EventLog(EventSequence):
    """The events of a response."""

    def __init__(self) -> None:
        self._data: list[str | int] = []  # a number: this many characters of the next event that is a string
        self._labels: list[tuple[str, str]] = []
        self._wholes: list[int] = []  # the places of snapshots that are kept whole
        self._tails: list[str] = []  # the JSON after the words of each of these

    def extend(self, events: Events, outdated: Sequence[int] = ()) -> None:
        """Add events.

        Args:
            events: those that came together.
            outdated: for each older snapshot that came just before the first event, with the same label, how many
                characters it has in common with it. `mark_snapshot` has to be called for that event then.
        """
        self._data += outdated
        self._labels += events.labels[:1] * len(outdated)
        self._data += events.data
        self._labels += events.labels

    def mark_snapshot(self, place: int, envelope: Envelope) -> None:
        """Mark an event as a snapshot in an envelope. If the one before is its beginning, only its length is kept."""
        if self._wholes and self._tails[-1] == envelope.tail and self._begins(self._wholes[-1], place, envelope):
            whole = self._wholes.pop()
            self._data[whole] = len(self._whole(whole)) - len(self._tails.pop()) - 1
        self._wholes.append(place)
        self._tails.append(envelope.tail)

    def copy(self) -> "EventLog":
        """The events up to now."""
        copied = EventLog()
        for name, values in vars(self).items():
            setattr(copied, name, values.copy())
        return copied

    def redacted(self, redaction: Redaction) -> "EventLog":
        """A copy without the key. A snapshot that is kept as a length ends before the key."""
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

    def _begins(self, older: int, newer: int, envelope: Envelope) -> bool:
        return self._labels[older] == self._labels[newer] and envelope.begins(self._whole(older), self._whole(newer))
