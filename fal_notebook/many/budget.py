"""Sans-I/O: what a run may cost, what it has cost, and what the requests under way will cost at most."""

import math

_TOLERANCE = 1e-9  # dollars: sums of prices are not exact


class Budget:
    """Says whether a further request may be sent.

    Until a price is known, one request is sent at a time. The price of a request under way is taken to be that of the
    dearest so far, or the one that fal says, if that is more.

    Args:
        limit: US dollars; None where the user gave none, infinite where an earlier one is to end.
        spent: what was billed before.
        price: the price of a request, if it is known before.

    Attributes:
        limit: as above; it may be set at any time.
        spent: what was billed so far.
        is_blind: whether an answer came whose cost is not known, so that the limit cannot be kept.
    """

    def __init__(self, limit: float | None = None, *, spent: float = 0.0, price: float | None = None) -> None:
        self.limit = limit
        self.spent = spent
        self.is_blind = False
        self._price = price

    @property
    def is_limited(self) -> bool:
        """Whether the user gave a limit."""
        return self.limit is not None and self.limit < math.inf

    def allows(self, under_way: int) -> bool:
        """Whether one more request may be sent."""
        if (limit := self.limit) is None or limit == math.inf:
            return True
        if self.is_blind:
            return False
        if self._price is None:
            return under_way == 0 and self.spent + _TOLERANCE < limit
        return self.spent + (under_way + 1) * self._price <= limit + _TOLERANCE

    def billed(self, cost: float | None) -> None:
        """Take note of what a request cost, if it is known."""
        if cost is None:
            self.spent += self._price or 0.0
            self.is_blind = self.is_blind or self._price is None
            return
        self.spent += cost
        self._price = max(cost, self._price or 0.0)
