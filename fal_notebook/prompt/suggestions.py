"""What the form offers where someone writes an endpoint or a model: what this kernel asked, then what is known."""

from collections.abc import Sequence
from typing import Any

from ..client.known_endpoints import ENDPOINTS, MODELS

_MOST = 10  # of those that were asked


class Suggestions:
    """Names to choose from, the one that was used last first.

    Args:
        known: what is offered from the beginning.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known
        self._recent: list[str] = []

    @property
    def names(self) -> list[str]:
        """Each name once."""
        return list(dict.fromkeys([*self._recent, *self._known]))

    def remember(self, name: Any) -> None:
        """Put a name at the head; what is none is left out."""
        if not isinstance(name, str) or not name:
            return
        if name in self._recent:
            self._recent.remove(name)
        self._recent.insert(0, name)
        del self._recent[_MOST:]


endpoints = Suggestions(ENDPOINTS)
"""Those of all widgets of this kernel."""
models = Suggestions(MODELS)
