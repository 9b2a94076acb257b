"""Makes the requests of a ``%%falstream`` run from its options and cell, and checks them before anything is sent."""

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
    """One request of a run; ``arguments`` is the endpoint's JSON body."""

    endpoint: str
    arguments: dict[str, Any]


def read_requests(options: Namespace, cell: str, namespace: Mapping[str, Any]) -> dict[str, Request]:
    """The requests of a run: one for each endpoint or each model, by its name.

    Raises:
        InvalidRequest: something in the options or the cell cannot be sent.
    """
    names = None if options.raw else namespace
    arguments = {
        **_from_variable(options.input, namespace),
        **from_cell(cell, options.field, names, as_text=options.as_text),
        **from_line(options.arguments, names),
    }
    encode(arguments)
    endpoints = _checked_names([endpoint_name(name) for name in options.endpoint.split(",")], options.endpoint)
    if options.models is None:
        return {name: Request(name, arguments) for name in endpoints}
    models = _checked_names([name.strip() for name in options.models.split(",")], f"--models {options.models}")
    return {name: Request(endpoints[0], {**arguments, "model": name}) for name in models}


def _checked_names(names: list[str], shown: str) -> list[str]:
    if not all(names) or len(set(names)) < len(names):
        raise InvalidRequest(f"{shown}: different names with commas and no spaces between them are wanted")
    return names


def _from_variable(name: str | None, namespace: Mapping[str, Any]) -> dict[str, Any]:
    if name is None:
        return {}
    if name not in namespace:
        raise InvalidRequest(f"--input {name}: no such variable")
    value = namespace[name]
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"--input {name}: a dict is wanted, this is a {type(value).__name__}")
    return {str(key): each for key, each in value.items()}
