"""The versions of one turn: which there are, and which of them is shown."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

Hidden = TypeVar("Hidden")
"""What is kept of a version that is not shown."""


@dataclass(eq=False)
class Versions(Generic[Hidden]):
    """All versions of one turn, the oldest first.

    Attributes:
        shown: the index of the version that the conversation has now.
    """

    shown: int = 0
    _hidden: list[Hidden | None] = field(default_factory=lambda: [None])

    def __len__(self) -> int:
        return len(self._hidden)

    def add(self, before: Hidden) -> None:
        """Put away the shown version. The next one is shown now."""
        self._hidden[self.shown] = before
        self._hidden.append(None)
        self.shown = len(self._hidden) - 1

    def at(self, index: int) -> Hidden | None:
        """The version with this index; None if it is shown, or if there is none."""
        return self._hidden[index] if 0 <= index < len(self._hidden) else None

    def show(self, index: int, before: Hidden) -> None:
        """Put away the shown version in exchange for another one."""
        self._hidden[self.shown], self._hidden[index] = before, None
        self.shown = index
