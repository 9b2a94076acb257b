"""The blocks of a text that grows, each given once no further text can change it.

Each step looks at what is not given, and gives its beginning: whole blocks, or parts of the first one. Of a list, its
items are parts; a long fence is given line by line and a long table row by row. Words that have no end for long are
given as they are.
"""

import re
from collections import ChainMap
from collections.abc import Sequence
from operator import add
from typing import Any

from markdown_it.token import Token

from .block_bounds import Span, settled, spans
from .code_blocks import colours_within
from .folds import GROWING
from .growth import Block, Section, State
from .markdown import block_html, block_tokens, elements, has_many_elements, text_html, wild_html
from .mathematics import formulas_within, unended_formulas

LONGEST_PARAGRAPH = 2_000
"""The most characters of a block of words alone that are not given: each look parses, and sends, all of them."""
_LONGEST_OPEN = 4_000  # the same of any other block
_PIECE = 600  # characters of a fence that are given while it is open
_LONGEST_ROWS = 200  # characters of a table that are not given
_WILD_PIECE = 1_000
_WORD_START = re.compile(r"\s(?=[^\W\d_])")
FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})")


class FinishedBlocks:
    """What was given of a text, and the rest of it.

    Attributes:
        state: how far the text has been read.
        open: the plain text that is not given.
        blocks: what was given.
        sections: the blocks of the whole text that have ended.
        references: what is known of where references lead.
        footnotes: the same of what footnotes say.
    """

    def __init__(self) -> None:
        self.state = State()
        self.open = ""
        self.blocks: list[Block] = []
        self.sections: list[Section] = []
        self.references: dict[str, Any] = {}
        self.footnotes: dict[str, Any] = {}

    def return_to(self, state: State, rest: str) -> None:
        """Forget what was given later.

        Args:
            state: how far the text had been read then.
            rest: the plain text that had been read and not given.
        """
        self.state, self.open = state, rest
        del self.blocks[state.blocks :], self.sections[state.sections :]
        for known, count in ((self.references, state.references), (self.footnotes, state.footnotes)):
            for name in list(known)[count:]:
                del known[name]

    def end(self) -> None:
        """Give all that is left, since no more text comes."""
        while self.open and self.give(is_whole=True):
            pass
        if self.state.goes_on:
            self._end_open()
            self._end_section(self.state.plain, None)
            self.state.head = ""

    def give(self, *, is_whole: bool = False) -> bool:
        """Give what is finished. Says whether there may be more.

        Args:
            is_whole: whether no more text comes.
        """
        state = self.state
        if state.is_wild:
            return self._give_wild(is_whole=is_whole)
        lines = self.open if is_whole else self.open[: self.open.rfind("\n") + 1]
        if lines.strip():
            text = state.head + lines
            found = spans(text, block_tokens(text, self.env() | ({} if is_whole else GROWING)))
            if not found:  # the parser fails at it
                return self._give_words(len(lines) if is_whole else 0)
            if state.first is not None and not found[0].is_list:
                state.is_exact, state.first = False, None
            formula = None if is_whole else self.open_formula(text, found)
            number = len(found) if is_whole else settled(text, found, formula)
            if number:
                self._give_spans(text, found, number)
                return True
            if len(found) == 1 and self._give_part(text, found[0], formula):
                return True
            if found[0].is_open_fold:
                return False
            if formula is not None:
                if len(self.open) <= _LONGEST_OPEN:
                    return False
                state.ignored, state.is_exact = state.given + formula - len(state.head) + 1, False
                return True
            if found[0].kind != "paragraph_open" and len(self.open) <= _LONGEST_OPEN:
                return False
        return len(self.open) > LONGEST_PARAGRAPH and self._give_words()

    def open_formula(self, text: str, found: Sequence[Span]) -> int | None:
        """Where the first line begins in which a formula opens that may have its end in what comes."""
        origin = self.state.given - len(self.state.head)
        code = [span for span in found if span.kind in ("fence", "code_block")]
        for start in unended_formulas(text):
            is_code = any(span.start <= start < span.end for span in code)
            if not is_code and origin + start >= self.state.ignored:
                return start
        return None

    def _give_spans(self, text: str, found: list[Span], number: int) -> None:
        """Give whole blocks, the first of which may be what is left of one."""
        state = self.state
        origin = state.given - len(state.head)
        for index, span in enumerate(found[:number]):
            end = found[index + 1].start if index + 1 < len(found) else span.end
            source = text[span.start : end]
            goes_on = state.goes_on
            is_empty = bool(state.head) and not source[len(state.head) :].strip("`~ \t\n")
            if is_empty:
                self._end_open()
            html = "" if is_empty or span.kind == "definition" else self._block(source)
            if span.is_late:
                self._learn(source)
            self._end_section(origin + end, None if goes_on else html)
            state.first, state.items, state.has_one_number, state.is_loose = None, 0, True, False
            self._cut(origin + end)

    def _end_section(self, end: int, html: str | None) -> None:
        """Note that a block of the whole text ends here; its HTML is None where it was given in parts."""
        self.sections.append(Section(self.state.section, end, html))
        self.state.sections += 1
        self.state.section = end

    def _give_part(self, text: str, span: Span, formula: int | None) -> bool:
        """Give of the block that grows what is finished: items of a list, lines of a fence, rows of a table."""
        if span.kind == "fence":
            return self._give_lines(text, span)
        if span.is_late or formula is not None:
            return False
        if span.is_list:
            return self._give_items(text, span)
        return span.kind == "table_open" and self._give_rows(text, span)

    def _give_items(self, text: str, span: Span) -> bool:
        items, state = span.items, self.state
        if len(items) < 2:
            return False
        state.is_loose = state.is_loose or any(
            token.type == "paragraph_open" and token.level == 2 and not token.hidden for token in span.tokens
        )
        numbers = [int(item.info or 1) for item in items[:-1]]
        end = span.start_of(items[-1])
        if state.first is None:
            state.first = numbers[0]
        self._block(text[span.start : end])
        state.items += len(numbers)
        state.has_one_number = state.has_one_number and {*numbers} == {state.first}
        self._cut(state.given - len(state.head) + end)
        return True

    def _give_lines(self, text: str, span: Span) -> bool:
        fence = span.tokens[0]
        if len(text) - span.body < _PIECE or not fence.content.strip():
            return False
        self._block(text[span.start :], is_open=True)
        self._cut(self.state.given - len(self.state.head) + len(text))
        self.state.head = _fence_head(text, span)
        return True

    def _give_rows(self, text: str, span: Span) -> bool:
        if span.end - span.body < _LONGEST_ROWS:
            return False
        self._block(text[span.start : span.end], is_open=True)
        head = text[span.start : span.body]
        self._cut(self.state.given - len(self.state.head) + span.end)
        self.state.head = head
        return True

    def _give_words(self, length: int = 0) -> bool:
        """Give the beginning of a block that is too long to be parsed again and again, as it is."""
        state = self.state
        if length or len(self.open) <= LONGEST_PARAGRAPH:
            words = self.open[:length]
        else:
            beginning = self.open[:LONGEST_PARAGRAPH]
            starts = [match.end() for match in _WORD_START.finditer(beginning, len(beginning) // 2)]
            words = beginning[: starts[-1] if starts else None]
        if not words:
            return False
        text = state.head + words
        found = spans(text, block_tokens(text, self.env()))
        head = ""
        if len(found) == 1 and found[0].kind == "fence" and found[0].tokens[0].content.strip():
            self._block(text, is_open=True)
            head = _fence_head(text, found[0])
        else:
            self._append(f"<p>{text_html(words)}</p>")
        state.is_exact, state.first = False, None
        self._cut(state.given + len(words))
        state.head = head
        return True

    def _give_wild(self, *, is_whole: bool) -> bool:
        if len(self.open) <= _WILD_PIECE and not is_whole:
            return False
        words = self.open[:_WILD_PIECE]
        words = words[: words.rfind("\n") + 1] or words
        self._append(wild_html(words))
        self._cut(self.state.given + len(words))
        return True

    def _end_open(self) -> None:
        """Give the end of code or of a table all lines of which have been given: an empty block that ends its frame."""
        if self.state.head:
            self._append(block_html(without_language(self.state.head)) or "")

    def _block(self, source: str, *, is_open: bool = False) -> str | None:
        """Give a block, and return the HTML that it has in a text that is read as a whole."""
        state = self.state
        html = block_html(source, self.env(), self.as_rest)
        counts = tuple(map(add, state.elements, elements(html or "")))
        if html is None or has_many_elements(counts):
            state.is_exact, state.is_wild = False, state.is_wild or html is not None
            self._append(wild_html(source[len(state.head) :]))
            return None
        state.elements = counts
        shown, state.symbols = formulas_within(html, state.symbols)
        shown, state.colours = colours_within(shown, state.colours)
        self._append(shown, is_open=is_open)
        return html

    def _append(self, html: str, *, is_open: bool = False) -> None:
        self.blocks.append(self.part(html, is_open=is_open))
        self.state.blocks += 1

    def part(self, html: str, *, is_open: bool = False) -> Block:
        """HTML as the part of the answer that comes next."""
        return Block(html, continues=self.state.goes_on, is_open=is_open)

    def _cut(self, place: int) -> None:
        """Look at nothing that stands before a place of the plain text any more."""
        self.open = self.open[place - self.state.given :]
        self.state.given, self.state.head = place, ""

    def env(self) -> dict[str, Any]:
        """The references and footnotes that are known, for a parser that may add to them."""
        return {
            "references": ChainMap({}, self.references),
            "footnotes": {"refs": ChainMap({}, self.footnotes)},
        }

    def _learn(self, source: str) -> None:
        block_tokens(source, {"references": self.references, "footnotes": {"refs": self.footnotes}})
        self.state.references, self.state.footnotes = len(self.references), len(self.footnotes)

    def as_rest(self, tokens: list[Token]) -> None:
        """Make of a list what goes on with the items that have been given: as far apart, and with their numbers."""
        state = self.state
        if state.first is None or not tokens or not tokens[0].type.endswith("_list_open"):
            return
        for token in tokens:
            if token.level == 2 and token.type in ("paragraph_open", "paragraph_close"):
                token.hidden = not state.is_loose
        if tokens[0].type == "ordered_list_open" and state.items:
            number = int(tokens[0].attrs.get("start", 1))
            is_counted = state.has_one_number and number == state.first
            tokens[0].attrSet("start", str(number + state.items if is_counted else number))


def _fence_head(text: str, span: Span) -> str:
    """The line that opens a fence, without words that are shown above it."""
    fence = span.tokens[0]
    opening = text[span.start : span.body]
    indent = opening[: len(opening) - len(opening.lstrip(" "))]
    words = fence.info.split()
    return f"{indent}{fence.markup}{words[0] if len(words) == 1 else ''}\n"


def without_language(head: str) -> str:
    """The line that opens a fence, for a fence that has no lines: its language would be shown as words."""
    fence = FENCE.match(head)
    return f"{fence[0]}\n" if fence else head
