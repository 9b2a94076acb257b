"""The output below an answer that is replaced as a whole: first it holds widgets, in the end the answer's last line.

The widgets have an output of their own because the page draws everything in a replaced output anew.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..render.bundles import Bundle
from .outputs import EMPTY, close_widget, replaceable_output, widget_bundle, widget_metadata
from .reloaded_page import Messenger, RecentAnswers

if TYPE_CHECKING:
    from anywidget import AnyWidget
    from ipywidgets import VBox


class Footer:
    """An output that stays empty until something is put into it.

    Args:
        recent: the store from which a reloaded page gets the final answer.

    Attributes:
        is_in_cell: whether it stands directly in a cell. Only there can a reloaded page get the final answer.
    """

    def __init__(self, recent: RecentAnswers) -> None:
        self._recent = recent
        self._output = replaceable_output(EMPTY)
        self._box: VBox | None = None
        self._messenger: Messenger | None = None
        self.is_in_cell = self._output.is_in_cell

    @property
    def is_open(self) -> bool:
        """Whether it has widgets, which `end` closes."""
        return self._box is not None

    def open(self, *parts: "AnyWidget") -> None:
        """Show these widgets, and let a page that is reloaded from now on get the final answer; from any thread."""
        from ipywidgets import VBox

        self._box = VBox(parts, _dom_classes=("fal-live",))
        if self.is_in_cell:
            self._messenger = Messenger(self._recent, self._box)
            parts = (*parts, self._messenger.widget)
            self._box.children = parts
        self._output.replace(widget_bundle(self._box, ""), widget_metadata(parts[0]))

    def end(self, line: Bundle, outputs: Sequence[Bundle]) -> None:
        """Show the last line, and close the widgets.

        Args:
            line: the line that stays in this output.
            outputs: all final outputs of the answer, in order, this line included.
        """
        try:
            self._output.replace(line)
        finally:
            if self._messenger is not None:
                self._messenger.end(outputs)
            elif self._box is not None:
                close_widget(self._box)
