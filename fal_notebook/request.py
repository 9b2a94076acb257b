"""Floor 6: what a run of ``%%falstream`` sends: from options and cell to requests, before anything is sent."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .arguments import encode, from_cell, from_line
from .errors import InvalidRequest
from .target import endpoint_name


@dataclass(frozen=True)
class Request:
    """What a run sends: ``arguments`` is the endpoint's JSON body."""

    endpoint: str
    arguments: dict[str, Any]


def read(options: Namespace, cell: str, namespace: Mapping[str, Any]) -> Request:
    """The request that options and cell ask for.

    Raises:
        InvalidRequest: something in them cannot be meant.
    """
    names = None if options.raw else namespace
    arguments = {
        **_input(options.input, namespace),
        **from_cell(cell, options.field, names, as_text=options.as_text),
        **from_line(options.arguments, names),
    }
    encode(arguments)
    return Request(endpoint_name(options.endpoint), arguments)


def variants(request: Request, models: str) -> dict[str, Request]:
    """The same request once for each model, by the model's name.

    Args:
        request: what all of them share.
        models: the names, with commas between them.

    Raises:
        InvalidRequest: a name is empty or stands twice.
    """
    names = [name.strip() for name in models.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise InvalidRequest(f"--models {models}: different names with commas between them are wanted")
    return {name: Request(request.endpoint, {**request.arguments, "model": name}) for name in names}


def _input(name: str | None, namespace: Mapping[str, Any]) -> dict[str, Any]:
    if name is None:
        return {}
    if name not in namespace:
        raise InvalidRequest(f"--input {name}: no such variable")
    value = namespace[name]
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"--input {name}: a dict is wanted, this is a {type(value).__name__}")
    return {str(key): each for key, each in value.items()}
