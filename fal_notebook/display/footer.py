"""The output below one that is replaced as a whole: widgets while it streams, in the end its last line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..render.bundles import Bundle
from .outputs import NOTHING, close_widget, replaceable_output, widget_bundle, widget_metadata
from .reloaded_page import Messenger, RecentAnswers

if TYPE_CHECKING:
    from anywidget import AnyWidget
    from ipywidgets import VBox


class Foot:
    """An output that stays empty until something is put into it.

    Args:
        recent: where a page that comes back finds the end.

    Attributes:
        is_in_cell: whether it stands in a cell, where a page that comes back learns the end from it.
    """

    def __init__(self, recent: RecentAnswers) -> None:
        self._recent = recent
        self._output = replaceable_output(NOTHING)
        self._box: VBox | None = None
        self._messenger: Messenger | None = None
        self.is_in_cell = self._output.is_in_cell

    @property
    def is_open(self) -> bool:
        """Whether it has widgets, which `end` closes."""
        return self._box is not None

    def open(self, *parts: "AnyWidget") -> None:
        """Show these widgets, and let a page that is loaded from now on learn the end; from any thread."""
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
            line: what stays here.
            outputs: all that stays of the answer, in order, this line included.
        """
        try:
            self._output.replace(line)
        finally:
            if self._messenger is not None:
                self._messenger.end(outputs)
            elif self._box is not None:
                close_widget(self._box)
