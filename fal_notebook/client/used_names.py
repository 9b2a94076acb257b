"""The endpoints and models to which this session has sent requests, newest first: what Tab offers before others."""

import contextlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

_MOST = 30


class UsedNames:
    """The names that were used. Usable from any thread: each step is one operation of a dict."""

    def __init__(self) -> None:
        self._endpoints: OrderedDict[str, None] = OrderedDict()
        self._models: OrderedDict[str, None] = OrderedDict()

    def note(self, endpoint: str, arguments: Mapping[str, Any]) -> None:
        """Note a request."""
        _note(self._endpoints, endpoint)
        model = arguments.get("model")
        if isinstance(model, str) and model:
            _note(self._models, model)

    @property
    def endpoints(self) -> list[str]:
        """The endpoints, newest first."""
        return [*self._endpoints][::-1]

    @property
    def models(self) -> list[str]:
        """The models, newest first."""
        return [*self._models][::-1]


def _note(names: "OrderedDict[str, None]", name: str) -> None:
    with contextlib.suppress(KeyError):  # of another thread that was quicker
        names[name] = None
        names.move_to_end(name)
        while len(names) > _MOST:
            names.popitem(last=False)
