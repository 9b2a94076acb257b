"""``{{expression}}`` in a prompt: the user's Python, evaluated where it stands.

The expression ends at the first ``}}`` that makes it Python, so that a dictionary may stand in it. Every other
brace, and ``$``, is the prompt's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ..errors import InvalidRequest

_OPEN, _CLOSE = "{{", "}}"
_MOST_CLOSES = 32  # that one expression may hold; else a text full of braces costs the square of its length
_LONGEST = 10_000  # characters of an expression that holds any
_MOST_IN_VAIN = 1_000  # slots of a text that are looked at so far, and are no Python; of others only the first close is


@dataclass(frozen=True)
class Slot:
    """One ``{{expression}}``, from ``start`` to ``end`` of its text."""

    start: int
    end: int
    expression: str
    code: CodeType | None


def slots(text: str) -> Iterator[Slot]:
    """The slots of a text, in order; one without ``code`` is not Python."""
    in_vain = 0
    place = text.find(_OPEN)
    while place >= 0:
        slot = _slot(text, place, _MOST_CLOSES if in_vain < _MOST_IN_VAIN else 1)
        if slot is None:
            return
        in_vain += slot.code is None
        yield slot
        place = text.find(_OPEN, slot.end)


def fill(text: str, namespace: Mapping[str, Any]) -> Any:
    """The text with its slots filled; the value itself where the text is nothing but one slot.

    Args:
        text: a prompt or a value.
        namespace: the names that the expressions may use.

    Raises:
        InvalidRequest: an expression is not Python, uses a name that is not defined, or fails.
    """
    parts: list[str] = []
    end = 0
    for slot in slots(text):
        value = _evaluate(slot, namespace)
        is_first = not parts
        if is_first and not text[: slot.start].strip() and not text[slot.end :].strip():
            return value
        parts += [text[end : slot.start], str(value)]
        end = slot.end
    return "".join([*parts, text[end:]])


def _slot(text: str, start: int, most_closes: int) -> Slot | None:
    close = text.find(_CLOSE, start + len(_OPEN))
    first = close
    for _ in range(most_closes):
        if close < 0 or (close > first and close - start > _LONGEST):
            break
        expression = text[start + len(_OPEN) : close].strip()
        code = _compiled(expression)
        if code is not None:
            return Slot(start, close + len(_CLOSE), expression, code)
        close = text.find(_CLOSE, close + 1)
    if first < 0:
        return None
    return Slot(start, first + len(_CLOSE), text[start + len(_OPEN) : first].strip(), None)


def _compiled(expression: str) -> CodeType | None:
    if not expression:
        return None
    try:
        return compile(expression, "{{…}}", "eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _evaluate(slot: Slot, namespace: Mapping[str, Any]) -> Any:
    shown = f"{{{{{slot.expression}}}}}"
    if slot.code is None:
        raise InvalidRequest(f"{shown} is not a Python expression", hint="--raw sends braces as they are")
    try:
        return eval(slot.code, dict(namespace))  # noqa: S307 - the user's own code, in the user's own kernel
    except NameError as exc:
        raise InvalidRequest(f"{exc} in {shown}", hint="--raw sends braces as they are") from None
    except Exception as exc:  # noqa: BLE001 - the user's code may fail in any way
        raise InvalidRequest(f"{shown} failed: {type(exc).__name__}: {exc}") from None
