"""The outputs that show the static transcript: one for each piece, in every cell that displays the widget."""

import threading
from collections import defaultdict
from collections.abc import Iterable

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from ..display.front_end import Screen, screen_of
from ..render.bundles import Bundle
from .transcript import Transcript


class TranscriptOutputs:
    """The outputs of a transcript's pieces. Hold the widget's lock around every call."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._handles: defaultdict[int, list[DisplayHandle]] = defaultdict(list)  # by the number of their piece

    def display(self) -> None:
        """Display all pieces. In a terminal do nothing: it cannot update outputs, and would show only empty lines.

        Where no output is updated after the cell, as in a run without a page, all of it is formatted now.
        """
        shell = get_ipython()
        if shell is None or getattr(shell, "kernel", None) is None:
            return
        if screen_of(shell) is not Screen.WIDGETS:
            for piece in self._transcript.with_words_only:
                self._transcript.format(piece)
        for piece in range(len(self._transcript.versions)):
            self._handles[piece] += displayed(self._transcript.bundle(piece))

    def update(self, pieces: Iterable[int]) -> None:
        """Write these pieces into their outputs, in this order."""
        if not threading.main_thread().is_alive():
            return  # the program is ending, and the shell no longer exists
        for piece in pieces:
            bundle = self._transcript.bundle(piece)
            for handle in self._handles[piece]:
                handle.update(bundle, raw=True)


def displayed(bundle: Bundle) -> list[DisplayHandle]:
    """Display a bundle; return its handle, if IPython gives one."""
    handle = display(bundle, raw=True, display_id=True)
    return [handle] if handle is not None else []
