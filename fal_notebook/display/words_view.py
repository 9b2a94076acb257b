"""A widget with growing words, in one column or in several; the page's part is words_view.js.

A message has only what is new: finished blocks once, and what has changed of the tail. So a reader's selection stays,
and formulas are typeset once. It may be sent from any thread. The messages are numbered: a page that has missed one,
such as one that was reloaded, asks for all; the kernel hears that on its control channel while a cell runs. The page
marks the view only when it is complete; until then the static text beside it is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..render.answer_style import unstyled
from ..render.bundles import Bundle, merged
from ..render.markdown import text_html
from .control_channel import CONTROL_SCRIPT, ignore, listen
from .growing_words import GROWING_SCRIPT, GrowingWords, Message

if TYPE_CHECKING:
    from anywidget import AnyWidget
    from ipywidgets import Layout

_SCRIPT = Path(__file__).with_name("words_view.js")


@dataclass(frozen=True)
class Around:
    """What stands around the words of a column, as HTML that can do nothing but be read.

    Attributes:
        above: the lines above the words.
        picture: what is shown right below the words.
        below: the lines at the end.
    """

    above: str = ""
    picture: str = ""
    below: str = ""

    @classmethod
    def of(cls, above: Sequence[Bundle] = (), picture: Sequence[Bundle] = (), below: Sequence[Bundle] = ()) -> "Around":
        """The HTML of bundles, for a page that has the stylesheet of answers."""
        return cls(_html(above), _html(picture), _html(below))


class WordsView:
    """The view of one answer, or of several beside each other.

    Args:
        names: what stands above each column; empty for none.
        mark: the CSS class that the page gives to a view that is complete.
        grid: the style of all columns together.
        column: the style of each.
        layout: the layout of the widget, which others may use, too.

    Attributes:
        widget: the widget to display.
    """

    def __init__(
        self, names: Sequence[str], mark: str, *, grid: str = "", column: str = "", layout: "Layout | None" = None
    ) -> None:
        self._shown = [Around() for _ in names]
        self._number = 0
        self._is_asked = False
        look = {"names": [text_html(name) for name in names], "mark": mark, "grid": grid, "column": column}
        more = {} if layout is None else {"layout": layout}
        first = {"number": 0, "whole": True, "columns": [{} for _ in names]}
        self.widget: AnyWidget = _widget_class()(
            look=look, frame=first, _control=listen(self._hear), _dom_classes=("fal-view",), **more
        )
        try:
            self.widget.on_msg(lambda _, content, __: self._hear(content))
        except BaseException:
            self.widget.close()
            raise

    def show(self, columns: Sequence[tuple[Around, GrowingWords]]) -> int:
        """Show what is new; from any thread, but not from two at once.

        Args:
            columns: what each of them is to show.

        Returns:
            How many characters of HTML this took.
        """
        whole, self._is_asked = self._is_asked, False
        news = [self._news(number, around, words, whole=whole) for number, (around, words) in enumerate(columns)]
        if not any(news) and not whole:
            return 0
        self._number += 1
        self.widget.set_trait("frame", {"number": self._number, "whole": whole, "columns": news})
        return sum(_size(each) for each in news)

    def _news(self, number: int, around: Around, words: GrowingWords, *, whole: bool) -> dict[str, Any]:
        message = words.take()
        before = Around() if whole else self._shown[number]
        self._shown[number] = around
        news: dict[str, Any] = {name: html for name, html in vars(around).items() if html != getattr(before, name)}
        if whole or message is not None:
            news["words"] = words.whole() if whole else message
        return news

    def _hear(self, content: Any) -> None:
        if isinstance(content, Mapping) and content.get("kind") == "whole":
            self._is_asked = True


def _html(bundles: Sequence[Bundle]) -> str:
    return "".join(unstyled(bundle.get("text/html", "")) for bundle in merged(bundles))


def _size(news: Mapping[str, str | Message]) -> int:
    words = news.get("words")
    growth = len(words["tail"][1]) + sum(len(html) for html, _ in words["blocks"]) if isinstance(words, dict) else 0
    return growth + sum(len(html) for html in news.values() if isinstance(html, str))


@cache
def _widget_class() -> "type[AnyWidget]":
    from anywidget import AnyWidget  # imported with the first view: loading the extension stays quick
    from traitlets import Dict, Unicode

    class Words(AnyWidget):
        """The page's part is words_view.js."""

        _esm = "".join(path.read_text(encoding="utf-8") for path in (CONTROL_SCRIPT, GROWING_SCRIPT, _SCRIPT))
        _control = Unicode().tag(sync=True)
        look = Dict().tag(sync=True)
        frame = Dict().tag(sync=True)

        def close(self) -> None:
            """Close the widget, whoever calls this, and stop listening to the page."""
            ignore(self._control)
            super().close()

    return Words
