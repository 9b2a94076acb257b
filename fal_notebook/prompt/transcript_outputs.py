"""The outputs that show the static transcript: one for each piece, in every cell that displays the widget."""

import threading
from collections.abc import Iterable

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from ..render.bundles import Bundle
from .transcript import PIECES, Transcript


class TranscriptOutputs:
    """The outputs of a transcript's pieces. Hold the widget's lock around every call."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._handles: list[list[DisplayHandle]] = [[] for _ in range(PIECES)]

    def display(self) -> None:
        """Display all pieces. In a terminal do nothing: it cannot update outputs, and would show only empty lines."""
        if getattr(get_ipython(), "kernel", None) is None:
            return
        for piece, handles in enumerate(self._handles):
            handles += displayed(self._transcript.bundle(piece))

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
