"""Where the static transcript stands in the notebook: an output for each of its pieces, in every cell that shows it."""

import threading
from collections.abc import Iterable

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from ..render.bundles import Bundle
from .transcript import PIECES, Transcript


class TranscriptOutputs:
    """The outputs of a transcript's pieces. The widget's lock is held around every call."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._handles: list[list[DisplayHandle]] = [[] for _ in range(PIECES)]

    def display(self) -> None:
        """Display all pieces here and now. A terminal, which updates no output, would only have their empty lines."""
        if getattr(get_ipython(), "kernel", None) is None:
            return
        for piece, handles in enumerate(self._handles):
            handles += displayed(self._transcript.bundle(piece))

    def update(self, pieces: Iterable[int]) -> None:
        """Bring outputs up to their pieces, in this order."""
        if not threading.main_thread().is_alive():
            return  # the program has ended, and the shell with its outputs is gone
        for piece in pieces:
            bundle = self._transcript.bundle(piece)
            for handle in self._handles[piece]:
                handle.update(bundle, raw=True)


def displayed(bundle: Bundle) -> list[DisplayHandle]:
    """Display a bundle; its handle, if there is one."""
    handle = display(bundle, raw=True, display_id=True)
    return [handle] if handle is not None else []
