"""The widgets of a live output: one box in one output, a picture that is replaced, a bar that fills.

What a server sends goes in as plain words or as the bytes of a picture that cannot act. A Label and a description
would typeset TeX, and with it links, so what is said of the progress stands in a Text that cannot be edited.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from IPython.display import DisplayHandle, display

from ..media.media import Media
from ..render.bundles import Bundle, merged, small_bundle
from ..safety.plain_text import one_line
from .front_end import output_widget
from .outputs import (
    WITHIN,
    close_once_cleared,
    close_widget,
    enable_parts,
    live_class,
    replace_parts,
    static_widget,
    unfinished_bundle,
    widget_bundle,
)
from .reloaded_page import Messenger, RecentAnswers

if TYPE_CHECKING:
    from ipywidgets import DOMWidget, Layout, Output, VBox


_KEEP_SECONDS = 1.0  # between two times that what a save keeps is brought up to what has come
_KEPT_CHARACTERS_A_SECOND = 100_000


class Place(IntEnum):
    """Where a part stands, from the top. What grows is the last, so that nothing moves under a hand."""

    STOP = 1
    PROGRESS = 2
    PICTURE = 3
    SOUND = 4
    MESSENGER = 5
    WORDS = 6


class LiveBox:
    """The live part of a cell's output, with its parts in the order of their places, and what a save keeps of it.

    In a cell it is two outputs, one behind the other: what has come, in plain words, and the box. In an Output widget,
    where nothing is saved and no display can be replaced, it is the box alone, which then holds what stays.

    Args:
        words: the answer's text so far.
        recent: where a page that comes back finds the end.
    """

    def __init__(self, words: Callable[[], str], recent: RecentAnswers) -> None:
        self._words = words
        self._recent = recent
        self._name = uuid4().hex
        self._parts: dict[Place, DOMWidget] = {}
        self._box: VBox | None = None
        self._within: Output | None = None
        self._outputs: list[DisplayHandle] = []
        self._further = 0
        self._messenger: Messenger | None = None
        self._kept = ""
        self._due = 0.0

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
        self._parts[place] = widget
        children = [part for _, part in sorted(self._parts.items())]
        if self._box is None:
            self._open(children)
        else:
            self._box.children = children

    def close_part(self, widget: "DOMWidget") -> None:
        """Close a part that was not put here."""
        close_widget(widget, but=None if self._box is None else self.layout)

    def keep(self) -> None:
        """Bring what a save would keep up to what has come, if it is time: each time costs the whole text again."""
        if not self._outputs or time.monotonic() < self._due:
            return
        words = self._words()
        if words != self._kept:
            self._outputs[0].update(unfinished_bundle(words, self._name), raw=True)
            self._note_kept(words)

    def await_pages(self) -> None:
        """Let a page that is loaded from now on learn the end."""
        if self._outputs and self._box is not None and self._messenger is None:
            self._messenger = Messenger(self._recent, self._box)
            self.put(Place.MESSENGER, self._messenger.widget)

    def become(self, body: Sequence[Bundle], foot: Bundle) -> None:
        """Show what stays in the place of the parts, and close every widget that is no longer needed.

        Args:
            body: the outputs of the answer.
            foot: the line below them.
        """
        shown = _pair(body, foot) if self._outputs else merged([*body, foot])
        if self._box is not None and self._within is not None:
            replace_parts(self._box, [static_widget(shown)])
            close_once_cleared(self._box, self._within)
            return
        try:
            for handle, bundle in zip(self._outputs, shown, strict=False):
                handle.update(bundle, raw=True)
            for bundle in shown[len(self._outputs) + self._further :]:
                display(bundle, raw=True)
                self._further += 1  # called again, it shows nothing twice
        finally:
            if self._messenger is not None:
                self._messenger.end(shown)
            self._close()

    def _close(self) -> None:
        """Close all, or all but the messenger and the box that it needs."""
        stays = self._messenger is not None
        for place, part in self._parts.items():
            if not stays or place is not Place.MESSENGER:
                close_widget(part, but=self.layout if stays else None)
        if self._box is not None and not stays:
            close_widget(self._box)
        if "layout" in vars(self) and not stays:
            self.layout.close()

    def _open(self, children: "Sequence[DOMWidget]") -> None:
        from ipywidgets import VBox

        self._box = VBox(children, layout=self.layout, _dom_classes=("fal-live", live_class(self._name)))
        self._within = output_widget()
        enable_parts()
        if self._within is not None:
            display(widget_bundle(self._box, WITHIN), raw=True)
            return
        words = self._words()
        bundles = [unfinished_bundle(words, self._name), widget_bundle(self._box)]
        self._outputs = [display(bundle, raw=True, display_id=True) for bundle in bundles]
        self._note_kept(words)

    def _note_kept(self, words: str) -> None:
        self._kept = words
        self._due = time.monotonic() + max(_KEEP_SECONDS, len(words) / _KEPT_CHARACTERS_A_SECOND)


def _pair(body: Sequence[Bundle], foot: Bundle) -> list[Bundle]:
    """The outputs for the place of two: the first of the body, and all that stands behind it."""
    first, *others = body or [small_bundle("no answer came")]
    return [first, *merged([*others, foot])]


def _laid_out(kind: type[Any], style: Mapping[str, str], **options: Any) -> Any:
    """A new widget with a layout of its own, which is not left open where the widget cannot be made."""
    from ipywidgets import Layout

    layout = Layout(**style)
    try:
        return kind(layout=layout, **options)
    except BaseException:
        layout.close()
        raise


class ProgressBar:
    """How far the work is, and beside it what the server says of it."""

    def __init__(self) -> None:
        from ipywidgets import FloatProgress, HBox, Text

        # What ipywidgets 7 calls by another name. It is what a screen reader says.
        name = "tooltip" if FloatProgress.class_traits().get("tooltip") else "description_tooltip"
        with ExitStack() as undo:
            self._bar = _laid_out(FloatProgress, {"display": "none"}, max=1.0, **{name: "Progress"})
            undo.callback(close_widget, self._bar)
            self._message = _laid_out(Text, {"flex": "1"}, disabled=True, **{name: "Progress"})
            undo.callback(close_widget, self._message)
            self._message.style.background = "transparent"
            self.widget: DOMWidget = HBox([self._bar, self._message])
            undo.pop_all()

    def show(self, fraction: float | None, message: str) -> None:
        """Move the bar, which is seen once a fraction is known."""
        if fraction is not None:
            self._bar.layout.display = None
            self._bar.value = fraction
        self._message.value = one_line(message, 200)


class Picture:
    """A picture in the page whose bytes are replaced."""

    def __init__(self) -> None:
        from ipywidgets import Image

        self.widget: DOMWidget = _laid_out(Image, {"max_width": "100%", "align_self": "flex-start"})

    def show(self, picture: Media) -> None:
        """Replace what is shown by a picture that `media.raster` found."""
        with self.widget.hold_sync():
            self.widget.format = picture.content_type.removeprefix("image/")
            self.widget.value = picture.data
