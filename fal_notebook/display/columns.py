"""Shows the answers of several models or endpoints side by side, in columns.

All columns are one widget while they stream, so that one message refreshes all of them, with what is new. At the end it
becomes a static output.
"""

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import compress

from ..client.interrupts import Interrupts
from ..client.result import Format, Result, show_safely, with_show_error
from ..client.streaming import Stream
from ..media.media import Media, drawable, first_raster
from ..render.answer_style import answer_style, styled_once
from ..render.bundles import Bundle, as_html, merged, small_bundle
from ..render.cards import media_bundle
from ..render.markdown import text_html
from ..render.mathematics import limit_formulas
from ..response.updates import Preview, Progress, Text, Update
from ..safety.plain_text import one_line
from .growing_words import GrowingWords
from .live_reasoning import LiveReasoning
from .live_widgets import LiveBox, Place
from .outputs import EMPTY, show_bundle
from .reloaded_page import RecentAnswers
from .words_view import Around, WordsView

_PAUSE = 0.125
_TICK = 1.0  # seconds after which the columns are refreshed without news, to show the time that has passed
_CHARACTERS_A_SECOND = 300_000  # of HTML
_WORTH_AWAITING = 1.0  # seconds after which someone may have reloaded the page
_MOST_CHARACTERS = 25_000  # that a refresh adds to a column
_LARGEST_PREVIEW = 1_000_000  # bytes; a larger picture is shown at the end
_GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15em,100%),1fr));gap:1em;align-items:start"
# Content that is wider than its column scrolls there, so that it cannot cover another answer.
_COLUMN = "min-width:0;overflow:auto hidden;border-top:2px solid var(--jp-border-color1,#bdbdbd);padding-top:.3em"


class Columns:
    """One output with a column for each request, and below it a line about all of them.

    Args:
        streams: the requests, which have been sent, by the names of their columns.
        recent: the store from which a reloaded page gets the final answers.
        live: whether to show the answers while they stream.
        style: how their words are shown meanwhile.

    Attributes:
        failure: what went wrong while something was shown. It stops no request; only the final answers are shown then.
    """

    def __init__(
        self, streams: Mapping[str, Stream], recent: RecentAnswers, style: Format = "markdown", *, live: bool
    ) -> None:
        self._columns = {name: _Column(stream, style) for name, stream in streams.items()}
        self._pause = _PAUSE
        self._began = time.monotonic()
        self._drawn, self._has_news = 0.0, False
        self._box: LiveBox | None = None
        self._view: WordsView | None = None
        self.failure: Exception | None = None
        try:
            if live:
                self._open(recent)
        except Exception as exc:  # noqa: BLE001 - no failure to show them may stop the answers
            self.failure = exc

    def follow(self) -> None:
        """Show the streams until all have ended.

        An interrupt ends this, but never in the middle of a refresh. The caller has to stop the streams then.
        """
        with Interrupts() as interrupts:
            while running := [column for column in self._columns.values() if not column.stream.is_done]:
                self._show({column: column.stream.take() for column in running})
                with interrupts.let_through():
                    running[0].stream.wait(_PAUSE)

    def finish(self, results: Mapping[str, Result], style: Format) -> dict[str, Result]:
        """Show the final results, and return the results that are to be kept, as `show_safely` does."""
        columns = dict.fromkeys(results, EMPTY)
        kept: dict[str, Result] = {}
        for name, each in results.items():

            def show(result: Result, name: str = name) -> None:
                columns[name] = _final_bundle(result, style)

            kept[name] = show_safely(each, show)
        try:
            self._end(columns, results)
        except Exception as exc:  # noqa: BLE001 - no failure may lose the answers
            kept = {name: with_show_error(each, exc) for name, each in kept.items()}
            with suppress(Exception):
                self._end(columns, results)
        return kept

    def _end(self, columns: Mapping[str, Bundle], results: Mapping[str, Result]) -> None:
        grid = _grid(columns.items())
        if self._box is None:
            show_bundle(grid)
            return
        seconds = max(result.metrics.duration for result in results.values())
        self._box.become([grid], small_bundle(f"{len(results)} answers · {seconds:.2f} s"))

    def _open(self, recent: RecentAnswers) -> None:
        self._box = LiveBox(self._words, recent, words_style=answer_style(), marks_itself=True)
        names = [one_line(name, 80) for name in self._columns]
        self._view = WordsView(names, self._box.mark, grid=_GRID, column=_COLUMN, layout=self._box.layout)
        self._box.put(Place.WORDS, self._view.widget)
        self._draw()

    def _words(self) -> str:
        """The text of all columns, as a save of the notebook keeps it."""
        return "\n\n".join(f"{one_line(name, 80)}:\n{column.stream.text}" for name, column in self._columns.items())

    def _show(self, news: "Mapping[_Column, Sequence[Update]]") -> None:
        """Collect the updates of each column, and draw them if the next refresh is due."""
        if self.failure is not None:
            return
        try:
            for column, updates in news.items():
                column.take(updates)
            self._has_news = self._has_news or any(news.values()) or any(column.has_unread for column in news)
            if time.monotonic() >= self._drawn + (self._pause if self._has_news else max(_TICK, self._pause)):
                self._refresh()
                self._drawn, self._has_news = time.monotonic(), False
        except Exception as exc:  # noqa: BLE001 - no failure to show them may stop the answers
            self.failure = exc

    def _refresh(self) -> None:
        if self._box is None:
            return
        self._draw()
        self._box.keep()
        if time.monotonic() > self._began + _WORTH_AWAITING:
            self._box.await_pages()

    def _draw(self) -> None:
        if self._view is not None:
            size = self._view.show([column.so_far() for column in self._columns.values()])
            self._pause = max(_PAUSE, size / _CHARACTERS_A_SECOND)


class _Column:
    """One column: what has arrived of one answer."""

    def __init__(self, stream: Stream, style: Format) -> None:
        self.stream = stream
        self._style = style
        self._words = GrowingWords()
        self._unread: deque[Text] = deque()
        self._preview = Around()
        self._progress = ""
        self._reasoning = LiveReasoning()

    def take(self, updates: Sequence[Update]) -> None:
        """Collect what has arrived."""
        self._reasoning.take(updates)
        self._unread.extend(update for update in updates if isinstance(update, Text))
        for update in updates:
            if isinstance(update, Preview):
                light = list(filter(_is_light_picture, update.media))
                shown = [as_html(media_bundle(media)) for media in compress(light, drawable(light))]
                self._preview = Around.of(picture=shown)
            elif isinstance(update, Progress):
                self._progress = replace(update, message=one_line(update.message, 80)).words

    @property
    def has_unread(self) -> bool:
        """Whether there are words that the next refresh shows."""
        return bool(self._unread)

    def so_far(self) -> tuple[Around, GrowingWords]:
        """What the column shows, with as many words as one refresh may add."""
        added = 0
        while self._unread and added < _MOST_CHARACTERS:
            update = self._unread.popleft()
            self._words.collect([update], self.stream, self._style)
            added += len(update.new)
        foot = self.stream.so_far().short_foot if self.stream.is_done else small_bundle(self._status())
        around = Around.of(self._reasoning.bundles(self.stream), below=[foot])
        return replace(around, picture=self._preview.picture), self._words

    def _status(self) -> str:
        first = self.stream.first_byte_after
        if self.stream.transfer is not None:
            return f"uploading… {self.stream.elapsed:.1f} s · {self.stream.transfer.words}"
        doing = "connecting…" if self.stream.is_connecting else "waiting…" if first is None else "receiving…"
        doing = "thinking…" if self.stream.is_thinking else doing
        parts = [f"{doing} {self.stream.elapsed:.1f} s"]
        if first is not None:
            parts.append(f"first {'token' if self.stream.text else 'byte'} {first:.2f} s")
        return " · ".join([*parts, *filter(None, [self._progress])])


def _is_light_picture(media: Media) -> bool:
    """Whether this is a raster picture, which can hold no script, and small enough to be sent with each refresh."""
    picture = first_raster([media])
    return (
        picture is not None
        and picture.content_type == media.content_type
        and len(media.data or b"") <= _LARGEST_PREVIEW
    )


def _final_bundle(result: Result, style: Format) -> Bundle:
    return merged([*result.body(style, html_only=True), result.foot])[0]


def _grid(columns: Iterable[tuple[str, Bundle]]) -> Bundle:
    shown = [(one_line(name, 80), bundle) for name, bundle in columns]
    sections = "".join(
        f'<section style="{_COLUMN}"><strong>{text_html(name)}</strong>{bundle["text/html"]}</section>'
        for name, bundle in shown
    )
    words = "\n\n".join(f"{name}:\n{bundle['text/plain']}" for name, bundle in shown)
    html = styled_once(limit_formulas(f'<div style="{_GRID}">{sections}</div>'))
    return {"text/plain": words, "text/html": html}
