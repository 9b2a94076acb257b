"""Outputs that are replaced as a whole, from any thread and wherever they stand, and what a save finds there.

In a cell an output is found by a display id. Such updates do not reach into an Output widget, nor into a page of Voilà,
which comes when its cells have run; what stands there holds its own content in a widget. That widget stays: a page that
meets a closed one, when it is loaded again or shows the Output widget only later, says that it found no model.

A notebook can be saved at any moment, and a widget that was saved is dead when it is opened again. So what is live
stands behind an output that says the same in plain words, marked as unfinished. While the widget lives, the page hides
that output; where its life has ended, a page that trusts the notebook hides the widget's.
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

from ..render.bundles import LONGEST_TEXT, Bundle, merged, small_bundle
from ..render.markdown import preformatted_html
from ..safety.plain_text import plain_text, printable
from ..wire.environment import is_voila
from .front_end import output_widget

if TYPE_CHECKING:
    from anywidget import AnyWidget
    from ipywidgets import Box, DOMWidget, Output

Metadata = dict[str, Any]
"""What is said of a bundle, by type."""
NOTHING: Bundle = {"text/plain": "", "text/html": ""}
UNFINISHED = "… still streaming, unfinished"
"""What is said below an answer that has not ended."""
_LIVE_VIEW = "[the live view of an answer that was still streaming]"
WITHIN = "[an answer in a widget]"
"""What stands for one in an Output widget, for readers that have no widgets."""
_VIEW = "application/vnd.jupyter.widget-view+json"
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
    def replace(self, bundle: Bundle, metadata: Metadata | None = None) -> None:
        """Show something else in its place; from any thread.

        Args:
            bundle: what to show.
            metadata: what is said of it, by type.
        """


def replaceable_output(bundle: Bundle) -> ReplaceableOutput:
    """Display a bundle here and now, in a cell or in the Output widget that is entered."""
    within = output_widget()
    return _InCell(bundle) if within is None and not is_voila() else _InWidget(bundle, within)


def show_bundle(bundle: Bundle) -> None:
    """Display what stays as it is, in a terminal too, whose encoding may have no such characters."""
    if getattr(get_ipython(), "kernel", None) is None:
        bundle = {**bundle, "text/plain": printable(bundle["text/plain"], sys.stdout)}
    display(bundle, raw=True)


class _InCell(ReplaceableOutput):
    is_in_cell = True

    def __init__(self, bundle: Bundle) -> None:
        self._handle = display(bundle, raw=True, display_id=True)

    def replace(self, bundle: Bundle, metadata: Metadata | None = None) -> None:
        self._handle.update(bundle, raw=True, metadata=metadata)


class _InWidget(ReplaceableOutput):
    """A widget of our own, within the user's if there is one."""

    is_in_cell = False

    def __init__(self, bundle: Bundle, within: "Output | None") -> None:
        self._holder = static_widget([bundle])
        display(widget_bundle(self._holder, WITHIN), raw=True)
        if within is not None:
            close_once_cleared(self._holder, within)

    def replace(self, bundle: Bundle, metadata: Metadata | None = None) -> None:
        self._holder.outputs = _as_outputs([bundle], metadata)


def static_widget(bundles: Sequence[Bundle]) -> "Output":
    """A widget that holds bundles, for a place where no output of ours can be replaced."""
    from ipywidgets import Output

    return Output(outputs=_as_outputs(bundles))


def _as_outputs(bundles: Sequence[Bundle], metadata: Metadata | None = None) -> tuple[dict[str, Any], ...]:
    return tuple({"output_type": "display_data", "data": each, "metadata": metadata or {}} for each in bundles)


def widget_bundle(widget: "DOMWidget", words: str = _LIVE_VIEW) -> Bundle:
    """A widget's view as a bundle, with words for readers that have no widgets."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": words, _VIEW: view}


def widget_metadata(part: "AnyWidget") -> Metadata:
    """What has to be said of a view that has this part, if it is shown from a thread: in Colab, who draws the part.

    In the cell's own thread Colab says it by a hook; see `enable_parts`.
    """
    bundles = part._repr_mimebundle_()  # IPython's protocol: data and metadata
    return bundles[1] if bundles else {}


def enable_parts() -> None:
    """Let Colab draw widgets of other packages than ipywidgets from now on, also as parts that join a view later."""
    colab = sys.modules.get("google.colab.output")
    if colab is not None:
        colab.enable_custom_widget_manager()


def close_widget(widget: Any, *, but: Any = None) -> None:
    """Close a widget with all that belongs to it: what is left open would be saved.

    Args:
        widget: what to close.
        but: a layout that others use, too.
    """
    with ExitStack() as each:  # one that cannot be closed leaves none of the others open
        each.callback(widget.close)
        for part in (*getattr(widget, "children", ()), getattr(widget, "style", None), widget.layout):
            if part is not None and part is not but:
                close = partial(close_widget, part, but=but) if hasattr(part, "layout") else part.close
                each.callback(close)


def replace_parts(box: "Box", parts: "Sequence[DOMWidget]") -> None:
    """Show other parts in a box, and close those that it had."""
    before, box.children = box.children, tuple(parts)
    for part in before:
        if part not in parts:
            close_widget(part, but=box.layout)


def close_once_cleared(widget: "DOMWidget", within: "Output") -> None:
    """Close a widget that stands in an Output widget once the page tells that this was cleared: nobody else would."""

    def look(change: Any) -> None:
        if _stands_in(change.old, widget) and not _stands_in(change.new, widget):
            within.unobserve(look, "outputs")
            close_widget(widget)

    within.observe(look, "outputs")


def _stands_in(outputs: Sequence[dict[str, Any]], widget: "DOMWidget") -> bool:
    return any(each.get("data", {}).get(_VIEW, {}).get("model_id") == widget.model_id for each in outputs)


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
