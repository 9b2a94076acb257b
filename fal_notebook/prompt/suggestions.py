"""What the form suggests: endpoints and models, first those that this kernel has used, and the prompts it has sent."""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ..client.endpoint_names import EndpointNames
from ..client.known_endpoints import CHAT, ENDPOINTS, MODELS, requires_model
from ..client.sessions import session
from ..errors import FalNotebookError
from ..wire import environment
from ..wire.target import resolve_target

_WITHOUT_MEMORY = "fal-ai/any-llm/stream"
_PATIENCE = 1.0  # seconds in which a gateway's document has to come
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
        return self.beside(self._known)

    def beside(self, known: Sequence[str]) -> list[str]:
        """The recently used names, then these, without duplicates."""
        return list(dict.fromkeys([*self._recent, *known]))

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


def default_endpoint(base_url: str | None) -> str:
    """The endpoint of a box for which none was named: one that remembers, if it is there to be asked.

    It is there if the host is fal, and a key was found, or if it is a gateway whose document has it.
    """
    try:
        is_fal = resolve_target(CHAT, base_url).is_fal  # which has found a key
    except FalNotebookError:
        return _WITHOUT_MEMORY
    return CHAT if is_fal or _serves(CHAT, base_url) else _WITHOUT_MEMORY


def _serves(endpoint: str, base_url: str | None) -> bool:
    """Whether a gateway's document has an endpoint; a gateway that does not say so at once counts as no."""
    if not environment.fetches_schemas():
        return False
    found: list[bool] = []

    def look() -> None:
        with contextlib.suppress(FalNotebookError):
            found.append(endpoint in names_of_gateway(base_url))

    asking = threading.Thread(target=look, name="fal_notebook default", daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    return True in found


def names_of_gateway(base_url: str | None) -> list[str]:
    """The endpoints of a gateway, asked of itself.

    Raises:
        ConnectError: it could not be asked, or does not say.
    """
    return [each.endpoint for each in session().companion(EndpointNames).of_gateway(base_url)]


def with_model(arguments: Mapping[str, Any], endpoint: str, chosen: str) -> tuple[dict[str, Any], str]:
    """The arguments with a model where the endpoint refuses a request without one.

    Args:
        arguments: the arguments.
        endpoint: the endpoint.
        chosen: the model that was put in for the endpoint before; it is taken out where none is needed.

    Returns:
        The arguments, and the model that was put in; empty if none was.
    """
    name = endpoint.strip().strip("/")
    if requires_model(name):
        if arguments.get("model"):
            return dict(arguments), chosen if arguments["model"] == chosen else ""
        return {**arguments, "model": models.names[0]}, models.names[0]
    others = {key: value for key, value in arguments.items() if key != "model" or not chosen or value != chosen}
    return others, ""


endpoints = Suggestions(ENDPOINTS)
models = Suggestions(MODELS)
prompts = PastPrompts()
"""All widgets of the kernel share these."""
