"""Shows the answers of several models or endpoints side by side, in columns.

All columns are one output that is replaced as a whole, so that one message refreshes all of them, and the last one
leaves a static output. The more the output holds, the less often it is replaced.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import compress

from ..client.interrupts import Interrupts
from ..client.result import Format, Result, show_safely, with_show_error
from ..client.streaming import Stream
from ..media.media import Media, drawable, first_raster
from ..render.answer_style import styled_once
from ..render.bundles import Bundle, as_html, merged, small_bundle
from ..render.cards import media_bundle
from ..render.markdown import text_html
from ..render.mathematics import limit_formulas
from ..response.updates import Preview, Progress, Update
from ..safety.plain_text import one_line
from .footer import Footer
from .growing_words import GrowingWords
from .joined_blocks import words_bundle
from .live_reasoning import LiveReasoning
from .outputs import EMPTY, UNFINISHED, ReplaceableOutput, replaceable_output, show_bundle
from .reloaded_page import RecentAnswers

_PAUSE = 0.125
_TICK = 1.0  # seconds after which the columns are refreshed without news, to show the time that has passed
_CHARACTERS_A_SECOND = 300_000  # of HTML
_WORTH_AWAITING = 1.0  # seconds after which someone may have reloaded the page
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
        self._body: ReplaceableOutput | None = None
        self._footer: Footer | None = None
        self.failure: Exception | None = None
        try:
            if live:
                self._body = replaceable_output(self._so_far())
                self._footer = Footer(recent) if self._body.is_in_cell else None
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
        seconds = max(result.metrics.duration for result in results.values())
        foot = small_bundle(f"{len(results)} answers · {seconds:.2f} s")
        try:
            if self._body is None:
                show_bundle(grid)
            else:
                self._body.replace(grid)
        finally:
            if self._footer is not None:
                self._footer.end(foot, [grid, foot])

    def _show(self, news: "Mapping[_Column, Sequence[Update]]") -> None:
        """Collect the updates of each column, and draw them if the next refresh is due."""
        if self.failure is not None:
            return
        try:
            for column, updates in news.items():
                column.take(updates)
            self._has_news = self._has_news or any(news.values())
            if time.monotonic() >= self._drawn + (self._pause if self._has_news else max(_TICK, self._pause)):
                self._refresh()
                self._drawn, self._has_news = time.monotonic(), False
        except Exception as exc:  # noqa: BLE001 - no failure to show them may stop the answers
            self.failure = exc

    def _refresh(self) -> None:
        if self._body is not None:
            self._body.replace(self._so_far())
        if self._footer is not None and not self._footer.is_open and time.monotonic() > self._began + _WORTH_AWAITING:
            self._footer.open()

    def _so_far(self) -> Bundle:
        grid = _grid((name, column.so_far()) for name, column in self._columns.items())
        self._pause = max(_PAUSE, len(grid["text/html"]) / _CHARACTERS_A_SECOND)
        return merged([grid, small_bundle(UNFINISHED)])[0]


class _Column:
    """One column: what has arrived of one answer."""

    def __init__(self, stream: Stream, style: Format) -> None:
        self.stream = stream
        self._style = style
        self._words = GrowingWords()
        self._preview: tuple[Media, ...] = ()
        self._progress = ""
        self._reasoning = LiveReasoning()

    def take(self, updates: Sequence[Update]) -> None:
        """Collect what has arrived."""
        self._reasoning.take(updates)
        self._words.collect(updates, self.stream, self._style)
        for update in updates:
            if isinstance(update, Preview):
                light = list(filter(_is_light_picture, update.media))
                self._preview = tuple(compress(light, drawable(light)))
            elif isinstance(update, Progress):
                self._progress = replace(update, message=one_line(update.message, 80)).words

    def so_far(self) -> Bundle:
        parts = self._reasoning.bundles(self.stream)
        if self.stream.text:
            self._words.take(last=self.stream.is_done)
            parts.append(words_bundle(self._words, self.stream.text))
        parts += [as_html(media_bundle(media)) for media in self._preview]
        ended = self.stream.is_done
        return merged([*parts, self.stream.so_far().short_foot if ended else small_bundle(self._status())])[0]

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
