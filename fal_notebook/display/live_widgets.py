"""The widgets that show an answer while it streams: a box, and in it the text, a picture, a progress bar and so on.

What a server sends is shown only as plain text or as the bytes of a raster picture, neither of which can run anything.
A Label widget, or a widget's description, would typeset TeX, which can make links. An HTML widget typesets nothing, so
it shows the progress message, which is escaped.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from enum import IntEnum
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from IPython.display import DisplayHandle, display

from ..media.media import Media
from ..render.answer_style import QUIET_STYLE, short_css
from ..render.bundles import Bundle, merged, small_bundle
from ..render.markdown import text_html
from ..safety.plain_text import one_line
from ..wire.environment import is_voila
from .cleared_outputs import ClearedWatch
from .front_end import output_widget
from .outputs import (
    WIDGET_FALLBACK,
    close_once_cleared,
    close_widget,
    enable_colab_widgets,
    live_class,
    replace_parts,
    static_class,
    static_widget,
    unfinished_bundle,
    widget_bundle,
)
from .reloaded_page import Messenger, RecentAnswers

if TYPE_CHECKING:
    from ipywidgets import DOMWidget, Layout, Output, VBox


_KEEP_SECONDS = 1.0  # between two updates of the text that a save of the notebook would keep
_KEPT_CHARACTERS_A_SECOND = 100_000


class Place(IntEnum):
    """The order of the parts from the top.

    The page draws all parts anew that stand behind one that is added. So what is added late stands behind the words;
    the Stop button is moved to the top by `live.css`, since the words grow and a click must not miss it.
    """

    STYLE = 0
    PROGRESS = 1
    PICTURE = 2
    SOUND = 3
    REASONING = 4
    LOG = 5
    WORDS = 6
    STOP = 7
    MESSENGER = 8


class LiveBox:
    """The box with the live widgets of a cell's output, and the text that a save of the notebook keeps meanwhile.

    In a cell there are two outputs: the first has the answer so far as plain text, the second has the box. Within an
    Output widget and in Voilà, no output can be replaced and none is saved. So there is only the box, which holds the
    final answer at the end.

    Args:
        words: returns the answer's text so far.
        recent: the store from which a reloaded page gets the final answer.
        words_style: the stylesheet of the words, if they are parts of an answer.
        marks_itself: whether a part is marked by its page as `mark` once it has all the words; until then the static
            text is shown. Else the box has the mark.

    Attributes:
        mark: the CSS class of what is shown in place of the static text.
    """

    def __init__(
        self,
        words: Callable[[], str],
        recent: RecentAnswers,
        *,
        words_style: str = "",
        marks_itself: bool = False,
    ) -> None:
        self._words = words
        self._recent = recent
        self._words_style = words_style
        self._name = uuid4().hex
        self.mark = live_class(self._name)
        self._classes = ("fal-live", *([] if marks_itself else [self.mark]))
        self._parts: dict[Place, tuple[DOMWidget, ...]] = {}
        self._box: VBox | None = None
        self._within: Output | None = None
        self._is_held = False  # whether only the box is displayed
        self._watch: ClearedWatch | None = None
        self._outputs: list[DisplayHandle] = []
        self._displayed_beyond = 0
        self._messenger: Messenger | None = None
        self._kept = ""
        self._due = 0.0

    @cached_property
    def layout(self) -> "Layout":
        """The layout of the box, shared by parts that need no other, since each layout costs messages."""
        from ipywidgets import Layout  # imported when first shown: loading the extension stays quick

        return Layout()

    def shows(self, place: Place) -> bool:
        """Whether a place has a part."""
        return place in self._parts

    def put(self, place: Place, *widgets: "DOMWidget") -> None:
        """Show one more part, of one or more widgets."""
        if self._box is None:
            self._parts[Place.STYLE] = (self._style_widget(),)
        self._parts[place] = widgets
        children = [widget for _, part in sorted(self._parts.items()) for widget in part]
        if self._box is None:
            self._open(children)
        else:
            self._box.children = children

    def close_part(self, widget: "DOMWidget") -> None:
        """Close a part that was made for this box but never put into it."""
        close_widget(widget, but=None if self._box is None else self.layout)

    def keep(self) -> None:
        """Update the text that a save would keep, if that is due. Each update sends the whole text again.

        If the user's code has cleared the cell, both outputs are displayed anew.
        """
        if self._outputs and self._box is not None and self._must_display_anew:
            self._display(self._box)
        if not self._outputs or time.monotonic() < self._due:
            return
        words = self._words()
        if words != self._kept:
            self._outputs[0].update(unfinished_bundle(words, self._name), raw=True)
            self._note_kept(words)

    def await_pages(self) -> None:
        """Let a page that is reloaded from now on get the final answer."""
        if self._outputs and self._box is not None and self._messenger is None:
            self._messenger = Messenger(self._recent, self._box)
            self.put(Place.MESSENGER, self._messenger.widget)

    def become(self, body: Sequence[Bundle], foot: Bundle) -> None:
        """Replace the parts by the final answer, and close every widget that is no longer needed.

        Args:
            body: the final outputs of the answer.
            foot: the line below them.
        """
        shown = _as_two_outputs(body, foot) if self._outputs else merged([*body, foot])
        if self._box is not None and self._is_held:
            self._become_held(self._box, shown)
            return
        if self._must_display_anew:
            self._outputs = []
        try:
            for handle, bundle in zip(self._outputs, shown, strict=False):
                handle.update(bundle, raw=True)
            for bundle in shown[len(self._outputs) + self._displayed_beyond :]:
                display(bundle, raw=True)
                self._displayed_beyond += 1  # so that a second call displays nothing twice
        finally:
            if self._messenger is not None:
                self._messenger.end(shown)
            self.close()

    @property
    def _must_display_anew(self) -> bool:
        """Whether the user's code has cleared what was displayed, and what is displayed now comes to the same place."""
        return self._watch is not None and self._watch.is_cleared and self._watch.is_here

    def _become_held(self, box: "VBox", shown: Sequence[Bundle]) -> None:
        """Replace the parts by the final answer in a place where only the box is displayed."""
        final: DOMWidget = static_widget(shown)
        if self._must_display_anew:
            display(widget_bundle(final, WIDGET_FALLBACK), raw=True)
            self.close()
        else:
            replace_parts(box, [final])
            final = box
        if self._watch is not None:
            self._watch.end()
        if self._within is not None:
            close_once_cleared(final, self._within)

    def close(self) -> None:
        """Close all widgets; if there is a messenger, all but it and its box."""
        if self._watch is not None:
            self._watch.end()
        stays = self._messenger is not None
        for place, part in self._parts.items():
            if not stays or place is not Place.MESSENGER:
                for widget in part:
                    close_widget(widget, but=self.layout if stays else None)
        if self._box is not None and not stays:
            close_widget(self._box)
        if "layout" in vars(self) and not stays:
            self.layout.close()

    def _style_widget(self) -> "DOMWidget":
        sheet, words = _live_styles()
        if self._words_style:
            sheet = self._words_style + sheet + words
        sheet = sheet.replace("fal-box-name", self.mark).replace("fal-still-name", static_class(self._name))
        bundle = {"text/plain": "", "text/html": f'<style class="fal-style">{sheet}</style>'}
        return static_widget([bundle], layout=self.layout, _dom_classes=("fal-style",))

    def _open(self, children: "Sequence[DOMWidget]") -> None:
        from ipywidgets import VBox

        self._box = VBox(children, layout=self.layout, _dom_classes=self._classes)
        self._within = output_widget()
        self._is_held = self._within is not None or is_voila()
        enable_colab_widgets()
        self._display(self._box)

    def _display(self, box: "VBox") -> None:
        """Display the box, and before it the text that a save would keep, if it would be kept there."""
        if self._watch is None:
            self._watch = ClearedWatch()
        self._watch.is_cleared = False
        if self._is_held:
            display(widget_bundle(box, WIDGET_FALLBACK), raw=True)
            return
        words = self._words()
        bundles = [unfinished_bundle(words, self._name), widget_bundle(box)]
        self._outputs = [display(bundle, raw=True, display_id=True) for bundle in bundles]
        self._note_kept(words)

    def _note_kept(self, words: str) -> None:
        self._kept = words
        self._due = time.monotonic() + max(_KEEP_SECONDS, len(words) / _KEPT_CHARACTERS_A_SECOND)


@cache
def _live_styles() -> tuple[str, str]:
    """The stylesheet of the box, and what formatted words need of it."""
    names = ("live.css", "formatted_words.css")
    box, words = (short_css(Path(__file__).with_name(name).read_text(encoding="utf-8")) for name in names)
    return box, words


def _as_two_outputs(body: Sequence[Bundle], foot: Bundle) -> list[Bundle]:
    """The first output of the body, then all that follows joined, since two outputs are to be replaced."""
    first, *others = body or [small_bundle("no answer came")]
    return [first, *merged([*others, foot])]


def _with_layout(kind: type[Any], style: Mapping[str, str], **options: Any) -> Any:
    """A new widget with a layout of its own. If making the widget fails, the layout is closed."""
    from ipywidgets import Layout

    layout = Layout(**style)
    try:
        return kind(layout=layout, **options)
    except BaseException:
        layout.close()
        raise


class ProgressBar:
    """A bar that shows the progress, with the server's message in quiet words beside it."""

    def __init__(self) -> None:
        from ipywidgets import HTML, FloatProgress, HBox

        # A screen reader reads this out. In ipywidgets 7 the trait has another name.
        name = "tooltip" if FloatProgress.class_traits().get("tooltip") else "description_tooltip"
        with ExitStack() as undo:
            self._bar = _with_layout(FloatProgress, {"display": "none"}, max=1.0, **{name: "Progress"})
            undo.callback(close_widget, self._bar)
            self._message = _with_layout(HTML, {"flex": "1", "min_width": "0"})
            undo.callback(close_widget, self._message)
            self.widget: DOMWidget = HBox([self._bar, self._message])
            undo.pop_all()

    def show(self, fraction: float | None, message: str) -> None:
        """Show the progress; the bar appears once a fraction is known."""
        if fraction is not None:
            self._bar.layout.display = None
            self._bar.value = fraction
        self._message.value = f'<span style="{QUIET_STYLE}">{text_html(one_line(message, 200))}</span>'


class Picture:
    """A picture in the page, which newer pictures replace."""

    def __init__(self) -> None:
        from ipywidgets import Image

        self.widget: DOMWidget = _with_layout(Image, {"max_width": "100%", "align_self": "flex-start"})

    def show(self, picture: Media) -> None:
        """Show a picture, which `media.first_raster` must have accepted, in place of the one before."""
        with self.widget.hold_sync():
            self.widget.format = picture.content_type.removeprefix("image/")
            self.widget.value = picture.data
