"""What is known of a run before anything is sent: how many rows, which of them the endpoint refuses, what it costs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..client.prices import Price
from ..client.usage import money
from ..render.bundles import Bundle, small_bundle
from .journal_view import JournalView

if TYPE_CHECKING:
    from ..schema.endpoint_schema import EndpointSchema

MOST_CHECKED = 10_000
"""Rows that are held against the schema."""
_PAGE = 500
_DIGITS = 2


@dataclass(frozen=True)
class Estimate:
    """What a run would do.

    Attributes:
        endpoint: the endpoint that is asked.
        rows: how many rows there are.
        duplicates: how many of them ask what an earlier one asks.
        is_unique: whether these share its answer.
        refused: the rows that the endpoint's schema refuses, each with why.
        checked: how many rows were held against the schema; 0 where none is known.
        price: what fal says that a unit costs; None where there is no key, or no price.
        expected: what fal expects all requests to cost, of what earlier ones did, in US dollars; None where unknown.
        engine: what sends the rows, and why.
    """

    endpoint: str
    rows: int
    duplicates: int
    is_unique: bool
    refused: dict[int, str]
    checked: int
    price: Price | None
    engine: str
    expected: float | None = None

    @property
    def requests(self) -> int:
        """How many requests are sent."""
        return self.rows - len(self.refused) - (self.duplicates if self.is_unique else 0)

    @property
    def dollars(self) -> float | None:
        """What all requests cost, in US dollars; None where the price is unknown, or is not one of requests."""
        price = None if self.price is None else self.price.dollars_a_request
        return None if price is None else price * self.requests

    def __str__(self) -> str:
        parts = [self.endpoint, f"{self.rows:,} rows"]
        if self.duplicates:
            how = "asked once" if self.is_unique else "asked as often as they stand there; unique=True asks them once"
            parts.append(f"{self.duplicates:,} duplicate{'' if self.duplicates == 1 else 's'}, {how}")
        if self.refused:
            number, why = next(iter(self.refused.items()))
            parts.append(f"{len(self.refused):,} do not fit the schema and are not sent, such as row {number}: {why}")
        elif self.checked:
            some = "" if self.checked >= self.rows else f"the first {self.checked:,} "
            parts.append(f"{some or 'all '}fit the schema")
        total = "" if self.dollars is None else f", {money(self.dollars, _DIGITS)} in all"
        if self.dollars is None and self.expected is not None:
            total = f", some {money(self.expected, _DIGITS)} in all, as fal expects of earlier requests"
        parts.append(f"price: {'unknown' if self.price is None else self.price}{total}")
        return " · ".join([*parts, self.engine])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return small_bundle(str(self))


def refused_rows(view: JournalView, schema: "EndpointSchema") -> dict[int, str]:
    """The rows, of the first ones, that the endpoint is certain to refuse, each with why."""
    from ..schema.checking import check

    refused: dict[int, str] = {}
    for start in range(0, min(len(view), MOST_CHECKED), _PAGE):
        numbers = range(start, min(start + _PAGE, len(view), MOST_CHECKED))
        for number, arguments in view.arguments(numbers).items():
            problems = check(schema, arguments)
            if problems and problems[0].is_certain:
                refused[number] = "; ".join(each.words for each in problems if each.is_certain)
    return refused
