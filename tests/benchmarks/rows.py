"""What a benchmark says: one row for each kind of work and each that does it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measure of one way to do some work.

    Attributes:
        work: what is done.
        who: ours, or a peer's name.
        unit: of the values.
        values: one for each round; infinite where the work was not done in time.
        goal: what ours should reach, in words.
    """

    work: str
    who: str
    unit: str
    values: tuple[float, ...]
    goal: str = ""
