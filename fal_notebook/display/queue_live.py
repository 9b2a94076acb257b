"""The live view in a notebook of a request in fal's queue: its place, and the newest lines that the model has logged.

The lines are a server's, and are shown as plain text, in a box of a fixed height, so that the page does not jump.
"""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..client.result import Format, Result
from ..client.streaming import Stream
from ..render.answer_style import QUIET_STYLE
from ..render.markdown import text_html
from ..response.updates import Log, Update
from ..safety.plain_text import one_line
from .live_widgets import Place
from .notebook_live import NotebookLive
from .reloaded_page import RecentAnswers

if TYPE_CHECKING:
    from ipywidgets import HTML

_LINES = 6
_LONGEST_LINE = 160  # characters
_STYLE = f"{QUIET_STYLE};margin:0;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.4"


class QueueLive(NotebookLive):
    """The live view of a queued request in the output of a notebook's cell.

    Args:
        recent: the store from which a reloaded page gets the final answer.
        formatted: as for `NotebookLive`.
    """

    def __init__(self, recent: RecentAnswers, *, formatted: bool = False) -> None:
        super().__init__(recent, formatted=formatted)
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._log_widget: HTML | None = None
        self._has_new_lines = False

    @property
    def _has_undrawn(self) -> bool:
        return super()._has_undrawn or self._has_new_lines

    def take(self, updates: Sequence[Update]) -> None:
        """Collect what has arrived."""
        super().take([each for each in updates if not isinstance(each, Log)])
        lines = [one_line(each.message, _LONGEST_LINE) for each in updates if isinstance(each, Log)]
        self._lines.extend(filter(None, lines))
        self._has_new_lines = self._has_new_lines or any(lines)

    def refresh(self, stream: Stream) -> None:
        """Draw what has been collected."""
        super().refresh(stream)
        self._draw_lines()

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        """Show the result."""
        try:
            if self._log_widget is not None and not self._box.shows(Place.LOG):
                self._box.close_part(self._log_widget)
        finally:
            super().finish(result, style, autoplay=autoplay)

    def _draw_lines(self) -> None:
        if not self._has_new_lines:
            return
        self._has_new_lines = False
        self._rest()
        if self._log_widget is None:
            from ipywidgets import HTML

            self._log_widget = HTML(layout=self._box.layout)
        self._log_widget.value = f'<pre style="{_STYLE}">' + "\n".join(map(text_html, self._lines)) + "</pre>"
        if not self._box.shows(Place.LOG):
            self._box.put(Place.LOG, self._log_widget)
