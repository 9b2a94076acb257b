"""Endpoints and models that the form suggests: first those that this kernel has used, then well-known ones."""

from collections.abc import Sequence
from typing import Any

from ..client.known_endpoints import ENDPOINTS, MODELS

_MOST_RECENT = 10


class Suggestions:
    """Names to choose from: the recently used ones, newest first, then the known ones.

    Args:
        known: names that are always suggested.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known
        self._recent: list[str] = []

    @property
    def names(self) -> list[str]:
        """All names in order, without duplicates."""
        return list(dict.fromkeys([*self._recent, *self._known]))

    def remember(self, name: Any) -> None:
        """Put a name first. A value that is not a name is ignored."""
        if not isinstance(name, str) or not name:
            return
        if name in self._recent:
            self._recent.remove(name)
        self._recent.insert(0, name)
        del self._recent[_MOST_RECENT:]


endpoints = Suggestions(ENDPOINTS)
models = Suggestions(MODELS)
"""All widgets of the kernel share these two."""
