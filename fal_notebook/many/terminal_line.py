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

    Where the standard error is no terminal, only the end of a long wait is told, and why a run stopped.

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
            _write("\r\x1b[K" + f"{found.bar} {found.words}"[: get_terminal_size().columns - 1])

    try:
        yield look
    finally:
        found, cleared = standing(), "\r\x1b[K" if is_terminal else ""
        if sys.stderr is not None and not stays:
            _write(cleared if shown > began else "")
        elif sys.stderr is not None and (time.monotonic() - began >= patience or found.reason):
            _write(f"{cleared}{found.words}\n")


def _write(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # the terminal is gone, or cannot show a character
        sys.stderr.write(text)
        sys.stderr.flush()
