"""Sans-I/O: what the form shows of an endpoint's schema: a field for each argument, as plain data for the page.

All words come from a server: they are one line each, bounded, and shown by the page as text. What is beyond a bound, or
of a kind that has no field of its own, is a text area that takes JSON.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..safety.plain_text import one_line, plain_text
from ..schema.checking import Problem
from ..schema.endpoint_schema import MISSING, Argument, EndpointSchema, Shape

Field = dict[str, Any]
"""A field: ``name``, ``control`` and what that control needs; see `_control`."""
_MOST_FIELDS = 80
_MOST_CHOICES = 300
_DEEPEST = 3  # objects within one another; deeper ones are JSON
_LONGEST_NAME = 100  # characters
_LONGEST_HELP = 400
_LONGEST_DEFAULT = 80
_LONG_TEXT = 60  # characters of a default or an example, from which on a text gets several lines
_LONG_NAMES = ("prompt", "text", "script", "lyrics", "description")
_TRUTHS = [["json", "true"], ["json", "false"]]
_WIDEST_SLIDER = 10_000  # steps; a wider range cannot be set with a slider


def fields_of(schema: EndpointSchema, without: Sequence[str]) -> list[Field]:
    """The fields of an endpoint's arguments, in its order.

    Args:
        schema: what the endpoint says of itself.
        without: the arguments that have a place of their own, such as the prompt.
    """
    shown = [each for each in schema.arguments if each.name not in without and not each.hidden and _can_show(each.name)]
    return [_field(each, 0) for each in shown[:_MOST_FIELDS]]


def model_field(schema: EndpointSchema) -> Field | None:
    """The field of the argument ``model``: its choices, its default, and whether it has to be given."""
    model = schema.argument("model")
    return None if model is None else _field(model, 0)


def file_argument(schema: EndpointSchema, kind: str, taken: Mapping[str, Any]) -> Argument | None:
    """The argument that takes a file of this kind: the first that is not given yet, or takes several.

    Args:
        schema: what the endpoint says of itself.
        kind: ``image``, ``audio``, ``video`` or another word for any other file.
        taken: the arguments that are given.
    """
    fitting = [each for each in schema.arguments if each.file in (kind, "file") and not each.hidden]
    fitting.sort(key=lambda each: (each.file != kind, "mask" in each.name, not each.required))
    return next((each for each in fitting if each.name not in taken or takes_several(each)), None)


def takes_several(argument: Argument) -> bool:
    """Whether a value of the argument is a list."""
    return argument.kinds == ("array",) or set(argument.kinds) == {"array", "null"}


def by_argument(problems: Sequence[Problem]) -> dict[str, str]:
    """The problems, by the name of the argument that has to be corrected."""
    found: dict[str, list[str]] = {}
    for each in problems:
        found.setdefault(each.path.partition(".")[0].partition("[")[0], []).append(each.words)
    return {name: "; ".join(words) for name, words in found.items()}


def _field(argument: Argument, depth: int) -> Field:
    default = _default_words(argument)
    field = {"name": argument.name[:_LONGEST_NAME], **_control(argument, depth)}
    field |= {"required": True} if argument.required and argument.default is MISSING else {}
    field |= {"default": default} if default else {}
    help_words = one_line(argument.description, _LONGEST_HELP)
    return field | ({"help": help_words} if help_words else {})


def _control(argument: Argument, depth: int) -> Field:
    """How an argument is asked for.

    ``choice`` has ``choices``, each as its kind and its text in a row of the form, and perhaps ``members`` for an
    object in their place; ``switch`` is on or off; ``number`` may have ``min``, ``max`` and ``step``, and is a slider
    if it has all three; ``object`` has ``members``; ``file`` has the kind of file, and whether it takes ``several``;
    ``text``, ``area``, ``json`` and ``any`` are text.
    """
    shapes = [each for each in argument.shapes if each.kind != "null"]
    kinds = {each.kind for each in shapes}
    choices = [each for shape in shapes for each in shape.choices or () if _can_show(each)]
    members = _members(next((each for each in shapes if each.members), None), depth)
    if argument.file and kinds <= {"string", "array", ""}:
        return {"control": "file", "file": argument.file, "several": takes_several(argument)}
    if choices and len(choices) <= _MOST_CHOICES and all(each.choices or each.members for each in shapes):
        texts = list(map(_row_text, choices))
        return {
            "control": "choice",
            "choices": [each for at, each in enumerate(texts) if each not in texts[:at]],
            **members,
        }
    if kinds == {"boolean"}:
        is_switch = isinstance(argument.default, bool)
        return {"control": "switch"} if is_switch else {"control": "choice", "choices": _TRUTHS}
    if kinds and kinds <= {"integer", "number"}:
        return {"control": "number", **_range(shapes, is_whole=kinds == {"integer"})}
    if kinds == {"string"}:
        return {"control": "area" if _is_long(argument) else "text"}
    if kinds == {"object"} and members:
        return {"control": "object", **members}
    return {"control": "json" if kinds and kinds <= {"object", "array"} else "any"}


def _members(shape: Shape | None, depth: int) -> Field:
    if shape is None or depth + 1 >= _DEEPEST or len(shape.members) > _MOST_FIELDS:
        return {}
    members = [_field(each, depth + 1) for each in shape.members if _can_show(each.name)]
    return {"members": members} if members else {}


def _range(shapes: Sequence[Shape], *, is_whole: bool) -> Field:
    """The bounds of a number, and the step of its slider where it gets one."""
    if len(shapes) != 1:
        return {}
    (shape,) = shapes
    low = shape.minimum if shape.minimum is not None else shape.above
    high = shape.maximum if shape.maximum is not None else shape.below
    found: Field = {"whole": True} if is_whole else {}
    found |= {} if low is None else {"min": low}
    found |= {} if high is None else {"max": high}
    if low is None or high is None or not low < high:
        return found
    step = shape.multiple_of or (1 if is_whole else _step(high - low))
    return found | ({"step": step} if (high - low) / step <= _WIDEST_SLIDER else {})


def _step(width: float) -> float:
    """A power of ten that divides a range into some hundred steps."""
    return float(f"1e{math.floor(math.log10(width)) - 2}")


def _is_long(argument: Argument) -> bool:
    samples = [each for each in (argument.default, *argument.examples[:1]) if isinstance(each, str)]
    is_long = any(len(each) > _LONG_TEXT or "\n" in each for each in samples)
    return is_long or any(word in argument.name for word in _LONG_NAMES)


def _can_show(value: Any) -> bool:
    """Whether a name or a choice can be sent to the page and back: it is short, and Unicode."""
    return not isinstance(value, str) or (len(value) <= _LONGEST_NAME and value == plain_text(value))


def _row_text(value: Any) -> list[str]:
    """A value as the kind and the text of a row of the form."""
    return ["text", value] if isinstance(value, str) else ["json", json.dumps(value)]


def _default_words(argument: Argument) -> str:
    if argument.default is MISSING or argument.default is None:
        return ""
    value = argument.default
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return one_line(words, _LONGEST_DEFAULT)
