"""The live view in a notebook: what a request shows while it streams, and what stays at its end.

Words are put into an Output widget, which stands in one box with the other parts: preview, progress, sound. When
the response has ended, the cell's outputs with the box are updated by their display ids to the static result. Then the
widgets are closed: a notebook that is saved with widgets shows errors when it is opened again. The Output widget is
entered and left for each print, so that what the user's own tasks print meanwhile goes to the cell and stays there.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from IPython.display import clear_output, display

from ..client.result import Format, Result
from ..client.streaming import Stream
from ..media.media import Media
from ..render.answer_style import answer_style
from ..render.bundles import Bundle
from ..response.updates import Progress
from ..safety.plain_text import count_beyond_latin1
from .formatted_words import FormattedWords
from .live import Live, Shown
from .live_widgets import LiveBox, Picture, Place, ProgressBar
from .own_classes import for_own_classes
from .preview_pictures import PICTURE_BYTES
from .reasoning_widget import ReasoningWidget
from .reloaded_page import RecentAnswers
from .stop_button import StopButton

if TYPE_CHECKING:
    from ipywidgets import Output

_LARGEST = 250_000  # characters that the page shows while more comes: it lays out all of them at each refresh
_FOREIGN = 20  # for how many characters one beyond Latin-1 counts: so much it costs the page if scripts alternate
_HTML_A_SECOND = 400_000  # characters: of more than a megabyte a second the server drops messages
_LONGEST_PRINTED = 20_000  # characters
_BREAK = '<div class="fal-break"></div>'
WORTH_STOPPING = 1.0  # seconds after which a Stop button is worth the messages that it costs


class NotebookLive(Live):
    """The live view in the output of a notebook's cell.

    Args:
        recent: the store from which a reloaded page gets the final answer.
        formatted: whether words are formatted while they stream, if they are Markdown.
    """

    def __init__(self, recent: RecentAnswers, *, formatted: bool = False) -> None:
        super().__init__()
        self._formatted = formatted
        self._formatted_words: FormattedWords | None = None
        style = for_own_classes(answer_style()) if formatted else ""
        self._box = LiveBox(lambda: self.words, recent, words_style=style)
        self._output: Output | None = None
        self._bar: ProgressBar | None = None
        self._image: Picture | None = None
        self._stop: StopButton | None = None
        self._fold: ReasoningWidget | None = None
        self._stands = self._weight = self._cut = 0  # characters in the page, what they count for, and those removed
        self._drawn: tuple[Progress | None, Media | None] = (None, None)
        self._picture_due = 0.0
        self._printed = 0  # characters in the element to which words are printed

    @property
    def _has_undrawn(self) -> bool:
        return super()._has_undrawn or self._reasoning.has_news or self._drawn != (self._progress, self._picture)

    def refresh(self, stream: Stream) -> None:
        self._look_at_first_words(stream)
        self._draw_reasoning(stream)
        super().refresh(stream)
        self._draw_progress()
        self._draw_picture()
        self._offer_stop(stream)
        self._box.keep()

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        body, foot = self._final(result.body(style, autoplay=autoplay)), result.foot
        try:
            if self._output is not None:
                self._output.msg_id = ""  # leaves the widget, if an interrupt came within `_inside`
            self._close_unshown()
        finally:
            self._box.become(body, foot)

    def _final(self, body: list[Bundle]) -> list[Bundle]:
        """The final outputs of the answer as this view shows them."""
        return body

    def _close_unshown(self) -> None:
        """Close the parts that were made but not put into the box. The box closes those that it has."""
        others = {
            Place.STOP: self._stop,
            Place.PROGRESS: self._bar,
            Place.PICTURE: self._image,
            Place.REASONING: self._fold,
        }
        made = [(place, part.widget) for place, part in others.items() if part is not None]
        words = self._formatted_words.parts if self._formatted_words else [self._output] if self._output else []
        for place, widget in [*made, *((Place.WORDS, part) for part in words)]:
            if not self._box.shows(place):
                self._box.close_part(widget)

    def _look_at_first_words(self, stream: Stream) -> None:
        """Print the words if they are no Markdown, which the first of them tell."""
        if self._formatted and self._unshown and not self._stands:
            self._formatted = stream.so_far().words_format("markdown") == "markdown"
            if not self._formatted and self._formatted_words is not None:
                self._formatted_words.say("")

    def _write(self, text: str, replaces: Shown) -> None:
        if self._formatted and not self._text:
            self._format(lambda words: words.say(text))
            return
        if replaces is not Shown.NOTHING:
            self._stands = self._weight = self._cut = 0
        weight = len(text) + _FOREIGN * count_beyond_latin1(text)
        if self._stands and self._weight + weight > _LARGEST:
            self._cut += self._stands
            self._stands, self._weight, replaces = 0, 0, Shown.WORDS
            text = f"… {self._cut:,} characters come back at the end\n\n{text}"
        self._stands += len(text)
        self._weight += weight
        if self._formatted:
            self._format(lambda words: self._add(words, text, replaces))
            return
        with self._inside():
            if replaces is not Shown.NOTHING:
                clear_output(wait=bool(text))  # with nothing behind it, it must not wait for the next words
                self._printed = 0
            self._print(text)

    def _print(self, text: str) -> None:
        """Print text. A long one is put into several elements, since a page lays out anew all of the one that grows."""
        self._printed += len(text)
        end = text.find("\n") + 1 if self._printed > _LONGEST_PRINTED else 0
        if end:
            sys.stdout.write(text[:end])
            sys.stdout.flush()
            display({"text/plain": "", "text/html": _BREAK}, raw=True)
            text, self._printed = text[end:], len(text) - end
        sys.stdout.write(text)

    def _format(self, change: Callable[[FormattedWords], None]) -> None:
        words = self._formatted_words
        if words is None:
            words = self._formatted_words = FormattedWords(self._box.layout)
            self._output = words.finished
        change(words)
        if not self._box.shows(Place.WORDS):
            self._box.put(Place.WORDS, *words.parts)

    def _add(self, words: FormattedWords, text: str, replaces: Shown) -> None:
        if replaces is Shown.WORDS:
            words.restart()
        self._rest(words.add(text, self._show) / _HTML_A_SECOND)

    def _show(self, bundle: Bundle, replaces_all: bool) -> None:  # noqa: FBT001 - only `FormattedWords` calls it
        if not self._box.shows(Place.WORDS) and self._formatted_words is not None:
            self._box.put(Place.WORDS, *self._formatted_words.parts)
        with self._inside():
            if replaces_all:
                clear_output(wait=True)
            display(bundle, raw=True)

    def _progress_words(self) -> str:
        """Nothing, since the progress bar shows it."""
        return ""

    @contextmanager
    def _inside(self) -> Iterator[None]:
        """Print into the Output widget. A ``with`` of its own would show and swallow an interrupt."""
        output = self._output or self._open()
        output.__enter__()
        try:
            yield
        finally:
            output.__exit__(None, None, None)

    def _open(self) -> "Output":
        from ipywidgets import Output  # imported when first shown: loading the extension stays quick

        self._output = Output(layout=self._box.layout)
        self._box.put(Place.WORDS, self._output)
        return self._output

    def _draw_waiting_line(self, stream: Stream) -> None:
        """Draw nothing while the fold says that the model is thinking."""
        if not stream.is_thinking:
            super()._draw_waiting_line(stream)
        elif self._waiting_line:
            self._waiting_line = ""
            self._write("", Shown.LINE)

    def _draw_reasoning(self, stream: Stream) -> None:
        """Draw the newest lines of the reasoning in a fold, which closes before the first words are drawn."""
        self._reasoning.watch(stream)
        if not self._reasoning.has_news:
            return
        self._rest()
        state = self._reasoning.state(stream)
        if self._fold is None:
            self._fold = ReasoningWidget(state, self._box.layout)
        elif self._box.shows(Place.REASONING):
            self._fold.show(state)
        if not self._box.shows(Place.REASONING):
            self._box.put(Place.REASONING, self._fold.widget)

    def _draw_progress(self) -> None:
        drawn, picture = self._drawn
        if self._progress is None or self._progress == drawn:
            return
        self._drawn = self._progress, picture
        self._rest()
        if self._bar is None:
            self._bar = ProgressBar()
            self._box.put(Place.PROGRESS, self._bar.widget)
        self._bar.show(self._progress.fraction, self._progress.message)

    def _draw_picture(self) -> None:
        progress, drawn = self._drawn
        if self._picture is None or self._picture == drawn:
            return
        self._rest()
        if time.monotonic() < self._picture_due:
            return
        self._drawn = progress, self._picture
        self._picture_due = time.monotonic() + len(self._picture.data or b"") / PICTURE_BYTES
        if self._image is None:
            self._image = Picture()
            self._box.put(Place.PICTURE, self._image.widget)
        self._image.show(self._picture)

    def _offer_stop(self, stream: Stream) -> None:
        """Make the Stop button in one refresh and show it in the next: both at once would halt the page too long."""
        if self._stop is None:
            if stream.elapsed >= WORTH_STOPPING:
                self._stop = StopButton(stream.cancel)
                self._rest()
        elif not self._box.shows(Place.STOP):
            self._box.put(Place.STOP, self._stop.widget)
        else:
            self._box.await_pages()
