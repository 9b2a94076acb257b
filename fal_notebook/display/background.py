"""A run that goes on while the notebook does.

Its output is one that can be replaced from another thread, whichever cell runs then. So it shows words and pictures by
replacing what is shown, less often the more there is.
"""

import threading
from collections.abc import Callable

from ..client.inbox import Inbox
from ..client.result import Format, Result, shown
from ..client.streaming import Stream, end_of
from ..client.waiting import wait
from ..media.media import Media
from ..render.bundles import as_html, media_bundle, merged, small_bundle, text_bundle
from ..response.updates import Progress
from ..safety.plain_text import one_line
from .footer import Foot
from .live import REFRESHES, Live, Shown, follow, print_text
from .notebook_live import WORTH_STOPPING
from .outputs import UNFINISHED, replaceable_output
from .preview_pictures import PICTURE_BYTES
from .reloaded_page import RecentAnswers
from .stop_button import StopButton

_CHARACTERS_A_SECOND = 100_000


class BackgroundLive(Live):
    """The live part of an output that is replaced as a whole, and below it one with a Stop button.

    At the end the first holds the body of the result, the second its status line. A request that ends before anyone
    could click has no button.

    Args:
        recent: where a page that comes back finds the end.
        stop: what the button does; None where no widget can be shown.

    Attributes:
        note: what to say below the result, such as an error or where it was saved.
    """

    def __init__(self, recent: RecentAnswers, stop: Callable[[], object] | None = None) -> None:
        super().__init__()
        self.note = ""
        self._shown = ""
        self._drawn: tuple[Progress | None, Media | None] = (None, None)
        self._body = replaceable_output(small_bundle("running in the background; %falstream stop stops it"))
        self._stop = stop
        self._foot = Foot(recent) if stop else None

    def refresh(self, stream: Stream) -> None:
        super().refresh(stream)
        if self._drawn != (self._progress, self._picture):
            self._redraw()
        if self._stop and self._foot and not self._foot.is_open and stream.elapsed >= WORTH_STOPPING:
            self._offer_stop(self._stop, self._foot)

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        parts = merged(as_html(bundle) for bundle in result.body(style, autoplay=autoplay))
        body = parts[0] if parts else small_bundle("no answer came")
        notes = [small_bundle(self.note)] if self.note else []
        foot = merged([result.foot, *notes])[0]
        if self._foot is None:
            self._body.replace(merged([body, foot])[0])
            return
        try:
            self._body.replace(body)
        finally:
            self._foot.end(foot, [body, foot])

    def _write(self, text: str, replaces: Shown) -> None:
        self._shown = self._shown + text if replaces is Shown.NOTHING else text
        self._redraw()

    def _progress_words(self) -> str:
        """Nothing: it has a line of its own."""
        return ""

    def _offer_stop(self, stop: Callable[[], object], foot: Foot) -> None:
        button = StopButton(stop)
        try:
            foot.open(button.widget)
        except BaseException:
            if not foot.is_open:  # else it is closed with what is there
                button.close()
            raise

    def _redraw(self) -> None:
        """Show all there is. A refresh sends everything again, so what it costs sets the pace."""
        self._drawn = self._progress, self._picture
        parts = [small_bundle(self._progress.words)] if self._progress and self._progress.words else []
        if self._picture is not None:
            parts.append(as_html(media_bundle(self._picture)))
        parts += [text_bundle(self._shown, "text"), small_bundle(UNFINISHED)]
        self._body.replace(merged(parts)[0])
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
        print_text(f"{result.status_line} · {one_line(self.note) or f'the answer is in {self._name}'}\n")

    def _write(self, text: str, replaces: Shown) -> None:
        """Show nothing: the user is typing."""


class BackgroundRun:
    """A request whose answer streams into its own output while other cells run.

    Args:
        stream: the request, sent.
        live: where it shows itself.
        finish: what to do with the result when it is there; see `shown`.
    """

    def __init__(self, stream: Stream, live: Live, finish: Callable[[Result], object]) -> None:
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
            wait(self._ended, 1.0)  # then it is looked at anew, should waking have failed
        if self._result.error is not None:
            raise self._result.error
        return self._result

    def __repr__(self) -> str:
        state = "ended" if self.is_done else f"{self._stream.elapsed:.1f} s, {self._stream.bytes:,} bytes"
        return f"<BackgroundRun {self.endpoint}, {state}>"

    def _follow(self) -> None:
        try:
            follow(self._stream, self._live)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the answer is kept, and nobody waits for ever
            self._live.failure = self._live.failure or exc
        result = end_of(self._stream, self._live.failure)
        try:
            result = shown(result, self._finish)
        finally:
            self._result = result
            self._ended.put(result)
