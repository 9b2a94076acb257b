"""Floor 9: a run that goes on while the notebook does.

Its output is found by a display id, which is the one way that reaches its own cell from another thread, whichever
cell runs then. So it shows words and pictures by replacing what is shown, less often the more there is.
"""

import sys
import threading
from collections.abc import Callable

from IPython.display import DisplayHandle, display

from .inbox import Inbox
from .live import REFRESHES, WORTH_STOPPING, Live, Shown, follow
from .media import Media
from .plain import one_line
from .previews import PICTURE_BYTES
from .render import Bundle, as_html, media_bundle, merged, small_bundle, text_bundle
from .result import Format, Result
from .stop_button import StopButton
from .streaming import Stream
from .updates import Progress
from .waiting import wait

_CHARACTERS_A_SECOND = 100_000
_NOTHING = {"text/plain": "", "text/html": ""}


class BackgroundLive(Live):
    """The live part of an output that is replaced as a whole, and below it one with a Stop button.

    At the end the first holds the body of the result, the second its status line. A request that ends before anyone
    could click has no button.

    Args:
        stop: what the button does; None where no widget can be shown.

    Attributes:
        note: what to say below the result, such as an error or where it was saved.
    """

    def __init__(self, stop: Callable[[], object] | None = None) -> None:
        super().__init__()
        self.note = ""
        self._shown = ""
        self._drawn: tuple[Progress | None, Media | None] = (None, None)
        self._handle: DisplayHandle | None = display(
            small_bundle("running in the background; %falstream stop stops it"), raw=True, display_id=True
        )
        self._stop = stop
        self._button: StopButton | None = None
        self._foot: DisplayHandle | None = display(_NOTHING, raw=True, display_id=True) if stop else None

    def refresh(self, stream: Stream) -> None:
        super().refresh(stream)
        if self._drawn != (self._progress, self._picture) and not stream.is_done:
            self._redraw()
        if self._button is None and stream.elapsed >= WORTH_STOPPING:
            self._offer_stop()

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        whole = merged(as_html(bundle) for bundle in result.outputs(style, autoplay=autoplay))[0]
        notes = [small_bundle(self.note)] if self.note else []
        if self._stop is None:
            _replace(self._handle, merged([whole, *notes])[0])
            return
        foot = small_bundle(result.status_line)
        body = {kind: words.removesuffix(foot[kind]).rstrip("\n") for kind, words in whole.items()}
        _replace(self._handle, body if body["text/plain"] else small_bundle("no answer came"))
        _replace(self._foot, merged([foot, *notes])[0])
        if self._button is not None:
            self._button.close()

    def _write(self, text: str, replaces: Shown) -> None:
        self._shown = self._shown + text if replaces is Shown.NOTHING else text
        self._redraw()

    def _progress_words(self) -> str:
        """Nothing: it has a line of its own."""
        return ""

    def _offer_stop(self) -> None:
        if self._stop is not None and self._foot is not None:
            self._button = StopButton(self._stop)
            self._foot.update(self._button.widget)

    def _redraw(self) -> None:
        """Show all there is. A refresh sends everything again, so what it costs sets the pace."""
        self._drawn = self._progress, self._picture
        parts = [small_bundle(self._progress.words)] if self._progress and self._progress.words else []
        if self._picture is not None:
            parts.append(as_html(media_bundle(self._picture)))
        parts.append(text_bundle(self._shown, "text"))
        _replace(self._handle, merged(parts)[0])
        size = len(self._picture.data or b"") if self._picture else 0
        cost = len(self._shown) / _CHARACTERS_A_SECOND + size / PICTURE_BYTES
        self._rest(max(1 / REFRESHES, cost))


class BackgroundLine(Live):
    """Nothing while it runs, and one line in a terminal when the answer is there.

    Args:
        name: the variable that has the result then.

    Attributes:
        note: what to say in its place, such as an error or where it was saved.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.note = ""
        self._name = name

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        sys.stdout.write(f"{result.status_line} · {one_line(self.note) or f'the answer is in {self._name}'}\n")
        sys.stdout.flush()

    def _write(self, text: str, replaces: Shown) -> None:
        """Show nothing: the user is typing."""


def _replace(handle: DisplayHandle | None, bundle: Bundle) -> None:
    if handle is not None:
        handle.update(bundle, raw=True)


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
        try:
            follow(self._stream, self._live)
        finally:  # what cannot be shown is kept all the same, and nobody waits for ever
            self._end(self._stream.outcome())

    def _end(self, result: Result) -> None:
        try:
            self._finish(result)
        finally:
            self._result = result
            self._ended.put(result)
