"""The conversations of a session: those that are still in use, and the one that was asked last."""

import weakref
from collections.abc import Sized
from typing import Generic, TypeVar

Conversation = TypeVar("Conversation", bound=Sized)


class Chats(Generic[Conversation]):
    """The conversations of a session.

    Attributes:
        last: the conversation that was asked last.
    """

    def __init__(self) -> None:
        self.last: Conversation | None = None
        self._in_use: weakref.WeakSet[Conversation] = weakref.WeakSet()

    def add(self, chat: Conversation) -> None:
        """Note a new conversation."""
        self._in_use.add(chat)

    @property
    def in_use(self) -> list[Conversation]:
        """The conversations that something refers to, those with most messages first."""
        return sorted(self._in_use, key=len, reverse=True)
