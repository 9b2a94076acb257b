"""Floor 9: a run that goes on while the notebook does.

Its output is found by a display id, which is the one way that reaches its own cell from another thread, whichever
cell runs then. So it shows words by replacing what is shown, less often the longer they get.
"""

import threading
from collections.abc import Callable

from IPython.display import DisplayHandle, display

from .inbox import Inbox
from .live import Live, Shown, follow
from .render import Bundle, as_html, merged, small_bundle, text_bundle
from .result import Format, Result
from .streaming import Stream
from .waiting import wait

_CHARACTERS_A_SECOND = 100_000


class BackgroundLive(Live):
    """The live part of an output that is replaced as a whole.

    Attributes:
        note: what to say below the result, such as an error or where it was saved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.note = ""
        self._shown = ""
        self._handle: DisplayHandle | None = display(
            small_bundle("running in the background; %falstream stop stops it"), raw=True, display_id=True
        )

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        parts = [as_html(bundle) for bundle in result.outputs(style, autoplay=autoplay)]
        if self.note:
            parts.append(small_bundle(self.note))
        self._update(merged(parts)[0])

    def _write(self, text: str, replaces: Shown) -> None:
        self._shown = self._shown + text if replaces is Shown.NOTHING else text
        self.pause = max(self.pause, len(self._shown) / _CHARACTERS_A_SECOND)
        self._update(text_bundle(self._shown, "text"))

    def _update(self, bundle: Bundle) -> None:
        if self._handle is not None:
            self._handle.update(bundle, raw=True)


class BackgroundRun:
    """A request whose answer streams into its own output while other cells run.

    Args:
        stream: the request, sent.
        live: where it shows itself.
        finish: what to do with the result when it is there.
    """

    def __init__(self, stream: Stream, live: Live, finish: Callable[[Result], None]) -> None:
        self.endpoint = stream.endpoint
        self._stream = stream
        self._live = live
        self._finish = finish
        self._ended: Inbox[Result] = Inbox()
        self._result: Result | None = None

    def start(self) -> None:
        """Begin to follow the request, on a thread of its own."""
        threading.Thread(target=self._follow, name=f"fal_notebook {self.endpoint}", daemon=True).start()

    @property
    def is_done(self) -> bool:
        """Whether the answer is whole, failed or stopped, and shown."""
        return self._result is not None

    def cancel(self) -> None:
        """Stop the request at once; what has come stays."""
        self._stream.cancel()

    def result(self) -> Result:
        """Wait for the end and return the result.

        Raises:
            FalNotebookError: the request failed.
        """
        while self._result is None:
            wait(self._ended)
        if self._result.error is not None:
            raise self._result.error
        return self._result

    def __repr__(self) -> str:
        state = "ended" if self.is_done else f"{self._stream.elapsed:.1f} s, {self._stream.bytes:,} bytes"
        return f"<BackgroundRun {self.endpoint}, {state}>"

    def _follow(self) -> None:
        follow(self._stream, self._live)
        result = self._stream.outcome()
        self._finish(result)
        self._result = result
        self._ended.put(result)
