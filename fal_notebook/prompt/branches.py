"""Begins versions of a turn, and walks between them: other answers to its prompt, and other prompts in its place.

A new version begins a branch: what was said after the version before is put away together with it, and is back when
someone walks back to it. So page, memory and transcript always have one conversation, in which each turn was asked in
the course of those above it.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..client.messages import Message
from .conversation import Conversation
from .entry import Entry
from .memory import Memory
from .running_answer import RunningAnswer
from .versions import Versions


@dataclass(eq=False)
class Version:
    """A version that is not shown: its entry and those after it, and the messages of the conversation from there on."""

    entries: Sequence[Entry]
    messages: Sequence[Message]


class Branches:
    """Begins versions in a conversation, and walks between them. Usable from any thread.

    Args:
        lock: the widget's lock.
        conversation: the conversation.
        memory: its messages.
    """

    def __init__(self, lock: threading.RLock, conversation: Conversation, memory: Memory) -> None:
        self._lock = lock
        self._conversation = conversation
        self._memory = memory

    def ask_instead(self, entry: Entry, ask: Callable[[], RunningAnswer]) -> RunningAnswer:
        """Ask in the place of an entry, in the course of what was said before it.

        An answer that failed before anything of it came is replaced, unless something was said after it.

        Args:
            entry: the entry.
            ask: sends the prompt and adds it to the conversation.

        Raises:
            InvalidRequest: an answer is streaming, or the prompt cannot be sent. Everything is as before then.
        """
        with self._lock:
            self._conversation.check_idle()
            rest = self._conversation.since(entry)
            messages = self._memory.exchange(rest)
            try:
                running = ask()
            except BaseException:
                self._memory.exchange([], messages)
                raise
            if entry.has_come or len(rest) > 1:
                entry.versions = entry.versions or Versions()
                entry.versions.add(Version(rest, messages))
            running.entry.versions = entry.versions
            self._conversation.leave(rest)
        return running

    def walk(self, entry: Entry, index: int) -> None:
        """Show another version of an entry, with all that was said after it.

        Raises:
            InvalidRequest: an answer is streaming.
        """
        with self._lock:
            self._conversation.check_idle()
            versions = entry.versions
            wanted = versions.at(index) if versions is not None else None
            if versions is None or wanted is None:
                return
            rest = self._conversation.since(entry)
            versions.show(index, Version(rest, self._memory.exchange(rest, wanted.messages)))
            self._conversation.exchange(rest, wanted.entries)
