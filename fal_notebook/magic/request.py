"""What a run of ``%%falstream`` sends: from options and cell to requests, before anything is sent."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..client.arguments import encode
from ..errors import InvalidRequest
from ..wire.target import endpoint_name
from .cell_arguments import from_cell, from_line


@dataclass(frozen=True)
class Request:
    """What a run sends: ``arguments`` is the endpoint's JSON body."""

    endpoint: str
    arguments: dict[str, Any]


def read(options: Namespace, cell: str, namespace: Mapping[str, Any]) -> dict[str, Request]:
    """The requests that options and cell ask for: one for each endpoint or for each model, by its name.

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
    endpoints = _different([endpoint_name(name) for name in options.endpoint.split(",")], options.endpoint)
    if options.models is None:
        return {name: Request(name, arguments) for name in endpoints}
    models = _different([name.strip() for name in options.models.split(",")], f"--models {options.models}")
    return {name: Request(endpoints[0], {**arguments, "model": name}) for name in models}


def _different(names: list[str], shown: str) -> list[str]:
    if not all(names) or len(set(names)) < len(names):
        raise InvalidRequest(f"{shown}: different names with commas and no spaces between them are wanted")
    return names


def _input(name: str | None, namespace: Mapping[str, Any]) -> dict[str, Any]:
    if name is None:
        return {}
    if name not in namespace:
        raise InvalidRequest(f"--input {name}: no such variable")
    value = namespace[name]
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"--input {name}: a dict is wanted, this is a {type(value).__name__}")
    return {str(key): each for key, each in value.items()}
