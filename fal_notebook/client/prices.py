"""What endpoints cost, as fal's platform says it to whoever has a key; kept for an hour."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConnectError
from ..safety.bounded_json import decode_json
from ..safety.plain_text import one_line
from ..wire.environment import is_public_fal
from ..wire.platform_api import MOST_FOUND, fetch_estimate, fetch_prices
from .usage import money

_FRESH_SECONDS = 3600.0
_SECONDS_TO_NEXT_TRY = 60.0  # after they could not be fetched
_LONGEST_UNIT = 40  # characters
_REQUESTS = ("request", "requests", "call", "calls")
_MOST_PLAUSIBLE = 1e9


@dataclass(frozen=True)
class Price:
    """The price of an endpoint.

    Attributes:
        amount: what a unit costs.
        unit: what is counted: ``megapixels``, ``images``, ``seconds``.
        currency: in which money: ``USD``.
    """

    amount: float
    unit: str
    currency: str = "USD"

    @property
    def dollars_a_request(self) -> float | None:
        """What a request costs, in US dollars; None where that depends on what it makes, or is in other money."""
        return self.amount if self.unit.lower() in _REQUESTS and self.currency == "USD" else None

    def __str__(self) -> str:
        amount = money(self.amount, 3) if self.currency == "USD" else f"{self.amount:g} {self.currency}"
        is_plural = self.unit.isalpha() and self.unit.endswith("s") and not self.unit.endswith("ss")
        return f"{amount} per {self.unit[:-1] if is_plural else self.unit}"


class Prices:
    """The prices that this session knows. To be asked on the user's thread, where a key can be looked up."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Price | None]] = {}
        self._failed = 0.0

    def of(self, endpoints: Sequence[str], base_url: str | None = None) -> dict[str, Price]:
        """The prices of endpoints, without those that are not known: there is no key, or fal does not say it.

        At most `MOST_FOUND` endpoints are asked for at once. A gateway of the user's own has no prices.
        """
        if not is_public_fal(base_url):
            return {}
        due = [each for each in dict.fromkeys(endpoints) if not self._is_fresh(each)][:MOST_FOUND]
        if due and time.time() - self._failed > _SECONDS_TO_NEXT_TRY:
            try:
                answer = fetch_prices(due)
                found = {} if answer is None else read_prices(decode_json(answer))
            except (ConnectError, ValueError):
                answer, self._failed = None, time.time()
            if answer is not None:
                self._known |= {each: (time.time(), found.get(each)) for each in due}
        known = {each: self._known[each][1] for each in endpoints if self._is_fresh(each)}
        return {each: price for each, price in known.items() if price is not None}

    def estimated(self, endpoint: str, calls: int, base_url: str | None = None) -> float | None:
        """What fal expects so many calls of an endpoint to cost, of what earlier ones did, in US dollars.

        None where there is no key, or fal does not say it.
        """
        if not is_public_fal(base_url) or calls <= 0:
            return None
        try:
            answer = fetch_estimate(endpoint, calls)
            return None if answer is None else read_estimate(decode_json(answer))
        except (ConnectError, ValueError):
            return None

    def _is_fresh(self, endpoint: str) -> bool:
        found = self._known.get(endpoint)
        return found is not None and 0 <= time.time() - found[0] < _FRESH_SECONDS


def read_prices(answer: object) -> dict[str, Price]:
    """The prices in an answer of fal's platform, by endpoint. What is not understood is left out."""
    prices = answer.get("prices") if isinstance(answer, dict) else None
    found = (_price(each) for each in prices[:MOST_FOUND] if isinstance(each, dict)) if isinstance(prices, list) else ()
    return dict(each for each in found if each is not None)


def read_estimate(answer: object) -> float | None:
    """The US dollars in an estimate of fal's platform; None where it cannot be understood."""
    match answer:
        case {"total_cost": int() | float() as total, "currency": "USD"} if not isinstance(total, bool):
            return float(total) if math.isfinite(total) and 0 <= total < _MOST_PLAUSIBLE else None
    return None


def _price(told: Mapping[str, Any]) -> tuple[str, Price] | None:
    match told:
        case {"endpoint_id": str(endpoint), "unit_price": int() | float() as amount, "unit": str(unit), **more}:
            if isinstance(amount, bool) or not math.isfinite(amount) or not 0 <= amount < _MOST_PLAUSIBLE:
                return None
            currency = more.get("currency", "USD")
            said = one_line(currency, 8) if isinstance(currency, str) else "USD"
            return endpoint, Price(float(amount), one_line(unit, _LONGEST_UNIT), said)
    return None
