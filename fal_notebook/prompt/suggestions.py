"""What the form suggests: endpoints and models, first those that this kernel has used, and the prompts it has sent."""

from collections.abc import Sequence
from typing import Any

from ..client.known_endpoints import ENDPOINTS, MODELS

_MOST_RECENT = 10
_MOST_PROMPTS = 50
_LONGEST_PROMPT = 4_000  # characters; longer ones are not brought back


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


class PastPrompts:
    """The prompts that were sent, oldest first, each once."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def remember(self, prompt: str) -> None:
        """Note a prompt as the newest."""
        if len(prompt) <= _LONGEST_PROMPT:
            self.prompts = [*(each for each in self.prompts if each != prompt), prompt][-_MOST_PROMPTS:]


endpoints = Suggestions(ENDPOINTS)
models = Suggestions(MODELS)
prompts = PastPrompts()
"""All widgets of the kernel share these."""
