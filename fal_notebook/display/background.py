"""Requests that run in the background, while the notebook runs other cells.

Such an answer is shown from another thread, whichever cell runs at that moment, and from there an output can only be
replaced as a whole. So each refresh sends everything again, formatted as far as it has come, and the more there is, the
less often it is refreshed.
"""

import threading
from collections.abc import Callable, Sequence

from ..client.inbox import Inbox
from ..client.result import Format, Result, show_safely
from ..client.streaming import Stream, end_of
from ..client.waiting import wait
from ..media.media import Media
from ..render.bundles import Bundle, as_html, merged, small_bundle
from ..render.cards import media_bundle
from ..response.updates import Progress, Update
from ..safety.plain_text import one_line
from .footer import Footer
from .growing_words import GrowingWords
from .joined_blocks import words_bundle
from .live import REFRESHES, Live, Shown, follow, print_text
from .live_reasoning import thinking_words
from .notebook_live import WORTH_STOPPING
from .outputs import UNFINISHED, replaceable_output
from .preview_pictures import PICTURE_BYTES
from .reloaded_page import RecentAnswers
from .stop_button import StopButton

_CHARACTERS_A_SECOND = 100_000


class BackgroundLive(Live):
    """The live view of a background request: one output with the answer, and one below it with a Stop button.

    At the end the first output holds the body of the result, and the second its footer. The button comes only
    after a second, so that short requests never have one.

    Args:
        recent: the store from which a reloaded page gets the final answer.
        stop: what the button does; None if no widget can be shown.
        style: how the words are shown.

    Attributes:
        note: a note below the result, such as where it was saved.
    """

    def __init__(
        self, recent: RecentAnswers, stop: Callable[[], object] | None = None, style: Format = "markdown"
    ) -> None:
        super().__init__()
        self.note = ""
        self._style = style
        self._grown = GrowingWords()
        self._new: list[Update] = []
        self._line = ""
        self._thought: list[Bundle] = []
        self._drawn: tuple[Progress | None, Media | None, list[Bundle]] = (None, None, [])
        self._body = replaceable_output(small_bundle("running in the background; %falstream stop stops it"))
        self._stop = stop
        self._footer = Footer(recent) if stop else None

    def take(self, updates: Sequence[Update]) -> None:
        super().take(updates)
        self._new += updates

    def refresh(self, stream: Stream) -> None:
        self._grown.collect(self._new, stream, self._style)
        self._new = []
        self._thought = self._reasoning.bundles(stream)
        if stream.is_thinking:
            self._thought.insert(0, small_bundle(thinking_words(stream)))
        super().refresh(stream)
        if self._drawn != (self._progress, self._picture, self._thought):
            self._redraw()
        if self._stop and self._footer and not self._footer.is_open and stream.elapsed >= WORTH_STOPPING:
            self._offer_stop(self._stop, self._footer)

    @property
    def _has_undrawn(self) -> bool:
        return super()._has_undrawn or self._reasoning.has_news

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        parts = result.body(style, autoplay=autoplay, html_only=True)
        body = parts[0] if parts else small_bundle("no answer came")
        notes = [small_bundle(self.note)] if self.note else []
        foot = merged([result.foot, *notes])[0]
        if self._footer is None:
            self._body.replace(merged([body, foot])[0])
            return
        try:
            self._body.replace(body)
        finally:
            self._footer.end(foot, [body, foot])

    def _write(self, text: str, replaces: Shown) -> None:
        self._line = self._waiting_line
        self._redraw()

    def _draw_waiting_line(self, stream: Stream) -> None:
        """Draw nothing while the reasoning is shown, which says that the model is thinking."""
        if not stream.is_thinking:
            super()._draw_waiting_line(stream)
        else:
            self._waiting_line = self._line = ""

    def _progress_words(self) -> str:
        """Nothing, since the progress has a line of its own."""
        return ""

    def _offer_stop(self, stop: Callable[[], object], footer: Footer) -> None:
        button = StopButton(stop)
        try:
            footer.open(button.widget)
        except BaseException:
            if not footer.is_open:  # an open footer closes the button itself
                button.close()
            raise

    def _redraw(self) -> None:
        """Send everything again. The cost of this sets the time until the next refresh."""
        self._drawn = self._progress, self._picture, self._thought
        parts = [small_bundle(self._progress.words)] if self._progress and self._progress.words else []
        if self._picture is not None:
            parts.append(as_html(media_bundle(self._picture)))
        self._grown.take()
        words = small_bundle(self._line) if self._line else words_bundle(self._grown, self.words)
        parts += [*self._thought, words, small_bundle(UNFINISHED)]
        self._body.replace(merged(parts)[0])
        size = len(self._picture.data or b"") if self._picture else 0
        cost = len(words["text/html"]) / _CHARACTERS_A_SECOND + size / PICTURE_BYTES
        self._rest(max(1 / REFRESHES, cost))


class BackgroundLine(Live):
    """The view of a background request in a terminal: nothing while it runs, and one line at its end.

    Args:
        name: the variable that will hold the result; the line names it.

    Attributes:
        note: what the line says of the answer besides an error, such as where it was saved.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.note = ""
        self._name = name

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        error = f"{type(result.error).__name__}: {result.error.words}" if result.error else ""
        note = " · ".join(filter(None, [error, self.note])) or f"the answer is in {self._name}"
        print_text(f"{result.status_line} · {one_line(note)}\n")

    def _write(self, text: str, replaces: Shown) -> None:
        """Show nothing, since the user is typing in the terminal."""


class BackgroundRun:
    """A request whose answer streams into its own output while other cells run.

    Args:
        stream: the request, sent.
        live: the view that shows it.
        finish: called with the result at the end; if it fails, it is called once more, as `show_safely` does it.
    """

    def __init__(self, stream: Stream, live: Live, finish: Callable[[Result], object]) -> None:
        self.endpoint = stream.endpoint
        self._stream = stream
        self._live = live
        self._finish = finish
        self._ended: Inbox[Result] = Inbox()
        self._result: Result | None = None

    def start(self) -> None:
        """Begin to read and show the answer, on a new thread."""
        threading.Thread(target=self._follow, name=f"fal_notebook {self.endpoint}", daemon=True).start()

    @property
    def is_done(self) -> bool:
        """Whether the request has ended, in whatever way, and the result is shown."""
        return self._result is not None

    def cancel(self) -> None:
        """Stop the request at once; what has arrived is kept."""
        self._stream.cancel()

    def result(self) -> Result:
        """Wait for the end and return the result.

        Raises:
            FalNotebookError: the request failed.
        """
        while self._result is None:
            wait(self._ended, 1.0)  # looks again after a second, in case waking this thread failed
        if self._result.error is not None:
            raise self._result.error
        return self._result

    def __repr__(self) -> str:
        state = "ended" if self.is_done else f"{self._stream.elapsed:.1f} s, {self._stream.bytes:,} bytes"
        return f"<BackgroundRun {self.endpoint}, {state}>"

    def _follow(self) -> None:
        try:
            follow(self._stream, self._live)
        except Exception as exc:  # noqa: BLE001 - no failure may lose the answer, or leave someone waiting for it
            self._live.failure = self._live.failure or exc
        result = end_of(self._stream, self._live.failure)
        try:
            result = show_safely(result, self._finish)
        finally:
            self._result = result
            self._ended.put(result)
