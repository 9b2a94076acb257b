"""A removal that can be undone: the entries that someone has just deleted or cleared, for some seconds.

The page and the memory lose them at once, the static transcript only when the time is over: until then a reload of the
page or a save of the notebook loses nothing.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ..client.messages import Message
from . import page_messages
from .conversation import Conversation
from .entry import Entry
from .memory import Memory

SECONDS = 10.0
_FINAL = "What was deleted below stays deleted: another version begins above it."
T = TypeVar("T")


class Removal:
    """Removed entries, and what is needed to put them back.

    Args:
        entries: all entries before the removal.
        removed: those that were removed.
        messages: the conversation's messages before.
        forgotten: those that were removed.
        settle: makes the removal final; called once, on a thread of its own, unless the removal was undone.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        removed: Sequence[Entry],
        messages: Sequence[Message],
        forgotten: Sequence[Message],
        settle: Callable[[], None],
    ) -> None:
        self.removed = list(removed)
        self._entries = list(entries)
        self._messages = list(messages)
        self._forgotten = list(forgotten)
        self._timer = threading.Timer(SECONDS, settle)
        self._timer.daemon = True

    def begin(self) -> None:
        """Count the seconds from now on."""
        self._timer.start()

    def cancel(self) -> None:
        """Settle nothing by itself any more."""
        self._timer.cancel()

    def is_after(self, entry: Entry) -> bool:
        """Whether something was removed that came after this entry."""
        if entry not in self._entries:
            return False  # it has come since
        later = self._entries[self._entries.index(entry) + 1 :]
        return any(each in later for each in self.removed)

    def entries(self, now: Sequence[Entry]) -> list[Entry]:
        """The entries of now, with the removed ones where they were."""
        return _with(now, self.removed, self._entries)

    def messages(self, now: Sequence[Message], of_removed: Sequence[Message]) -> list[Message]:
        """The messages of now, with the removed ones where they were, also those of an answer that was running then."""
        before = [*self._messages, *_without(of_removed, self._messages)]
        system = [each for each in now if each["role"] == "system"]
        others = [each for each in now if each["role"] != "system"]
        return [*system, *_with(others, [*self._forgotten, *of_removed], before)]


class Removals:
    """The removal of a widget that can be undone now, if there is one. Usable from any thread.

    Args:
        lock: the widget's lock.
        conversation: from which entries are removed.
        memory: what they have added to the conversation that is sent.
        send: sends a message to the page.
        changed: called without the lock when the entries have changed.
    """

    def __init__(
        self,
        lock: threading.RLock,
        conversation: Conversation,
        memory: Memory,
        send: Callable[[dict[str, Any]], None],
        changed: Callable[[], None],
    ) -> None:
        self._lock = lock
        self._conversation = conversation
        self._memory = memory
        self._send = send
        self._changed = changed
        self._newest: Removal | None = None

    @contextmanager
    def undoable(self, what: str, removed: Sequence[Entry]) -> Iterator[None]:
        """Let the removal of these entries, which is made within, be undone for some seconds."""
        self.settle()
        entries, messages = list(self._conversation.entries), list(self._memory.chat.messages)
        yield
        forgotten = _without(messages, self._memory.chat.messages)
        removal = Removal(entries, removed, messages, forgotten, lambda: self.settle(removal))
        with self._lock:
            self._newest = removal
            self._send(page_messages.undoable(what))
        removal.begin()

    def delete(self, entry: Entry) -> None:
        """Remove an entry whose answer has ended, in all its versions. Those after it that are shown stay."""
        others = 0 if entry.versions is None else len(entry.versions) - 1
        what = {0: "Deleted.", 1: "Deleted, with its other version."}
        with self.undoable(what.get(others, f"Deleted, with its {others} other versions."), [entry]):
            self._conversation.delete(entry)
            self._memory.forget([entry])
            self._changed()

    def undo(self) -> None:
        """Put back what was removed last, if it can be undone."""
        if (removal := self._take()) is None:
            return
        chat = self._memory.chat
        chat.messages[:] = removal.messages(chat.messages, self._memory.messages_of(removal.removed))
        self._conversation.put_back(removal.entries(self._conversation.entries))
        self._changed()

    def settle(self, wanted: Removal | None = None) -> None:
        """Take what was removed out of the transcript too: this very removal, or whichever can be undone."""
        if (removal := self._take(wanted)) is not None:
            self._conversation.keep_without(*removal.removed)

    def settle_after(self, entry: Entry) -> None:
        """Make a removal final, and say so, if what was removed came after an entry that another version replaces.

        It belongs to the version that is put away. Any other removal can still be undone.
        """
        with self._lock:
            removal = self._newest
        if removal is not None and removal.is_after(entry):
            self.settle(removal)
            self._send(page_messages.final(_FINAL))

    def _take(self, wanted: Removal | None = None) -> Removal | None:
        with self._lock:
            removal = self._newest
            if removal is None or wanted not in (None, removal):
                return None
            self._newest = None
            removal.cancel()
            self._send(page_messages.undoable(""))
        return removal


def _without(before: Sequence[T], now: Sequence[T]) -> list[T]:
    """What was there and is not any more, by identity."""
    known = set(map(id, now))
    return [each for each in before if id(each) not in known]


def _with(now: Sequence[T], removed: Sequence[T], before: Sequence[T]) -> list[T]:
    """What is there now, with each removed object after the one that it came after, as far as that is there."""
    whole, wanted, at = list(now), set(map(id, removed)), 0
    places = {id(each): place for place, each in enumerate(now)}
    inserted = 0
    for each in before:
        if id(each) in places:
            at = places[id(each)] + inserted + 1
        elif id(each) in wanted:
            whole.insert(at, each)
            at, inserted = at + 1, inserted + 1
    return whole
