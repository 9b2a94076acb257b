"""Words that are formatted while they stream: finished blocks in an Output widget, what grows in one of HTML behind it.

A finished block is displayed in the Output widget once, and never touched again. What grows is replaced. No page shows
two messages at the same moment for sure, so each message leaves the page complete: blocks are displayed together with
what grows behind them, and hide what grew before; what comes after them alone hides what was displayed with them.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING
from uuid import uuid4

from ..render.bundles import Bundle
from ..render.growing_markdown import GrowingMarkdown
from ..render.markdown import text_html
from .answer_parts import parts_html
from .outputs import close_widget
from .own_classes import with_own_classes

if TYPE_CHECKING:
    from ipywidgets import DOMWidget, Layout


class FormattedWords:
    """The words of one answer in two widgets.

    Args:
        layout: the layout of both.

    Attributes:
        finished: the Output widget that has the finished blocks.
        growing: the widget that has what grows.
    """

    def __init__(self, layout: "Layout") -> None:
        from ipywidgets import HTML, Output  # imported when first shown: loading the extension stays quick

        self._markdown = GrowingMarkdown()
        self._name = uuid4().hex[:8]
        self._displayed = 0
        self._must_clear = False
        with ExitStack() as undo:
            self.finished: Output = Output(layout=layout, _dom_classes=("fal-finished",))
            undo.callback(close_widget, self.finished, but=layout)
            self.growing: HTML = HTML(layout=layout, _dom_classes=("fal-growing", "jp-RenderedHTMLCommon"))
            undo.pop_all()  # nothing behind this may fail: the widgets would be left open

    @property
    def parts(self) -> "tuple[DOMWidget, DOMWidget]":
        """The widgets, from the top."""
        return self.finished, self.growing

    def restart(self) -> None:
        """Begin anew: what is added next replaces all."""
        self._markdown = GrowingMarkdown()
        self._must_clear = self._displayed > 0

    def say(self, line: str) -> None:
        """Show a line in the place of words that have not come."""
        self.growing.value = self._part(f'<div class="fal-small">{text_html(line)}</div>') if line else ""

    def add(self, text: str, show: Callable[[Bundle, bool], None]) -> int:
        """Put text behind what is shown.

        Args:
            text: what is new.
            show: displays a bundle in the Output widget; in place of all that it has if the second argument is true.

        Returns:
            How many characters of HTML this took.
        """
        self._markdown.feed(text)
        growth = self._markdown.take()
        tail = parts_html([growth.tail])
        if growth.blocks or self._must_clear:
            html = self._blocks_html(parts_html(growth.blocks), tail)
            show({"text/plain": "", "text/html": html}, self._must_clear)
            self._must_clear = False
            return len(html)
        html = self._part(tail, self._place("after"))
        if self._displayed:
            html = _hiding(self._place("with")) + html
        if html == self.growing.value:
            return 0
        self.growing.value = html
        return len(html)

    def _blocks_html(self, blocks: str, tail: str) -> str:
        before = [self._place("after"), *([self._place("with")] if self._displayed else [])]
        self._displayed += 1
        return _hiding(*before) + self._part(blocks) + self._part(tail, self._place("with"))

    def _place(self, where: str) -> str:
        """The class of what grows that came with the last blocks, or after them."""
        return f"fal-{where}-{self._name}-{self._displayed}"

    @staticmethod
    def _part(html: str, place: str = "") -> str:
        if place and not html:
            return ""
        return f'<div class="fal-now-answer fal-part {place}">{with_own_classes(html)}</div>'


def _hiding(*places: str) -> str:
    names = ",".join(f".{place}" for place in places)
    return f'<style class="fal-style">{names}{{display:none!important}}</style>'
