"""Where the blocks of a beginning of Markdown lie, and which of them no further text can change.

The parser reads blocks line by line, and where a block ends is told by the lines behind it. What these lines are is
known when they are whole, so only whole lines are looked at. Three things reach further than a line: a formula that is
open takes what follows, up to its end; a reference's title can go on in the next lines, even out of a list or quote;
and whether a list's items stand apart is known when the last one has come.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from .folds import FOLD

_LINE_END = re.compile("\n")
_BEHIND_AN_EMPTY_LINE = {"paragraph_open", "blockquote_open", "table_open", "definition"}
_HOLDING = {"bullet_list_open", "ordered_list_open", "blockquote_open", "footnote_reference_open", "definition"}
_READ_ON = {"paragraph_open", "definition", "table_open", "heading_open"}
_VERBATIM = {"fence", "code_block", "hr"}
_LATE = {"definition", "footnote_reference_open"}


@dataclass(frozen=True)
class Span:
    """A block that stands in no other.

    Attributes:
        kind: the type of its first token.
        start: of it in the text.
        end: the same, behind its last line.
        tokens: what the parser made of it.
        starts: of the lines of the whole text.
    """

    kind: str
    start: int
    end: int
    tokens: Sequence[Token]
    starts: Sequence[int]

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return self.kind in ("bullet_list_open", "ordered_list_open")

    @property
    def is_late(self) -> bool:
        """Whether it says something of other blocks: where a reference leads, what a footnote says."""
        return any(token.type in _LATE for token in self.tokens)

    @property
    def is_closed_fence(self) -> bool:
        """Whether it is a fence that has its end."""
        first = self.tokens[0]
        return self.kind == "fence" and first.content.count("\n") == _lines(first) - 2

    @property
    def is_closed_fold(self) -> bool:
        """Whether it is a fold that has its end."""
        return self.kind == FOLD and bool(self.tokens[0].markup)

    @property
    def is_open_fold(self) -> bool:
        """Whether it is a fold that may get its end."""
        return self.kind == FOLD and not self.tokens[0].markup

    @property
    def items(self) -> list[Token]:
        """The items of a list."""
        return [token for token in self.tokens if token.type == "list_item_open" and token.level == 1]

    def start_of(self, token: Token) -> int:
        """Where a token begins in the text."""
        return self.starts[(token.map or [0])[0]]

    @property
    def body(self) -> int:
        """Where the second line of a fence begins, the third of a table, or what a fold has below its summary."""
        if self.kind == FOLD:
            return self.starts[int(self.tokens[0].meta["body"])]
        first = (self.tokens[0].map or [0])[0] + (1 if self.kind == "fence" else 2)
        return self.starts[min(first, len(self.starts) - 1)]


def spans(text: str, tokens: Sequence[Token]) -> list[Span]:
    """The blocks of a text.

    Args:
        text: whole lines.
        tokens: what the parser found in it; the words within need not have been read.
    """
    starts = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]
    found: list[Span] = []
    first = depth = 0
    for number, token in enumerate(tokens, start=1):
        depth += token.nesting
        if depth == 0:
            block = tokens[first:number]
            lines = [each.map for each in block if each.map]
            start, end = min(line for line, _ in lines), max(line for _, line in lines)
            found.append(Span(block[0].type, starts[start], starts[end], block, starts))
            first = number
    return found


def settled(text: str, found: Sequence[Span], open_formula: int | None) -> int:
    """How many of the blocks no further text can change, from the first on.

    Args:
        text: in which they were found.
        found: all of them.
        open_formula: where the first line begins from which on all may become a formula.
    """
    for number, span in enumerate(found):
        following = found[number + 1] if number + 1 < len(found) else None
        is_verbatim = span.kind in _VERBATIM or span.is_closed_fold
        is_taken = open_formula is not None and span.end > open_formula and not is_verbatim
        if is_taken or not _is_final(text, span, following):
            return number
    return len(found)


def _is_final(text: str, span: Span, following: Span | None) -> bool:
    if span.kind in ("heading_open", "hr") or span.is_closed_fence or span.is_closed_fold:
        return True
    if following is None:
        return span.kind in _BEHIND_AN_EMPTY_LINE and _has_empty_line(text[span.end :])
    can_go_on = following.is_open_fold or (span.kind in _HOLDING and following.kind in _READ_ON)
    return not can_go_on or _has_empty_line(text[text.rfind("\n", 0, span.end - 1) + 1 : following.start])


def _has_empty_line(lines: str) -> bool:
    return any(not line.strip(" \t") for line in lines.split("\n")[:-1])


def _lines(token: Token) -> int:
    first, last = token.map or [0, 0]
    return last - first
