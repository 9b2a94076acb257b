"""The line that tells how many rows were read, where that takes longer than a moment."""

import sys
import time
from typing import Self

from IPython.core.getipython import get_ipython

from ..many.run import PATIENCE
from ..many.terminal_line import write
from ..render.bundles import small_bundle
from .front_end import Screen, screen_of
from .outputs import ReplaceableOutput, replaceable_output

_PAUSE = 0.5  # seconds between two updates


class ReadingLine:
    """Called with the number of each row as it is read, within its ``with`` block."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._due = self._began + PATIENCE
        self._rows = 0
        self._is_shown = False
        self._output: ReplaceableOutput | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def __call__(self, number: int) -> None:
        """Note that a row is read; show the line if it is time to."""
        self._rows = number + 1
        if (now := time.monotonic()) >= self._due:
            self._due = now + _PAUSE
            self._show(f"reading rows: {number:,}")

    def end(self) -> None:
        """Leave in a page how many rows were read; in a terminal, nothing. A second call does nothing."""
        if not self._is_shown:
            return
        self._is_shown = False
        if self._output is None:
            write("\r\x1b[K")
        else:
            seconds = time.monotonic() - self._began
            self._output.replace(small_bundle(f"{self._rows:,} rows read in {seconds:.0f} s"))

    def _show(self, words: str) -> None:
        screen = None if (shell := get_ipython()) is None else screen_of(shell)
        if screen is Screen.WIDGETS:
            if self._output is None:
                self._output = replaceable_output(small_bundle(words))
            else:
                self._output.replace(small_bundle(words))
        elif screen in (None, Screen.TEXT) and sys.stderr is not None and sys.stderr.isatty():
            write(f"\r\x1b[K{words}")
        else:
            return
        self._is_shown = True
