"""The result of a benchmark: one row for each kind of work and each peer that does it."""

from dataclasses import dataclass

OURS = "fal_notebook"
MADE_UP_KEY = f"{'0' * 8}-{'1' * 4}-{'2' * 4}-{'3' * 4}-{'4' * 12}:{'0123456789abcdef' * 2}"
"""As long as fal's keys are: what is received is searched for it."""
BOUND = "a bare socket"
"""Not a peer, but the best that server and network allow."""


@dataclass(frozen=True)
class Row:
    """One measure of one peer at one kind of work. Of every measure, less is better.

    Attributes:
        work: the kind of work.
        who: the name of the peer, or of this package.
        unit: the unit of the values.
        values: one value for each round; infinite if the work was not done in time.
        goal: the goal for this package: in its own row ``≤ 20`` or ``0``, for the median; in a peer's row ``≥ 3×``, for
            the peer's median divided by ours.
    """

    work: str
    who: str
    unit: str
    values: tuple[float, ...]
    goal: str = ""
