"""What answers cost: tokens and money, as endpoints report it under several names."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

_MOST_PLAUSIBLE = 10**12  # a greater token count or cost must be a mistake
_MOST_ZEROS = 9  # behind the decimal point of a price
_TOKENS_IN = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count")
_TOKENS_OUT = ("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count")
"""The names of the same counts in OpenAI's two APIs, Anthropic's, Gemini's and Ollama's."""
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class Usage:
    """What one answer cost, or several together. None stands for what no endpoint has reported.

    Attributes:
        tokens_in: the tokens of the prompts.
        tokens_out: the tokens of the answers.
        cost: US dollars.
    """

    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None

    @classmethod
    def of(cls, reported: Mapping[str, Any] | None) -> "Usage":
        """What an endpoint reported, as `Result.usage` has it. Implausible numbers are left out."""
        known = reported or {}
        cost = known.get("cost")
        is_money = isinstance(cost, int | float) and not isinstance(cost, bool) and abs(cost) < _MOST_PLAUSIBLE
        return cls(_count(known, _TOKENS_IN), _count(known, _TOKENS_OUT), cost if is_money else None)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            _sum(self.tokens_in, other.tokens_in),
            _sum(self.tokens_out, other.tokens_out),
            _sum(self.cost, other.cost),
        )

    @property
    def words(self) -> list[str]:
        """Each known number in words, such as ``1,204 tokens in`` and ``$0.0031``."""
        counts = ((self.tokens_in, "in"), (self.tokens_out, "out"))
        words = [f"{count:,} tokens {side}" for count, side in counts if count is not None]
        return words if self.cost is None else [*words, money(self.cost, 6)]


def money(dollars: float, digits: int) -> str:
    """An amount with so many digits behind the zeros at its start, and without an exponent: ``$0.0012``."""
    zeros = -math.floor(math.log10(abs(dollars))) - 1 if dollars else 0  # behind the decimal point
    if zeros > _MOST_ZEROS:
        return f"${dollars:.{digits}g}"
    exact = f"{dollars:.{max(2, zeros + digits)}f}"
    return f"${exact.rstrip('0').rstrip('.')}"


def _count(reported: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    counts = (count for count in map(reported.get, names) if type(count) is int)
    count = next(counts, None)
    return count if count is not None and abs(count) < _MOST_PLAUSIBLE else None


def _sum(first: _Number | None, second: _Number | None) -> _Number | None:
    return second if first is None else first if second is None else first + second
