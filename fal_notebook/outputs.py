"""Floor 4: outputs that are replaced as a whole, from any thread and wherever they stand, and what a save finds there.

In a cell an output is found by a display id. Such updates do not reach into an Output widget; what stands there holds
its own content in a widget within it.

A notebook can be saved at any moment, and a widget that was saved is dead when it is opened again. So what is live
stands behind an output that says the same in plain words, marked as unfinished. While the widget lives, the page hides
that output; where its life has ended, a page that trusts the notebook hides the widget's.
"""

from abc import ABC, abstractmethod
from html import escape
from typing import TYPE_CHECKING, Any

from IPython.display import display

from .markdown import preformatted_html
from .plain import plain_text
from .render import LONGEST_TEXT, Bundle, merged, small_bundle
from .screen import output_widget

if TYPE_CHECKING:
    from ipywidgets import DOMWidget

NOTHING: Bundle = {"text/plain": "", "text/html": ""}
UNFINISHED = "… still streaming, unfinished"
"""What is said below an answer that has not ended."""
_LIVE_VIEW = "[the live view of an answer that was still streaming]"
# An output with the words so far stands right before the one with the widget. The page hides the first while the second
# is alive, unless it was loaded meanwhile and knows better; a second one that is dead is not shown.
_ONE_OF_TWO = """
div:has(.{still}):has(+ div .{live}:not(.fal-returned)) {{ display: none }}
.jp-OutputArea-child:has(.{still}) + .jp-OutputArea-child:not(:has(.{live})) {{ display: none }}
"""


class ReplaceableOutput(ABC):
    """One output whose content can be replaced.

    Attributes:
        is_in_cell: whether it stands in a cell, where a save of the notebook finds it.
    """

    is_in_cell: bool

    @abstractmethod
    def replace(self, bundle: Bundle) -> None:
        """Show something else in its place; from any thread."""

    @abstractmethod
    def settle(self, bundle: Bundle) -> None:
        """Show what stays. Nothing is replaced after it. To be called where the output was made."""


def replaceable_output(bundle: Bundle) -> ReplaceableOutput:
    """Display a bundle here and now, in a cell or in the Output widget that is entered."""
    return _InCell(bundle) if output_widget() is None else _InWidget(bundle)


class _InCell(ReplaceableOutput):
    is_in_cell = True

    def __init__(self, bundle: Bundle) -> None:
        self._handle = display(bundle, raw=True, display_id=True)

    def replace(self, bundle: Bundle) -> None:
        self._handle.update(bundle, raw=True)

    settle = replace


class _InWidget(ReplaceableOutput):
    """A widget of our own within the user's: it stays open as long as it is not settled."""

    is_in_cell = False

    def __init__(self, bundle: Bundle) -> None:
        from ipywidgets import Output

        self._holder = Output(outputs=_as_outputs(bundle))
        display(widget_bundle(self._holder), raw=True)

    def replace(self, bundle: Bundle) -> None:
        self._holder.outputs = _as_outputs(bundle)

    def settle(self, bundle: Bundle) -> None:
        display(bundle, raw=True)
        close_widget(self._holder)


def _as_outputs(bundle: Bundle) -> tuple[dict[str, Any], ...]:
    return ({"output_type": "display_data", "data": bundle, "metadata": {}},)


def widget_bundle(widget: "DOMWidget", words: str = _LIVE_VIEW) -> Bundle:
    """A widget's view as a bundle, with words for readers that have no widgets."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": words, "application/vnd.jupyter.widget-view+json": view}


def close_widget(widget: Any, *, but: Any = None) -> None:
    """Close a widget with all that belongs to it: what is left open would be saved.

    Args:
        widget: what to close.
        but: a layout that others use, too.
    """
    for part in (*getattr(widget, "children", ()), getattr(widget, "style", None), widget.layout):
        if part is not None and part is not but:
            close_widget(part, but=but) if hasattr(part, "layout") else part.close()
    widget.close()


def unfinished_bundle(text: str, name: str = "") -> Bundle:
    """The words of an answer that streams, as a save keeps them.

    Args:
        text: what has come.
        name: of the live output that shows the same; see `still_class` and `live_class`. Empty: none does.
    """
    shown = plain_text(text[:LONGEST_TEXT])
    words = [{"text/plain": shown, "text/html": preformatted_html(shown)}] if shown else []
    (bundle,) = merged([*words, small_bundle(UNFINISHED)])
    if not name:
        return bundle
    style = _ONE_OF_TWO.format(still=still_class(name), live=live_class(name))
    html = f'<style>{style}</style><div class="{escape(still_class(name))}">{bundle["text/html"]}</div>'
    return {**bundle, "text/html": html}


def still_class(name: str) -> str:
    """The class in the page of what is static."""
    return f"fal-still-{name}"


def live_class(name: str) -> str:
    """The class in the page of the widget that shows the same."""
    return f"fal-live-{name}"
