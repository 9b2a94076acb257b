"""Encodes the arguments of a request as JSON, including values that users have at hand but JSON does not know.

A file of an earlier answer becomes its URL or data URI, an earlier result its text, a NumPy scalar its number.
"""

import json
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequest
from ..media.media import Media
from .result import Result


def encode(arguments: Mapping[str, Any]) -> str:
    """The arguments as the text message that makes a request.

    Raises:
        InvalidRequest: a value cannot be written as JSON.
    """
    try:
        return json.dumps(arguments, default=_jsonable, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidRequest(f"these arguments cannot be sent as JSON: {exc}") from None


def _jsonable(value: Any) -> Any:
    if isinstance(value, Media):
        return value.url or value.data_uri()
    if isinstance(value, Result):
        return value.text
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        return item()
    raise TypeError(f"{type(value).__name__} has no JSON form")
