"""Outputs that can be replaced from any thread, wherever they are displayed, and what a saved notebook holds of them.

In a cell, an output is replaced by its display id. Such an update does not reach an output within an Output widget. It
does not reach Voilà's page either, which opens only after its cells have run. In these places the content is held by an
Output widget of our own, which is replaced by setting its ``outputs``. That widget is not closed at the end: a page
that is reloaded, or that shows the user's Output widget later, would report a closed widget as a missing model.

A notebook can be saved at any moment, and a saved widget is dead when the notebook is opened again. So before the
output with live widgets there is a static output with the same text, marked as unfinished. While the widgets are alive,
the page hides the static output. Once they are dead, a page that trusts the notebook hides the output with the widgets.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from ..render.answer_style import unstyled
from ..render.bundles import LONGEST_TEXT, Bundle, merged, small_bundle
from ..render.markdown import preformatted_html
from ..safety.plain_text import plain_text, printable
from ..wire.environment import is_voila
from .front_end import output_widget

if TYPE_CHECKING:
    from ipywidgets import Box, DOMWidget, Output

EMPTY: Bundle = {"text/plain": "", "text/html": ""}
UNFINISHED = "… still streaming, unfinished"
"""The note below an answer that still streams."""
_LIVE_FALLBACK = "[the live view of an answer that was still streaming]"
WIDGET_FALLBACK = "[an answer in a widget]"
"""The plain text of an answer in an Output widget, for viewers without widgets."""
_VIEW_TYPE = "application/vnd.jupyter.widget-view+json"
# The static output stands right before the one with the widget. The first rule hides the static output while the widget
# is alive, except in a reloaded page, whose widget lacks the beginning. The second rule hides a dead widget's output.
# The classes are those of outputs in JupyterLab, Notebook 6, VS Code and Colab; `live.css` has a rule for others. A
# rule for any element would let a page look through the whole notebook once a second.
_SHOW_ONE_STYLE = """
:is(.jp-OutputArea-child, .output_area, .output_container, .display_data):has(.{static}):has(
  + * .{live}:not(.fal-returned)
) {{ display: none }}
.jp-OutputArea-child:has(.{static}) + .jp-OutputArea-child:not(:has(.{live})) {{ display: none }}
"""


class ReplaceableOutput(ABC):
    """One output whose content can be replaced.

    Attributes:
        is_in_cell: whether it is an output of the cell itself, which is saved with the notebook.
    """

    is_in_cell: bool

    @abstractmethod
    def replace(self, bundle: Bundle) -> None:
        """Replace the content; from any thread."""


def replaceable_output(bundle: Bundle) -> ReplaceableOutput:
    """Display a bundle now, in the cell, or in the Output widget whose ``with`` block runs."""
    within = output_widget()
    return _InCell(bundle) if within is None and not is_voila() else _InWidget(bundle, within)


def show_bundle(bundle: Bundle) -> None:
    """Display a static bundle. In a terminal, characters that its encoding lacks are replaced."""
    if getattr(get_ipython(), "kernel", None) is None:
        bundle = {**bundle, "text/plain": printable(bundle["text/plain"], sys.stdout)}
    display(bundle, raw=True)


class _InCell(ReplaceableOutput):
    is_in_cell = True

    def __init__(self, bundle: Bundle) -> None:
        self._handle = display(bundle, raw=True, display_id=True)

    def replace(self, bundle: Bundle) -> None:
        self._handle.update(bundle, raw=True)


class _InWidget(ReplaceableOutput):
    """An output held by a widget of our own, within the user's Output widget if there is one."""

    is_in_cell = False

    def __init__(self, bundle: Bundle, within: "Output | None") -> None:
        self._holder = static_widget([bundle])
        display(widget_bundle(self._holder, WIDGET_FALLBACK), raw=True)
        if within is not None:
            close_once_cleared(self._holder, within)

    def replace(self, bundle: Bundle) -> None:
        self._holder.outputs = _as_outputs([bundle])


def static_widget(bundles: Sequence[Bundle], **options: Any) -> "Output":
    """A widget that holds bundles, for places where an output cannot be replaced by its display id."""
    from ipywidgets import Output

    return Output(outputs=_as_outputs(bundles), **options)


def _as_outputs(bundles: Sequence[Bundle]) -> tuple[dict[str, Any], ...]:
    return tuple({"output_type": "display_data", "data": each, "metadata": {}} for each in bundles)


def widget_bundle(widget: "DOMWidget", words: str = _LIVE_FALLBACK) -> Bundle:
    """A widget's view as a bundle, with plain text for viewers without widgets."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": words, _VIEW_TYPE: view}


def enable_colab_widgets() -> None:
    """Let Colab draw widgets of other packages than ipywidgets, including parts that are added to a view later."""
    colab = sys.modules.get("google.colab.output")
    if colab is not None:
        colab.enable_custom_widget_manager()


def close_widget(widget: Any, *, but: Any = None) -> None:
    """Close a widget with its children, style and layout. Widgets that are left open would be saved.

    Args:
        widget: the widget to close.
        but: a layout to leave open, because other widgets use it, too.
    """
    with ExitStack() as each:  # if closing one fails, the others are still closed
        each.callback(widget.close)
        for part in (*getattr(widget, "children", ()), getattr(widget, "style", None), widget.layout):
            if part is not None and part is not but:
                close = partial(close_widget, part, but=but) if hasattr(part, "layout") else part.close
                each.callback(close)


def replace_parts(box: "Box", parts: "Sequence[DOMWidget]") -> None:
    """Replace the parts of a box, and close those that it no longer has."""
    before, box.children = box.children, tuple(parts)
    for part in before:
        if part not in parts:
            close_widget(part, but=box.layout)


def close_once_cleared(widget: "DOMWidget", within: "Output") -> None:
    """Close a widget once the page reports that the Output widget around it was cleared: nothing else would."""

    def look(change: Any) -> None:
        if _stands_in(change.old, widget) and not _stands_in(change.new, widget):
            within.unobserve(look, "outputs")
            close_widget(widget)

    within.observe(look, "outputs")


def _stands_in(outputs: Sequence[dict[str, Any]], widget: "DOMWidget") -> bool:
    return any(each.get("data", {}).get(_VIEW_TYPE, {}).get("model_id") == widget.model_id for each in outputs)


def unfinished_bundle(text: str, name: str = "") -> Bundle:
    """The text of an answer that still streams, as a saved notebook keeps it.

    It has no sheet of its own: a page would style all its elements anew each time this output is replaced.

    Args:
        text: the text so far.
        name: the name that this output shares with the live output of the same answer, for `static_class` and
            `live_class`; empty if there is no live output.
    """
    shown = plain_text(text[:LONGEST_TEXT])
    words = [{"text/plain": shown, "text/html": preformatted_html(shown)}] if shown else []
    (bundle,) = merged([*words, small_bundle(UNFINISHED)])
    if not name:
        return bundle
    style = _SHOW_ONE_STYLE.format(static=static_class(name), live=live_class(name))
    html = f'<style>{style}</style><div class="{escape(static_class(name))}">{unstyled(bundle["text/html"])}</div>'
    return {**bundle, "text/html": html}


def static_class(name: str) -> str:
    """The CSS class of the static output."""
    return f"fal-still-{name}"


def live_class(name: str) -> str:
    """The CSS class of the live widget that shows the same answer."""
    return f"fal-live-{name}"
