"""The times of a column that holds days only: their words are the day, as the table itself shows them.

Tables have no kind for a day (pandas), or have made times of days when they were read. Everything else that such a time
can do, it still does.
"""

from datetime import datetime, time
from typing import Any

_MIDNIGHT = time()


class Day(datetime):
    """A time whose words are its day alone, as long as it is midnight.

    Attributes:
        original: the table's own value; what a `datetime` does not have is asked of it, such as ``day_name``.
    """

    original: Any = None

    @classmethod
    def of(cls, value: datetime) -> "Day":
        """The day of a time."""
        day = cls(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
        day.original = value
        return day

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """The day, as in ``2026-11-30``; with the time if it is another one than midnight."""
        if self.time() == _MIDNIGHT and timespec == "auto":
            return self.date().isoformat()
        return super().isoformat(sep, timespec)

    def __str__(self) -> str:
        return self.isoformat(" ")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


def are_days(values: Any) -> bool:
    """Whether all times of a column are midnight, of no time zone; what is missing says nothing.

    Args:
        values: a column of pandas or polars.
    """
    if not str(getattr(values, "dtype", "")).lower().startswith("datetime") or getattr(values.dtype, "tz", None):
        return False
    if getattr(values.dtype, "time_zone", None):  # polars' word for it
        return False
    known = values.dropna() if hasattr(values, "dropna") else values.drop_nulls()
    whole = known.dt.normalize() if hasattr(known.dt, "normalize") else known.dt.truncate("1d")
    return len(known) > 0 and bool((known == whole).all())
