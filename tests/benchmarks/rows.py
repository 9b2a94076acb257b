"""What a benchmark says: one row for each kind of work and each that does it."""

from dataclasses import dataclass

OURS = "fal_notebook"
BOUND = "a bare socket"
"""No peer, but what server and network allow at the most."""


@dataclass(frozen=True)
class Row:
    """One measure of one way to do some work; of every measure, less is better.

    Attributes:
        work: what is done.
        who: ours, or a peer's name.
        unit: of the values.
        values: one for each round; infinite where the work was not done in time.
        goal: what ours should reach: ``≤ 20`` or ``0`` at the median, in its own row; in a peer's row ``≥ 3×``, so
            many times as much for the peer as for ours.
    """

    work: str
    who: str
    unit: str
    values: tuple[float, ...]
    goal: str = ""
