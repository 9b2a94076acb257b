"""The arguments of a request as JSON, with what a user has at hand among them.

A file of an earlier answer goes as its URL or data URI, an earlier answer as its text, a NumPy scalar as its number.
"""

import json
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequest
from ..media.media import Media
from .result import Result


def encode(arguments: Mapping[str, Any]) -> str:
    """The arguments as the one text message that asks for a request.

    Raises:
        InvalidRequest: a value that JSON does not have.
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
