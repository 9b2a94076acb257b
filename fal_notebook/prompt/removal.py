"""A removal that can be undone: the entries that someone has just deleted or cleared, for some seconds.

The page and the memory lose them at once, the static transcript only when the time is over: until then a reload of the
page or a save of the notebook loses nothing.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..client.messages import Message
from .entry import Entry

SECONDS = 10.0
T = TypeVar("T")


class Removal:
    """Removed entries, and what is needed to put them back.

    Args:
        entries: all entries before the removal.
        removed: those that were removed.
        messages: the conversation's messages before.
        settle: makes the removal final; called once, on a thread of its own, unless the removal was undone.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        removed: Sequence[Entry],
        messages: Sequence[Message],
        settle: Callable[[], None],
    ) -> None:
        self.removed = list(removed)
        self._entries = list(entries)
        self._messages = list(messages)
        self._timer = threading.Timer(SECONDS, settle)
        self._timer.daemon = True

    def begin(self) -> None:
        """Count the seconds from now on."""
        self._timer.start()

    def cancel(self) -> None:
        """Settle nothing by itself any more."""
        self._timer.cancel()

    def entries(self, now: Sequence[Entry]) -> list[Entry]:
        """The entries as they were, with those that have come since."""
        return _merged(self._entries, now)

    def messages(self, now: Sequence[Message], of_removed: Sequence[Message]) -> list[Message]:
        """The messages as they were, with those of an answer that was running then, and those that have come since."""
        return _merged(_merged(self._messages, of_removed), now)


def _merged(before: Sequence[T], now: Sequence[T]) -> list[T]:
    """What was there, followed by what is new; each object once."""
    known = set(map(id, before))
    return [*before, *(each for each in now if id(each) not in known)]
