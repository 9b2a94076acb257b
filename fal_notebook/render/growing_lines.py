"""Sans-I/O: a text that is no Markdown, shown as it is while it comes; in pieces that a page lays out one by one.

It does for such a text what `growing_markdown` does for Markdown.
"""

from ..safety.plain_text import ends_in_half, plain_text
from .growth import Block, Growth
from .markdown import preformatted_html

_PIECE = 1_000  # characters
_MARKS_BEFORE = 100  # characters that tell how marks behind them are shown


class GrowingLines:
    """A text that grows. A text that is replaced is given anew from its beginning."""

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._length = 0
        self._unread: list[str] = []
        self._plain: list[str] = []
        self._open = ""
        self._blocks: list[Block] = []
        self._told = 0
        self._is_ended = False

    def feed(self, new: str, offset: int | None = None) -> None:
        """Take what is new: at the end, or from an offset on, in place of what stood there."""
        if offset is not None and offset < self._length:
            text = "".join(self._raw)[:offset]
            self._raw, self._length, self._unread = [text], len(text), [text]
            self._plain, self._open, self._blocks, self._told = [], "", [], 0
        self._raw.append(new)
        self._unread.append(new)
        self._length += len(new)

    def end(self) -> None:
        """Say that no more comes."""
        self._is_ended = True

    def take(self) -> Growth:
        """What has changed since it was asked for the last time."""
        self._read()
        while self._open and (self._is_ended or len(self._open) > _PIECE):
            piece = self._open[:_PIECE]
            piece = piece[: piece.rfind("\n") + 1] or piece
            self._blocks.append(self._part(piece))
            self._open = self._open[len(piece) :]
        keep, self._told = self._told, len(self._blocks)
        return Growth(keep, tuple(self._blocks[keep:]), self._part(self._open))

    def html(self) -> str:
        """The HTML of the whole text, once it has ended and was taken."""
        return preformatted_html("".join(self._plain))

    def _part(self, words: str) -> Block:
        return Block(preformatted_html(words) if words else "", continues=bool(self._blocks))

    def _read(self) -> None:
        """Make what has come harmless, without half of a line end or of a character, unless no more comes."""
        text = "".join(self._unread)
        held = text[-1] if ends_in_half(text) and not self._is_ended else ""
        self._unread = [held] if held else []
        before = "".join(self._plain[-_MARKS_BEFORE:])[-_MARKS_BEFORE:]
        new = plain_text(text[: len(text) - len(held)], before)
        if new:
            self._plain.append(new)
            self._open += new
