"""Sans-I/O: a model's Markdown, formatted while it comes.

A block is given as HTML once, when no further text can change it; behind the blocks stands a tail that is replaced: the
block that grows, in its own kind. Of a list, its items are blocks; a long fence is given line by line and a long table
row by row. Whatever is given went through the same rules and the same cleaning as a whole text.

The HTML at the end is that of the whole text. It is joined from the blocks that were read, unless something of the text
says what earlier blocks are: where a reference leads, or what a footnote says. Then the whole is read once more.

The cost is linear. What is given is never looked at again until the end, and what is not given is bounded: where a
block has no end for long, its words are given as they are. A text that a parser or a page could not take as a whole is
shown as it is from there on.
"""

from collections.abc import Iterator
from copy import copy
from operator import add

from ..safety.plain_text import ends_in_half, plain_text
from .finished_blocks import LONGEST_PARAGRAPH, FinishedBlocks
from .growing_tail import tail_html
from .growth import Block, Growth
from .markdown import block_html, is_wild, joined_html, markdown_html, weights

_SLICE = 2_000  # characters that are read at once
_MARKS_BEFORE = 100  # characters that tell how marks behind them are shown


class GrowingMarkdown:
    """Markdown that grows. To `feed` costs what comes; to `take`, what came since, and the block that grows."""

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._raw_length = 0
        self._unread: list[str] = []
        self._plain: list[str] = []
        self._plain_end = ""
        self._finished = FinishedBlocks()
        self._kept = [copy(self._finished.state)]
        self._told = 0
        self._is_ended = False
        self._tail: Block | None = Block("")

    def feed(self, new: str, offset: int | None = None) -> None:
        """Take what is new.

        Args:
            new: text.
            offset: where it begins, in characters of the text as it came; what stood from there on is gone. None: at
                the end.
        """
        if offset is not None and offset < self._raw_length:
            self._return_to(offset)
        if new:
            self._raw.append(new)
            self._raw_length += len(new)
            self._unread.append(new)

    def end(self) -> None:
        """Say that no more comes."""
        self._is_ended, self._tail = True, None

    def take(self) -> Growth:
        """What has changed since it was asked for the last time."""
        for piece in self._pieces():
            self._read(piece)
            while self._is_worth_a_look and self._finished.give():
                pass
            if self._finished.state.given != self._kept[-1].given:
                self._kept.append(copy(self._finished.state))
        if self._is_ended:
            self._finished.end()
        if self._tail is None:
            self._tail = self._finished.part(tail_html(self._finished))
        keep, self._told = self._told, len(self._finished.blocks)
        return Growth(keep, tuple(self._finished.blocks[keep:]), self._tail)

    def html(self) -> str:
        """The HTML of the whole text, as `markdown_html` gives it, once it has ended and was taken."""
        text = "".join(self._plain)
        if (
            not self._finished.state.is_exact
            or self._finished.state.is_wild
            or self._finished.references
            or self._finished.footnotes
        ):
            return markdown_html(text)
        return joined_html(text, lambda: list(self._sections_html(text)))

    def _sections_html(self, text: str) -> Iterator[str | None]:
        for each in self._finished.sections:
            yield block_html(text[each.start : each.end]) if each.html is None else each.html

    def _pieces(self) -> Iterator[str]:
        """What has not been read, in pieces, without half of a line end or of a character, unless no more comes."""
        text, self._unread = "".join(self._unread), []
        start = 0
        while start < len(text):
            end = min(start + _SLICE, len(text))
            if ends_in_half(text[start:end]):
                end += 1 if end < len(text) else 0 if self._is_ended else -1
            if end == start:
                break
            yield text[start:end]
            start = end
        if start < len(text):
            self._unread = [text[start:]]

    def _read(self, piece: str) -> None:
        state = self._finished.state
        plain = plain_text(piece, self._plain_end)
        self._plain.append(plain)
        self._plain_end = (self._plain_end + plain)[-_MARKS_BEFORE:]
        self._finished.open += plain
        self._tail = None
        state.raw += len(piece)
        state.plain += len(plain)
        state.weights = tuple(map(add, state.weights, weights(plain)))
        state.is_wild = state.is_wild or is_wild(state.weights)

    def _return_to(self, offset: int) -> None:
        """Forget what stood from a place on, and what it may have decided."""
        raw = "".join(self._raw)[:offset]
        self._raw, self._raw_length = [raw], len(raw)
        if offset < self._finished.state.raw:
            while self._kept[-1].raw > offset:
                self._kept.pop()
            state = copy(self._kept[-1])
            plain = "".join(self._plain)[: state.plain]
            self._plain, self._plain_end = [plain], plain[-_MARKS_BEFORE:]
            self._finished.return_to(state, plain[state.given :])
            self._told = min(self._told, state.blocks)
        self._unread, self._tail, self._is_ended = [raw[self._finished.state.raw :]], None, False

    @property
    def _is_worth_a_look(self) -> bool:
        """Whether a line has ended since something was given, or there is too much that was not."""
        return "\n" in self._plain[-1] or len(self._finished.open) > LONGEST_PARAGRAPH or self._finished.state.is_wild
