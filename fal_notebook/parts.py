"""Floor 4: the widgets of a live output: one box in one output, a picture that is replaced, a bar that fills.

What a server sends goes in as plain words or as the bytes of a picture that cannot act. A Label and a description
would typeset TeX, and with it links, so what is said of the progress stands in a Text that cannot be edited.
"""

from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from IPython.display import DisplayHandle, display

from .media import Media
from .plain import one_line
from .render import Bundle

if TYPE_CHECKING:
    from ipywidgets import DOMWidget, Layout, VBox


class Place(IntEnum):
    """Where a part stands, from the top. What grows is the last, so that nothing moves under a hand."""

    STOP = 1
    PROGRESS = 2
    PICTURE = 3
    SOUND = 4
    WORDS = 5


class LiveBox:
    """The one output of a cell that is live, with its parts in the order of their places."""

    def __init__(self) -> None:
        self._parts: dict[Place, DOMWidget] = {}
        self._box: VBox | None = None
        self._handle: DisplayHandle | None = None

    @cached_property
    def layout(self) -> "Layout":
        """That of the box, and of the parts that need no other: each costs messages to open and to close."""
        from ipywidgets import Layout  # imported when first shown: loading the extension stays quick

        return Layout()

    def shows(self, place: Place) -> bool:
        """Whether there is a part in a place."""
        return place in self._parts

    def put(self, place: Place, widget: "DOMWidget") -> None:
        """Show a further part."""
        from ipywidgets import VBox

        self._parts[place] = widget
        children = [part for _, part in sorted(self._parts.items())]
        if self._box is None:
            self._box = VBox(children, layout=self.layout)
            self._handle = display(view_bundle(self._box), raw=True, display_id=True)
        else:
            self._box.children = children

    def become(self, bundle: Bundle) -> None:
        """Show what stays in the place of the parts, and close every widget."""
        if self._handle is None:
            display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)
        if self._box is not None:
            close_widget(self._box)


class ProgressBar:
    """How far the work is, and beside it what the server says of it."""

    def __init__(self) -> None:
        from ipywidgets import FloatProgress, HBox, Layout, Text

        # What ipywidgets 7 calls by another name. It is what a screen reader says.
        name = "tooltip" if FloatProgress.class_traits().get("tooltip") else "description_tooltip"
        self._bar = FloatProgress(max=1.0, layout=Layout(display="none"), **{name: "Progress"})
        self._message = Text(disabled=True, layout=Layout(flex="1"), **{name: "Progress"})
        self._message.style.background = "transparent"
        self.widget: DOMWidget = HBox([self._bar, self._message])

    def show(self, fraction: float | None, message: str) -> None:
        """Move the bar, which is seen once a fraction is known."""
        if fraction is not None:
            self._bar.layout.display = None
            self._bar.value = fraction
        self._message.value = one_line(message, 200)


class Picture:
    """A picture in the page whose bytes are replaced."""

    def __init__(self) -> None:
        from ipywidgets import Image, Layout

        self.widget: DOMWidget = Image(layout=Layout(max_width="100%", align_self="flex-start"))

    def show(self, picture: Media) -> None:
        """Replace what is shown by a picture that `media.raster` found."""
        with self.widget.hold_sync():
            self.widget.format = picture.content_type.removeprefix("image/")
            self.widget.value = picture.data


def view_bundle(widget: Any) -> Bundle:
    """What shows a widget. By itself one of ipywidgets 7 would lose the display id that it is to be replaced by."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": repr(widget), "application/vnd.jupyter.widget-view+json": view}


def close_widget(widget: Any) -> None:
    """Close a widget with all that belongs to it: what is left open would be saved."""
    for part in (*getattr(widget, "children", ()), getattr(widget, "style", None), widget.layout):
        if part is not None:
            close_widget(part) if hasattr(part, "layout") else part.close()
    widget.close()
