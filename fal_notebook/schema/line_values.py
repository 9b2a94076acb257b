"""Sans-I/O: a text of the magic's line as the kind of value that its argument takes.

``temperature=0.5`` is a number where the endpoint takes a number and no text. A text that cannot be read so stays text.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from .endpoint_schema import Argument, Shape

_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,300}(?:\.[0-9]{0,300})?|\.[0-9]{1,300})(?:[eE][+-]?[0-9]{1,2})?")
_TRUTHS = {"true": True, "false": False}
_LONGEST_JSON = 1_000_000  # characters


def value_of(text: str, argument: Argument | None) -> Any:
    """The value that a text of the line is for an argument; the text itself where it takes text, or is not known."""
    kinds = () if argument is None else argument.kinds
    if argument is None or not kinds or "string" in kinds:
        return text if argument is None else _named(text, argument.shapes)
    stripped = text.strip()
    if "integer" in kinds and _INTEGER.fullmatch(stripped):
        return int(stripped)
    if "number" in kinds and _NUMBER.fullmatch(stripped):
        return int(stripped) if _INTEGER.fullmatch(stripped) else float(stripped)
    if "boolean" in kinds and stripped.lower() in _TRUTHS:
        return _TRUTHS[stripped.lower()]
    if "null" in kinds and stripped in ("null", "None"):
        return None
    opening = {"[": "array", "{": "object"}.get(stripped[:1])
    return _structure(stripped, text) if opening in kinds else text


def _named(text: str, shapes: Sequence[Shape]) -> Any:
    """The text, or the object that it is where an argument takes one or one of some names: an ``image_size``."""
    takes_any_text = any(not shape.kind or (shape.kind == "string" and shape.choices is None) for shape in shapes)
    takes_objects = any(shape.kind == "object" for shape in shapes)
    stripped = text.strip()
    return _structure(stripped, text) if takes_objects and not takes_any_text and stripped[:1] == "{" else text


def _structure(stripped: str, text: str) -> Any:
    """The list or object that a text is in JSON, else the text."""
    try:
        return json.loads(stripped) if len(stripped) <= _LONGEST_JSON else text
    except (ValueError, RecursionError):
        return text
