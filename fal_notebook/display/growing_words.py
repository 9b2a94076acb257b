"""Makes the messages that keep formatted words in a page up to date; the page's part is growing_words.js.

A message says how many blocks stay, which blocks are added, and what follows them as a tail. Of the tail's HTML only
what has changed is sent. Its offset counts UTF-16 code units, as in JavaScript. Text beyond what a page can hold is
cut, with a note, and not kept here.
"""

from collections.abc import Iterable
from os.path import commonprefix
from pathlib import Path
from typing import Any

from ..client.result import Format
from ..client.streaming import Stream
from ..render.bundles import CUT_NOTE, LONGEST_TEXT
from ..render.growing_lines import GrowingLines
from ..render.growing_markdown import GrowingMarkdown
from ..render.growth import Block
from ..response.updates import Text, Update

GROWING_SCRIPT = Path(__file__).with_name("growing_words.js")
"""The page's part. Each widget that uses it puts this script before its own."""

Message = dict[str, Any]


class GrowingWords:
    """Collects the words of an answer, and tells a page how to show them formatted.

    Attributes:
        blocks: those that the page has.
        tail: what the page shows behind them.
        length: the characters that have come.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.tail = Block("")
        self._growing: GrowingMarkdown | GrowingLines = GrowingMarkdown()
        self.length = 0
        self._has_note = False

    def show_as_text(self) -> None:
        """Show all words as they are, since they are no Markdown. To be called before any are collected."""
        self._growing = GrowingLines()

    def collect(self, updates: Iterable[Update], stream: Stream, style: Format = "markdown") -> None:
        """Collect the words among what a stream brings. The first of them decide how all are shown.

        Args:
            updates: what has arrived.
            stream: the stream; it knows whether they are Markdown.
            style: how the user wants them to be shown.
        """
        for update in updates:
            if isinstance(update, Text):
                if self.length == 0 and stream.so_far().words_format(style) != "markdown":
                    self.show_as_text()
                self.feed(update)

    def feed(self, update: Text) -> None:
        """Collect new words."""
        if update.offset < min(self.length, LONGEST_TEXT):
            self._has_note = False
        elif self._has_note:
            return
        self._growing.feed(update.new[: max(0, LONGEST_TEXT - update.offset)], update.offset)
        self.length = update.offset + len(update.new)
        if self.length > LONGEST_TEXT:
            self._growing.feed(CUT_NOTE)
            self._has_note = True

    def take(self, *, last: bool = False) -> Message | None:
        """What is new since the last call; None if nothing is.

        Args:
            last: whether the answer has ended, so that everything is finished.
        """
        if last:
            self._growing.end()
        growth = self._growing.take()
        blocks = [*self.blocks[: growth.keep], *growth.blocks]
        keep = growth.keep
        while keep < min(len(blocks), len(self.blocks)) and blocks[keep] == self.blocks[keep]:
            keep += 1
        if keep == len(blocks) == len(self.blocks) and growth.tail == self.tail:
            return None
        same = commonprefix([self.tail.html, growth.tail.html])  # noqa: RUF071 - characters are meant
        self.blocks, self.tail = blocks, growth.tail
        return _message(keep, blocks[keep:], growth.tail, same)

    def whole(self) -> Message:
        """All that the page has after the messages so far, for another page."""
        return _message(0, self.blocks, self.tail, "")

    def html(self) -> str:
        """The HTML of the whole text, once it has ended and its last words were taken."""
        return self._growing.html()


def _message(keep: int, blocks: "list[Block] | tuple[Block, ...]", tail: Block, same: str) -> Message:
    return {
        "keep": keep,
        "blocks": [[block.html, block.continues] for block in blocks],
        "tail": [len(same.encode("utf-16-le")) // 2, tail.html[len(same) :], tail.continues],
    }
