"""The widget that shows a model's reasoning in a cell while it streams; the page's part is reasoning_fold.js."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets import Dict

from .live_reasoning import ReasoningState

if TYPE_CHECKING:
    from anywidget import AnyWidget
    from ipywidgets import Layout

_HERE = Path(__file__).parent
REASONING_SCRIPT = _HERE / "reasoning_fold.js"
"""The page's part that draws the fold. Each widget that uses it puts this script before its own."""
REASONING_STYLE = _HERE / "reasoning_fold.css"


class ReasoningWidget:
    """A fold with the newest lines of the reasoning.

    Args:
        state: what it shows first.
        layout: its layout, which others may use, too.

    Attributes:
        widget: the widget to display.
    """

    def __init__(self, state: ReasoningState, layout: "Layout") -> None:
        classes = ("fal-part", "fal-reasoning")
        self.widget: AnyWidget = _widget_class()(state=dict(state), layout=layout, _dom_classes=classes)

    def show(self, state: ReasoningState) -> None:
        """Show what is new. This is one message, whose size does not grow."""
        self.widget.set_trait("state", dict(state))


@cache
def _widget_class() -> "type[AnyWidget]":
    from anywidget import AnyWidget  # imported with the first reasoning: loading the extension stays quick

    class ReasoningFold(AnyWidget):
        """The page's part is reasoning_fold.js."""

        _esm = "".join(path.read_text(encoding="utf-8") for path in (REASONING_SCRIPT, _HERE / "reasoning_view.js"))
        _css = REASONING_STYLE.read_text(encoding="utf-8")
        state = Dict().tag(sync=True)

    return ReasoningFold
