"""Floor 8: the same prompt to several models or endpoints, side by side.

All columns are one output that is replaced as a whole, so that one message shows them all and what stays is static.
The more it holds, the less often it is replaced.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import compress

from IPython.display import display

from .interrupts import Interrupts
from .markdown import text_html
from .media import Media, drawable, raster
from .outputs import NOTHING, UNFINISHED, ReplaceableOutput, replaceable_output, widget_bundle
from .plain import one_line
from .render import Bundle, as_html, media_bundle, merged, small_bundle, text_bundle
from .result import Format, Result
from .returning import Messenger, RecentAnswers
from .streaming import Stream
from .updates import Preview, Progress

_PAUSE = 0.125
_TICK = 1.0  # seconds after which the times are shown anew, whether there is news or not
_CHARACTERS_A_SECOND = 300_000  # of HTML
_WORTH_AWAITING = 1.0  # seconds after which a page may have been loaded anew
_LARGEST_PREVIEW = 1_000_000  # bytes; a larger picture is shown at the end
_GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15em,100%),1fr));gap:1em;align-items:start"
# What is wider than a column is scrolled there: no answer covers another.
_COLUMN = "min-width:0;overflow:auto hidden;border-top:2px solid var(--jp-border-color1,#bdbdbd);padding-top:.3em"


class Columns:
    """One output with a column for each request, and below it a line about all of them.

    Args:
        streams: the requests, sent, by the names of their columns.
        recent: where a page that comes back finds the end.
        live: whether to show them while they stream.
    """

    def __init__(self, streams: Mapping[str, Stream], recent: RecentAnswers, *, live: bool) -> None:
        self._columns = {name: _Column(stream) for name, stream in streams.items()}
        self._recent = recent
        self._pause = _PAUSE
        self._began = time.monotonic()
        self._body: ReplaceableOutput | None = None
        self._foot: ReplaceableOutput | None = None
        self._messenger: Messenger | None = None
        if live:
            self._body = replaceable_output(self._so_far())
            self._foot = replaceable_output(NOTHING) if self._body.is_in_cell else None

    def follow(self) -> None:
        """Show the streams until all have ended. An interrupt gets through, but never into what is being drawn.

        Then the caller has to stop them.
        """
        shown, news = 0.0, False
        with Interrupts() as interrupts:
            while running := [column for column in self._columns.values() if not column.stream.is_done]:
                took = [column.take() for column in running]
                news = news or any(took)
                if time.monotonic() >= shown + (self._pause if news else max(_TICK, self._pause)):
                    self._refresh()
                    shown, news = time.monotonic(), False
                with interrupts.let_through():
                    running[0].stream.wait(_PAUSE)

    def finish(self, results: Mapping[str, Result], style: Format) -> None:
        """Show the results, which stay."""
        grid = _grid((name, _whole(result, style)) for name, result in results.items())
        seconds = max(result.metrics.duration for result in results.values())
        foot = small_bundle(f"{len(results)} answers · {seconds:.2f} s")
        if self._body is None:
            display(grid, raw=True)
        else:
            self._body.replace(grid)
        if self._foot is not None:
            self._foot.replace(foot)
        if self._messenger is not None:
            self._messenger.end([grid, foot])

    def _refresh(self) -> None:
        if self._body is not None:
            self._body.replace(self._so_far())
        if self._foot is not None and self._messenger is None and time.monotonic() > self._began + _WORTH_AWAITING:
            self._await_pages(self._foot)

    def _await_pages(self, foot: ReplaceableOutput) -> None:
        """Let a page that is loaded from now on learn the end."""
        from ipywidgets import VBox

        box = VBox(_dom_classes=("fal-live",))
        self._messenger = Messenger(self._recent, box)
        box.children = (self._messenger.widget,)
        foot.replace(widget_bundle(box, ""))

    def _so_far(self) -> Bundle:
        grid = _grid((name, column.so_far()) for name, column in self._columns.items())
        self._pause = max(_PAUSE, len(grid["text/html"]) / _CHARACTERS_A_SECOND)
        return merged([grid, small_bundle(UNFINISHED)])[0]


class _Column:
    """What one request has brought so far."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._preview: tuple[Media, ...] = ()
        self._progress = ""

    def take(self) -> bool:
        """Collect what has arrived and say whether there was anything."""
        updates = self.stream.take()
        for update in updates:
            if isinstance(update, Preview):
                light = list(filter(_is_light_picture, update.media))
                self._preview = tuple(compress(light, drawable(light)))
            elif isinstance(update, Progress):
                self._progress = replace(update, message=one_line(update.message, 80)).words
        return bool(updates)

    def so_far(self) -> Bundle:
        parts = [text_bundle(self.stream.text, "text")] if self.stream.text else []
        parts += [as_html(media_bundle(media)) for media in self._preview]
        return merged([*parts, small_bundle(self._status())])[0]

    def _status(self) -> str:
        if self.stream.is_done:
            return self.stream.so_far().status_line
        first = self.stream.first_byte_after
        doing = "connecting…" if self.stream.is_connecting else "waiting…" if first is None else "receiving…"
        parts = [f"{doing} {self.stream.elapsed:.1f} s"]
        if first is not None:
            parts.append(f"first {'token' if self.stream.text else 'byte'} {first:.2f} s")
        return " · ".join([*parts, *filter(None, [self._progress])])


def _is_light_picture(media: Media) -> bool:
    """Whether the bytes are those of a picture that cannot act, and few enough to be sent again and again."""
    picture = raster([media])
    return (
        picture is not None
        and picture.content_type == media.content_type
        and len(media.data or b"") <= _LARGEST_PREVIEW
    )


def _whole(result: Result, style: Format) -> Bundle:
    parts = [as_html(bundle) for bundle in result.outputs(style)]
    if result.error is not None:
        parts.append(small_bundle(f"{type(result.error).__name__}: {result.error}"))
    return merged(parts)[0]


def _grid(columns: Iterable[tuple[str, Bundle]]) -> Bundle:
    shown = [(one_line(name, 80), bundle) for name, bundle in columns]
    sections = "".join(
        f'<section style="{_COLUMN}"><strong>{text_html(name)}</strong>{bundle["text/html"]}</section>'
        for name, bundle in shown
    )
    words = "\n\n".join(f"{name}:\n{bundle['text/plain']}" for name, bundle in shown)
    return {"text/plain": words, "text/html": f'<div style="{_GRID}">{sections}</div>'}
