"""Floor 8: the same prompt to several models, side by side.

All columns are one output that is replaced as a whole, so that one message shows them all and what stays is static.
"""

import time
from collections.abc import Iterable, Mapping
from html import escape

from IPython.display import DisplayHandle, display

from .plain import one_line
from .render import Bundle, as_html, merged, small_bundle, text_bundle
from .result import Format, Result
from .streaming import Stream

_PAUSE = 0.125
_CHARACTERS_A_SECOND = 100_000
_GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15em,100%),1fr));gap:1em;align-items:start"
_COLUMN = "min-width:0;border-top:2px solid var(--jp-border-color1,#bdbdbd);padding-top:.3em"


class Columns:
    """One output with a column for each request.

    Args:
        streams: the requests, sent, by the names of their columns.
        live: whether to show them while they stream.
    """

    def __init__(self, streams: Mapping[str, Stream], *, live: bool) -> None:
        self._streams = streams
        self._handle: DisplayHandle | None = None
        if live:
            self._handle = display(self._so_far(), raw=True, display_id=True)

    def follow(self) -> None:
        """Show the streams until all have ended. An interrupt gets through; then the caller has to stop them."""
        due, news = 0.0, False
        while running := [stream for stream in self._streams.values() if not stream.is_done]:
            news = bool([update for stream in running for update in stream.take()]) or news
            if news and time.monotonic() >= due:
                self._refresh()
                length = sum(len(stream.text) for stream in self._streams.values())
                due, news = time.monotonic() + max(_PAUSE, length / _CHARACTERS_A_SECOND), False
            running[0].wait(_PAUSE)

    def finish(self, results: Mapping[str, Result], style: Format) -> None:
        """Show the results, which stay."""
        grid = _grid((name, _whole(result, style)) for name, result in results.items())
        if self._handle is None:
            display(grid, raw=True)
        else:
            self._handle.update(grid, raw=True)

    def _refresh(self) -> None:
        if self._handle is not None:
            self._handle.update(self._so_far(), raw=True)

    def _so_far(self) -> Bundle:
        return _grid((name, _column(stream)) for name, stream in self._streams.items())


def _column(stream: Stream) -> Bundle:
    return text_bundle(stream.text, "text") if stream.text else small_bundle("waiting…")


def _whole(result: Result, style: Format) -> Bundle:
    parts = [as_html(bundle) for bundle in result.outputs(style)]
    if result.error is not None:
        parts.append(small_bundle(f"{type(result.error).__name__}: {result.error}"))
    return merged(parts)[0]


def _grid(columns: Iterable[tuple[str, Bundle]]) -> Bundle:
    shown = [(one_line(name, 80), bundle) for name, bundle in columns]
    sections = "".join(
        f'<section style="{_COLUMN}"><strong>{escape(name)}</strong>{bundle["text/html"]}</section>'
        for name, bundle in shown
    )
    words = "\n\n".join(f"{name}:\n{bundle['text/plain']}" for name, bundle in shown)
    return {"text/plain": words, "text/html": f'<div style="{_GRID}">{sections}</div>'}
