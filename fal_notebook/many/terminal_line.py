"""The line that tells in a terminal how a run stands, while someone waits for it."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from shutil import get_terminal_size

from .progress import Standing

_PAUSE = 0.5  # seconds between two updates


@contextlib.contextmanager
def terminal_line(
    standing: Callable[[], Standing], patience: float, *, stays: bool = True
) -> Iterator[Callable[[], None]]:
    """Show the line within the block, each time that it is asked to look; at the end, leave the last one.

    Where the standard error is no terminal, only the end of a long wait is told, why a run stopped, and that rows have
    no answer.

    Args:
        standing: how the run stands.
        patience: seconds before the line comes.
        stays: whether to leave the last line.
    """
    began = shown = time.monotonic()
    is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def look() -> None:
        nonlocal shown
        now = time.monotonic()
        if is_terminal and now - began >= patience and now - shown >= _PAUSE:
            shown = now
            found = standing()
            write("\r\x1b[K" + fitted(found, get_terminal_size().columns - 1))

    try:
        yield look
    finally:
        found, cleared = standing(), "\r\x1b[K" if is_terminal else ""
        if sys.stderr is not None and not stays:
            write(cleared if shown > began else "")
        elif sys.stderr is not None and (time.monotonic() - began >= patience or found.reason or found.is_to_be_told):
            write(f"{cleared}{found.words}\n")


def fitted(found: Standing, width: int) -> str:
    """How a run stands, within so many columns: the bar and the endpoint give way to the numbers."""
    numbers = found.words.removeprefix(f"{found.endpoint} · ")
    percent = found.bar.split(" ", 1)[1]
    lines = (f"{found.bar} {found.words}", f"{found.bar} {numbers}", f"{percent} · {numbers}")
    return next((each for each in lines if len(each) <= width), lines[-1][:width])


def write(text: str) -> None:
    """Write to the standard error, which is there."""
    with contextlib.suppress(OSError, ValueError):  # the terminal is gone, or cannot show a character
        sys.stderr.write(text)
        sys.stderr.flush()
