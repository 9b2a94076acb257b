"""What JSON has for values that it does not know, of the kinds that users have at hand.

Files of any kind become `Media`, see `media.at_hand`; tables become their records, or text; what stands for a plain
value becomes that value. As there, a value is known by its form, so that no package has to be imported for it.
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

from ..errors import InvalidRequest
from ..media.at_hand import file_at_hand
from .result import Result

_MISSING = ("NaTType", "NAType")  # what pandas has in place of a time or a value that is missing


def plain(value: Any) -> Any:
    """What stands for a value that JSON does not know itself. What is within it may have to be asked for in turn.

    Args:
        value: a file of any kind, which becomes a `Media`; a `Result`, for its words, or its file if it has none; a
            dataclass, a model of pydantic or attrs; a data frame, a series or an array scalar; a date or a time, which
            becomes ISO 8601; a duration, which becomes seconds; a `Decimal`, an `Enum`, a `UUID`; a mapping.

    Raises:
        TypeError: it has no clear meaning as JSON.
        InvalidRequest: it looks like a file, and cannot be read as one.
    """
    if isinstance(value, Result):
        return _of_result(value)
    found = file_at_hand(value)
    if found is not None:
        return found
    if type(value).__name__ in _MISSING:
        return None
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


def words_of_table(value: Any) -> str | None:
    """A data frame or a series as CSV, for a text that has it; None for any other value.

    Its own words leave out the rows in the middle.
    """
    if not hasattr(value, "shape"):
        return None
    for name in ("write_csv", "to_csv"):  # of polars, of pandas
        method = getattr(value, name, None)
        if callable(method):
            index = getattr(value, "index", None)
            has_names = index is not None and type(index).__name__ != "RangeIndex"
            return str(method() if name == "write_csv" else method(index=has_names)).rstrip("\n")
    if type(value).__module__.startswith("polars.") and callable(getattr(value, "to_frame", None)):
        return words_of_table(value.to_frame())
    return None


def _of_result(result: Result) -> Any:
    if result.text or not result.media:
        return result.text
    if len(result.media) == 1:
        return result.media[0]
    raise InvalidRequest(f"this Result has {len(result.media)} files", hint="give one of them: result.media[0]")


def _number(value: Decimal) -> int | float:
    if not value.is_finite():
        raise TypeError(f"{value} is no JSON number")
    return int(value) if value == value.to_integral_value() else float(value)


def _by_methods(value: Any) -> Any:
    if isinstance(value, type):
        raise TypeError(f"the class {value.__name__} has no JSON form")
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if hasattr(value, "__attrs_attrs__"):
        return {each.name: getattr(value, each.name) for each in value.__attrs_attrs__}
    for name in ("model_dump", "to_dicts", "isoformat"):  # pydantic, polars, further kinds of dates
        method = getattr(value, name, None)
        if callable(method):
            return method()
    if hasattr(value, "to_json") and hasattr(value, "columns"):  # a data frame of pandas
        return json.loads(value.to_json(orient="records", date_format="iso"))
    for name in ("to_list", "tolist"):
        method = getattr(value, name, None)
        if callable(method) and getattr(value, "ndim", 1) <= 1:
            return _without_nan(method())
    if type(value).__module__.partition(".")[0] in ("pydantic", "pydantic_core"):  # an address, a secret
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _without_nan(value: Any) -> Any:
    """A list of a series, in which NaN stands for what is missing."""
    if not isinstance(value, list):
        return value
    return [None if isinstance(each, float) and math.isnan(each) else each for each in value]
