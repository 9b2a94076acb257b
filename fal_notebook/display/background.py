"""Requests that run in the background, while the notebook runs other cells.

Such an answer is shown from another thread, whichever cell runs at that moment. Its words are sent to a widget: what is
displayed or printed by that thread would count as output of the cell that runs.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

from ..client.inbox import Inbox
from ..client.result import Format, Result, show_safely
from ..client.streaming import Stream, end_of
from ..client.waiting import wait
from ..media.media import Media
from ..render.answer_style import answer_style
from ..render.bundles import Bundle, as_html, merged, small_bundle
from ..render.cards import media_bundle
from ..response.updates import Text
from ..safety.plain_text import one_line
from .growing_words import GrowingWords
from .live import REFRESHES, Live, Shown, follow, print_text
from .live_reasoning import thinking_words
from .live_widgets import LiveBox, Place
from .notebook_live import WORTH_STOPPING
from .outputs import replaceable_output
from .preview_pictures import PICTURE_BYTES
from .reloaded_page import RecentAnswers
from .stop_button import StopButton
from .words_view import Around, WordsView

_RUNNING = "running in the background; %falstream stop stops it"
_CHARACTERS_A_SECOND = 300_000  # of HTML


class BackgroundLive(Live):
    """The live view of a background request: a box with the answer that grows, and a Stop button.

    The button comes only after a second, so that short requests never have one. At the end the box becomes the body of
    the result and its footer.

    Args:
        recent: the store from which a reloaded page gets the final answer.
        stop: what the button does.
        style: how the words are shown.

    Attributes:
        note: a note below the result, such as where it was saved.
    """

    def __init__(self, recent: RecentAnswers, stop: Callable[[], object], style: Format = "markdown") -> None:
        super().__init__()
        self.note = ""
        self._style = style
        self._grown = GrowingWords()
        self._fed = 0  # characters of words that are drawn
        self._line = _RUNNING
        self._thought: list[Bundle] = []
        self._picture_html: tuple[Media | None, str] = (None, "")
        self._stop = stop
        self._button: StopButton | None = None
        self._box = LiveBox(lambda: self.words, recent, words_style=answer_style(), marks_itself=True)
        self._view = WordsView([""], self._box.mark, layout=self._box.layout)
        try:
            self._box.put(Place.WORDS, self._view.widget)
            self._draw_all()
        except BaseException:
            self._box.close()
            raise

    def refresh(self, stream: Stream) -> None:
        if self._unshown and not self._fed and stream.so_far().words_format(self._style) != "markdown":
            self._grown.show_as_text()
        self._thought = self._reasoning.bundles(stream)
        if stream.is_thinking:
            self._thought.insert(0, small_bundle(thinking_words(stream)))
        super().refresh(stream)
        self._draw_all()
        self._offer_stop(stream)
        self._box.keep()

    @property
    def _has_undrawn(self) -> bool:
        return super()._has_undrawn or self._reasoning.has_news

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        body = result.body(style, autoplay=autoplay, html_only=True)
        notes = [small_bundle(self.note)] if self.note else []
        try:
            if self._button is not None and not self._box.shows(Place.STOP):
                self._box.close_part(self._button.widget)
        finally:
            self._box.become(body, merged([result.foot, *notes])[0])

    def _write(self, text: str, replaces: Shown) -> None:
        if not self._text:
            self._line = text
            return
        self._line = ""
        offset = 0 if replaces is Shown.WORDS else self._fed
        self._grown.feed(Text(text, offset))
        self._fed = offset + len(text)

    def _draw_waiting_line(self, stream: Stream) -> None:
        """Draw nothing while the reasoning is shown, which says that the model is thinking."""
        if not stream.is_thinking:
            super()._draw_waiting_line(stream)
        else:
            self._waiting_line = self._line = ""

    def _progress_words(self) -> str:
        """Nothing, since the progress has a line of its own."""
        return ""

    def _draw_all(self) -> None:
        """Send what is new. The cost of this sets the time until the next refresh."""
        progress = [small_bundle(self._progress.words)] if self._progress and self._progress.words else []
        line = [small_bundle(self._line)] if self._line else []
        cost = 0.0
        if self._picture is not None and self._picture != self._picture_html[0]:
            self._picture_html = (self._picture, Around.of(picture=[as_html(media_bundle(self._picture))]).picture)
            cost = len(self._picture.data or b"") / PICTURE_BYTES
        around = Around.of([*progress, *self._thought, *line])
        size = self._view.show([(replace(around, picture=self._picture_html[1]), self._grown)])
        if size:
            self._rest(max(1 / REFRESHES, cost + size / _CHARACTERS_A_SECOND))

    def _offer_stop(self, stream: Stream) -> None:
        """Make the Stop button in one refresh and show it in the next: both at once would halt the page too long."""
        if self._button is None:
            if stream.elapsed >= WORTH_STOPPING:
                self._button = StopButton(self._stop)
        elif not self._box.shows(Place.STOP):
            self._box.put(Place.STOP, self._button.widget)
        else:
            self._box.await_pages()


class BackgroundStatic(Live):
    """The view of a background request where no page shows widgets: a line that the result replaces at the end.

    Attributes:
        note: a note below the result, such as where it was saved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.note = ""
        self._output = replaceable_output(small_bundle(_RUNNING))

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        body = result.body(style, autoplay=autoplay, html_only=True)
        notes = [small_bundle(self.note)] if self.note else []
        self._output.replace(merged([*body, result.foot, *notes])[0])

    def _write(self, text: str, replaces: Shown) -> None:
        """Show nothing while it streams."""


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
