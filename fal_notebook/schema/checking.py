"""Sans-I/O: holds arguments against an endpoint's schema, and says every problem in one go.

A schema may lag behind its endpoint, and a server reads some values with goodwill: ``"4"`` for a number, ``1`` for yes.
So a problem is certain only where no server that reads as fal's do can take the value: a required argument is missing,
or a value is of another kind and cannot be read as the kind that is wanted. Everything else is doubtful.

Values that JSON does not know, such as a path or a picture, are not judged: they become what JSON knows when they are
sent.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

from ..safety.plain_text import one_line
from .endpoint_schema import MISSING, EndpointSchema, Shape

MOST_PROBLEMS = 20
"""The most problems that are told."""
_MOST_VALUES = 2_000  # of one request that are judged
_DEEPEST = 10  # levels of lists and objects
_NEAR = 0.6  # how like a known name an unknown one has to be, to be taken for it
_MOST_NEAR = 500  # names among which the nearest is looked for
_LONGEST_NAME = 60  # characters in a message
_LONGEST_VALUE = 40
_MOST_CHOICES = 8  # in a message
_LARGEST = 2**53  # from here on a float has no fractions, and its multiples mean nothing
_TRUTHS = frozenset(("0", "1", "f", "t", "n", "y", "no", "yes", "off", "on", "false", "true"))  # as pydantic reads them
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with the arguments, or seems so.

    Attributes:
        path: the argument, or the place within it: ``loras[0].scale``.
        words: what is wrong, with the path in it.
        is_certain: whether the endpoint is certain to refuse it.
    """

    path: str
    words: str
    is_certain: bool = False


def check(schema: EndpointSchema, arguments: Mapping[str, Any]) -> list[Problem]:
    """Every problem of the arguments, the certain ones first, at most `MOST_PROBLEMS`."""
    found = list(islice(_Check().members(schema.shape, arguments, "", 0), 10 * MOST_PROBLEMS))
    return sorted(found, key=lambda problem: not problem.is_certain)[:MOST_PROBLEMS]


def words_of(kinds: Sequence[str]) -> str:
    """Kinds of values in words: ``a whole number or null``."""
    return " or ".join(_WORDS[each] for each in kinds)


class _Check:
    """One check, which judges a bounded number of values."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def members(self, shape: Shape, values: Mapping[Any, Any], path: str, depth: int) -> Iterator[Problem]:
        """The problems of an object's members: those that are missing, that are unknown, and that do not fit."""
        known = {each.name: each for each in shape.members}
        for each in shape.members:
            if each.required and each.name not in values:
                name = _shown(path, each.name)
                yield Problem(name, f"{name} is missing", is_certain=each.default is MISSING)
        for name, value in islice(values.items(), _MOST_VALUES):
            member = known.get(name)
            if member is not None:
                yield from self.value(member.shapes, value, _shown(path, name), depth, required=member.required)
            elif not shape.takes_more:
                yield _unknown(_shown(path, name), str(name), [each for each in known if each not in values])

    def value(
        self, shapes: Sequence[Shape], value: Any, path: str, depth: int, *, required: bool = True
    ) -> Iterator[Problem]:
        """The problems of a value, in the form that it fits best."""
        self._left -= 1
        kind = _kind(value)
        if kind is None or self._left < 0 or depth > _DEEPEST or any(not shape.kind for shape in shapes):
            return
        fitting = [shape for shape in shapes if _is_of_kind(value, kind, shape.kind)]
        if not fitting:
            yield _wrong_kind(shapes, value, kind, path, required=required)
            return
        best: list[Problem] | None = None
        for shape in fitting:
            found = list(islice(self._in_shape(shape, value, path, depth), MOST_PROBLEMS))
            if not found:
                return
            best = found if best is None or len(found) < len(best) else best
        choices = [each for shape in fitting for each in shape.choices or ()]
        if len(fitting) > 1 and choices and kind not in ("array", "object"):
            best = [_no_choice(choices, value, path)]
        certain = len(fitting) == 1 and not any(
            _is_perhaps(value, kind, shape.kind, required=required) for shape in shapes if shape not in fitting
        )
        yield from (Problem(each.path, each.words, is_certain=each.is_certain and certain) for each in best or ())

    def _in_shape(self, shape: Shape, value: Any, path: str, depth: int) -> Iterator[Problem]:
        if shape.choices is not None and not any(_is_same(value, each) for each in shape.choices):
            yield _no_choice(shape.choices, value, path)
        elif isinstance(value, dict):
            yield from self.members(shape, value, path, depth + 1)
        elif isinstance(value, list):
            yield from _length_problems(shape, len(value), "items", path)
            if shape.items:
                for number, each in enumerate(islice(value, max(0, self._left))):
                    yield from self.value(shape.items, each, f"{path}[{number}]", depth + 1)
        elif isinstance(value, str):
            yield from _length_problems(shape, len(value), "characters", path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from _range_problems(shape, value, path)


def _unknown(path: str, name: str, known: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(name[:_LONGEST_NAME], known[:_MOST_NEAR], n=1, cutoff=_NEAR)
    meant = f"; did you mean {one_line(near[0], _LONGEST_NAME)}?" if near else ""
    return Problem(path, f"{path} is no argument of this endpoint{meant}")


def _wrong_kind(shapes: Sequence[Shape], value: Any, kind: str, path: str, *, required: bool) -> Problem:
    kinds = list(dict.fromkeys(shape.kind for shape in shapes))
    wanted = words_of([each for each in kinds if each != "null"] or kinds)
    said = f"{path} is {_quoted(value)}, and {wanted} is wanted"
    return Problem(path, said, is_certain=not any(_is_perhaps(value, kind, each, required=required) for each in kinds))


def _is_perhaps(value: Any, kind: str, wanted: str, *, required: bool) -> bool:
    """Whether a server may read a value as one of another kind, as pydantic does, which fal's apps use."""
    if kind == "null":
        return not required  # older documents do not say which arguments may be null
    if wanted in ("integer", "number"):
        return kind in ("boolean", "number", "integer") or (kind == "string" and _is_number(value))
    if wanted == "boolean":
        return kind in ("number", "integer") or (kind == "string" and value.strip().lower() in _TRUTHS)
    if wanted == "string":
        return kind in ("number", "integer", "boolean")
    return wanted == "object" and kind == "array"  # pairs


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _no_choice(choices: Sequence[Any], value: Any, path: str) -> Problem:
    shown = ", ".join(_quoted(each) for each in choices[:_MOST_CHOICES])
    more = " …" if len(choices) > _MOST_CHOICES else ""
    said = [each for each in choices[:_MOST_NEAR] if isinstance(each, str)]
    near = difflib.get_close_matches(value[:_LONGEST_NAME], said, n=1, cutoff=_NEAR) if isinstance(value, str) else []
    meant = f"; did you mean {_quoted(near[0])}?" if near else ""
    return Problem(path, f"{path} is {_quoted(value)}, which is none of {shown}{more}{meant}")


def _length_problems(shape: Shape, length: int, unit: str, path: str) -> Iterator[Problem]:
    if shape.shortest is not None and length < shape.shortest:
        yield Problem(path, f"{path} has {length:,} {unit}, and at least {shape.shortest:,} are wanted")
    if shape.longest is not None and length > shape.longest:
        yield Problem(path, f"{path} has {length:,} {unit}, and at most {shape.longest:,} are allowed")


def _range_problems(shape: Shape, value: float, path: str) -> Iterator[Problem]:
    bounds = (
        (shape.minimum is not None and value < shape.minimum, "at least", shape.minimum),
        (shape.maximum is not None and value > shape.maximum, "at most", shape.maximum),
        (shape.above is not None and value <= shape.above, "more than", shape.above),
        (shape.below is not None and value >= shape.below, "less than", shape.below),
    )
    for is_beyond, words, bound in bounds:
        if is_beyond:
            yield Problem(path, f"{path} is {_quoted(value)}, and has to be {words} {_quoted(bound)}")
    step = shape.multiple_of
    if step and abs(value) < _LARGEST and not _is_multiple(value, step):
        yield Problem(path, f"{path} is {_quoted(value)}, and has to be a multiple of {_quoted(step)}")


def _is_multiple(value: float, step: float) -> bool:
    """Whether a number is a multiple as it is written: 0.3 is one of 0.1, which in binary it is not."""
    return (Fraction(repr(value)) / Fraction(repr(step))).denominator == 1


def _kind(value: Any) -> str | None:
    """The kind of a value that JSON knows; None of any other."""
    return "null" if value is None else _TYPES.get(type(value))


def _is_of_kind(value: Any, kind: str, wanted: str) -> bool:
    if kind == wanted or (kind == "integer" and wanted == "number"):
        return True
    return kind == "number" and wanted == "integer" and value == value // 1  # 4.0 is a whole number in JSON


def _is_same(first: Any, second: Any) -> bool:
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)


def _shown(path: str, name: object) -> str:
    own = one_line(str(name), _LONGEST_NAME)
    return f"{path}.{own}" if path else own


def _quoted(value: Any) -> str:
    """A value as it is told: short, and of a list or an object only what it is."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return repr(one_line(value[: 2 * _LONGEST_VALUE], _LONGEST_VALUE))
    try:
        return one_line(str(value), _LONGEST_VALUE)
    except ValueError:  # an integer with thousands of digits
        return "a very long number"
