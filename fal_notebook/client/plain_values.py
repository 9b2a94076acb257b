"""The JSON of values that JSON does not know, of the kinds that users have at hand.

Files of any kind become data URIs, see `media.at_hand`; tables become their records; what stands for a plain value
becomes that value. As there, a value is known by its form, so that no package has to be imported for it.
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from ..media.at_hand import file_at_hand, is_sound
from .result import Result


def encodable(value: Any) -> Any:
    """The value with every pair of samples and rate as a file: JSON would take a pair for a list.

    Raises:
        RecursionError: it is nested too deeply, or holds itself.
    """
    if isinstance(value, tuple) and is_sound(value):
        return file_at_hand(value)
    if isinstance(value, dict):
        return {name: encodable(each) for name, each in value.items()} if _may_hold_sound(value.values()) else value
    if isinstance(value, list | tuple):
        return [encodable(each) for each in value] if _may_hold_sound(value) else value
    return value


def _may_hold_sound(values: Any) -> bool:
    return any(isinstance(each, tuple | list | dict) for each in values)


def plain(value: Any) -> Any:
    """What JSON has for a value that it does not know itself.

    Args:
        value: a file of any kind; a `Result`, for its words; a dataclass or a pydantic model; a data frame, a series or
            an array scalar; a date or a time, which becomes ISO 8601; a duration, which becomes seconds; a `Decimal`,
            an `Enum`, a `UUID`; a mapping.

    Raises:
        TypeError: it has no clear meaning as JSON.
        InvalidRequest: it looks like a file, and cannot be read as one.
    """
    if isinstance(value, Result):
        return value.text
    found = file_at_hand(value)
    if found is not None:
        return found.url or found.data_uri()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return _by_methods(value)


def _number(value: Decimal) -> int | float:
    if not value.is_finite():
        raise TypeError(f"{value} is no JSON number")
    return int(value) if value == value.to_integral_value() else float(value)


def _by_methods(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    for name, options in (("model_dump", {"mode": "json"}), ("to_dicts", {}), ("isoformat", {})):
        method = getattr(value, name, None)
        if callable(method) and not isinstance(value, type):
            return method(**options)
    if hasattr(value, "to_json") and hasattr(value, "columns"):  # a data frame of pandas
        return json.loads(value.to_json(orient="records", date_format="iso"))
    for name in ("to_list", "tolist"):
        method = getattr(value, name, None)
        if callable(method) and getattr(value, "ndim", 1) <= 1:
            return _without_nan(method())
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _without_nan(value: Any) -> Any:
    """A list of a series, in which NaN stands for what is missing."""
    if not isinstance(value, list):
        return value
    return [None if isinstance(each, float) and math.isnan(each) else each for each in value]
