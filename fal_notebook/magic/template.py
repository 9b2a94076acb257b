"""Replaces ``{{expression}}`` in a prompt by the value of the user's Python expression.

The expression ends at the first ``}}`` that makes it valid Python, so that it may contain a dictionary. All other
braces, and ``$``, belong to the prompt.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ..client.plain_values import words_of_table
from ..errors import InvalidRequest
from ..media.at_hand import has_no_words

_OPENING, _CLOSING = "{{", "}}"
_MOST_CLOSINGS = 32  # ``}}`` that are tried for one slot; without a limit, the time grows with the square of the text
_LONGEST_WITH_BRACES = 10_000  # characters of an expression that contains a ``}}``
_MOST_NOT_PYTHON = 1_000  # slots that are no Python; after so many, only the first ``}}`` of each further one is tried


class RowVariables(dict[str, Any]):
    """The variables of the expressions for a row of a table.

    What is missing there, a None, has no words; and a column's name is an expression, whatever it looks like.
    """


@dataclass(frozen=True)
class Slot:
    """One ``{{expression}}``, from ``start`` to ``end`` of its text."""

    start: int
    end: int
    expression: str
    code: CodeType | None


def slots(text: str) -> Iterator[Slot]:
    """The slots of a text, in order. A slot whose ``code`` is None is not valid Python."""
    not_python = 0
    place = text.find(_OPENING)
    while place >= 0:
        slot = _slot(text, place, _MOST_CLOSINGS if not_python < _MOST_NOT_PYTHON else 1)
        if slot is None:
            return
        not_python += slot.code is None
        yield slot
        place = text.find(_OPENING, slot.end)


def fill(text: str, namespace: Mapping[str, Any]) -> Any:
    """The text with its slots filled; if the text is a single slot, the value of its expression.

    Args:
        text: a prompt or a value.
        namespace: the variables that the expressions may use.

    Raises:
        InvalidRequest: an expression is not valid Python, uses a name that is not defined, or fails.
    """
    parts: list[str] = []
    end = 0
    for slot in slots(text):
        value = _evaluate(slot, namespace)
        is_first = not parts
        if is_first and not text[: slot.start].strip() and not text[slot.end :].strip():
            return value
        is_missing = value is None and isinstance(namespace, RowVariables)
        parts += [text[end : slot.start], "" if is_missing else _words(value, slot)]
        end = slot.end
    return "".join([*parts, text[end:]])


def _words(value: Any, slot: Slot) -> str:
    """A value within a text. A table has all of its rows, which its own words leave out."""
    if has_no_words(value):
        raise InvalidRequest(
            f"{{{{{slot.expression}}}}} is a {type(value).__name__}, which a text cannot hold",
            hint=f"give it as an argument of its own, such as image_url={{{{{slot.expression}}}}}",
        )
    table = words_of_table(value)
    return str(value) if table is None else table


def _slot(text: str, start: int, most_closings: int) -> Slot | None:
    close = text.find(_CLOSING, start + len(_OPENING))
    first = close
    for _ in range(most_closings):
        if close < 0 or (close > first and close - start > _LONGEST_WITH_BRACES):
            break
        expression = text[start + len(_OPENING) : close].strip()
        code = _compiled(expression)
        if code is not None:
            return Slot(start, close + len(_CLOSING), expression, code)
        close = text.find(_CLOSING, close + 1)
    if first < 0:
        return None
    return Slot(start, first + len(_CLOSING), text[start + len(_OPENING) : first].strip(), None)


def _compiled(expression: str) -> CodeType | None:
    if not expression:
        return None
    try:
        return compile(expression, "{{…}}", "eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _evaluate(slot: Slot, namespace: Mapping[str, Any]) -> Any:
    shown = f"{{{{{slot.expression}}}}}"
    if isinstance(namespace, RowVariables) and slot.expression in namespace:
        return namespace[slot.expression]
    if slot.code is None:
        raise InvalidRequest(f"{shown} is not a Python expression", hint="--raw sends braces as they are")
    try:
        return eval(slot.code, dict(namespace))  # noqa: S307 - the user's own code, in the user's own kernel
    except NameError as exc:
        raise InvalidRequest(f"{exc} in {shown}", hint="--raw sends braces as they are") from None
    except Exception as exc:  # noqa: BLE001 - the user's code may fail in any way
        raise InvalidRequest(f"{shown} failed: {type(exc).__name__}: {exc}") from None
