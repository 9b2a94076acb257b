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

import re
from collections import ChainMap
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from operator import add
from typing import Any

from markdown_it.token import Token

from ..safety.plain_text import plain_text
from .block_bounds import Span, settled, spans
from .code_blocks import MOST_COLOURS, colours_within
from .markdown import (
    block_html,
    block_tokens,
    elements,
    has_many_elements,
    is_wild,
    joined_html,
    markdown_html,
    text_html,
    weights,
    wild_html,
)
from .mathematics import MOST_OUTPUT_SYMBOLS, code_html, formulas_within, unended_formulas

_SLICE = 2_000  # characters that are read at once
_LONGEST_OPEN = 4_000  # characters of a block that grows; all of them are parsed, and sent, at each look
_LONGEST_PARAGRAPH = 1_000  # the same of one that is nothing but words
_PIECE = 600  # characters of a fence that are given while it is open
_LONGEST_ROWS = 200  # characters of a table that are not given
_WILD_PIECE = 1_000
_MARKS_BEFORE = 100  # characters that tell how marks behind them are shown
_WORD_START = re.compile(r"\s(?=[^\W\d_])")
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})")
# What the next characters may make a heading, an item, a rule, a fence, a table's line, or words.
_UNDECIDED = re.compile(r"[ \t>]*+(?:[-=*+_#|:`~][-=*+_#|:`~ \t]*+|\d{1,9}+[.)]?+[ \t]*+|(?:`{3,}+|~{3,}+)[^\n`]*+)?")
_EMPTY_FENCE = re.compile(r"[ \t>]*+(?:[-*+] ++|\d{1,9}+[.)] ++)?+(?:`{3,}+|~{3,}+)[^\n`]*+\n\s*+")
_CELL_END = re.compile(r"(?<!\\)\|")
_OPEN_LINK = re.compile(r"!?\[([^\[\]\n]{1,500})\]\([^\s()]*$")
_LONGEST_LINK = 2_000


@dataclass(frozen=True)
class Block:
    """A part of an answer.

    Attributes:
        html: that can do nothing but be read.
        continues: whether it goes on with the list, the table, the code or the words of the block before it.
        is_close: whether no space is between the two, as none is between the items of most lists.
        is_open: whether it is code or a table that goes on in the next block, or in the tail.
    """

    html: str
    continues: bool = False
    is_close: bool = False
    is_open: bool = False


@dataclass(frozen=True)
class Growth:
    """What a page has to do.

    Attributes:
        keep: how many of the blocks that it has stay: all, unless text was replaced.
        blocks: that are finished, to put behind them.
        tail: what stands behind all blocks, in the place of the tail before.
    """

    keep: int
    blocks: tuple[Block, ...]
    tail: Block


@dataclass
class _State:
    """How far the text has been read. Copies of it are kept, to return to where text is replaced."""

    raw: int = 0  # characters that have been read, as they came
    plain: int = 0  # the same, as they are shown
    given: int = 0  # of these, what stands in blocks
    blocks: int = 0
    section: int = 0  # where the block begins that grows, parts of which may have been given
    sections: int = 0
    head: str = ""  # with these lines before it, what is not given is read as what it goes on with
    ignored: int = 0  # of formulas that open before this place, the end is not waited for
    is_exact: bool = True  # whether the sections are the blocks of the whole text
    is_wild: bool = False
    symbols: int = MOST_OUTPUT_SYMBOLS  # of formulas, those that are left
    colours: int = MOST_COLOURS  # the same of code
    weights: tuple[int, ...] = (0,) * 5
    elements: tuple[int, ...] = (0,) * 3
    references: int = 0
    footnotes: int = 0
    # Of the list whose items have been given:
    first: int | None = None  # its number
    items: int = 0
    has_one_number: bool = True
    is_loose: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether a part of the block that grows has been given."""
        return self.section < self.given


@dataclass(frozen=True)
class _Section:
    """A block of the whole text."""

    start: int
    end: int
    html: str | None  # None where it was given in parts


class GrowingMarkdown:
    """Markdown that grows. To `feed` costs what comes; to `take`, what came since, and the block that grows."""

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._raw_length = 0
        self._unread: list[str] = []
        self._plain: list[str] = []
        self._plain_end = ""
        self._state = _State()
        self._kept = [copy(self._state)]
        self._open = ""  # the plain text that is not given
        self._blocks: list[Block] = []
        self._told = 0
        self._sections: list[_Section] = []
        self._references: dict[str, Any] = {}
        self._footnotes: dict[str, Any] = {}
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
            while self._is_worth_a_look and self._give():
                pass
            if self._state.given != self._kept[-1].given:
                self._kept.append(copy(self._state))
        if self._is_ended:
            while self._open and self._give(is_whole=True):
                pass
            if self._state.goes_on:
                self._end_open()
                self._end_section(self._state.plain, None)
                self._state.head = ""
        if self._tail is None:
            self._tail = self._part(self._tail_html())
        keep, self._told = self._told, len(self._blocks)
        return Growth(keep, tuple(self._blocks[keep:]), self._tail)

    def html(self) -> str:
        """The HTML of the whole text, as `markdown_html` gives it, once it has ended and was taken."""
        text = "".join(self._plain)
        if not self._state.is_exact or self._state.is_wild or self._references or self._footnotes:
            return markdown_html(text)
        return joined_html(text, lambda: list(self._sections_html(text)))

    def _sections_html(self, text: str) -> Iterator[str | None]:
        for each in self._sections:
            yield block_html(text[each.start : each.end]) if each.html is None else each.html

    # What comes is read.

    def _pieces(self) -> Iterator[str]:
        """What has not been read, in pieces, without half of a line end or of a character, unless no more comes."""
        text, self._unread = "".join(self._unread), []
        start = 0
        while start < len(text):
            end = min(start + _SLICE, len(text))
            if text[end - 1] == "\r" or "\ud800" <= text[end - 1] <= "\udbff":
                end += 1 if end < len(text) else 0 if self._is_ended else -1
            if end == start:
                break
            yield text[start:end]
            start = end
        if start < len(text):
            self._unread = [text[start:]]

    def _read(self, piece: str) -> None:
        state = self._state
        plain = plain_text(piece, self._plain_end)
        self._plain.append(plain)
        self._plain_end = (self._plain_end + plain)[-_MARKS_BEFORE:]
        self._open += plain
        self._tail = None
        state.raw += len(piece)
        state.plain += len(plain)
        state.weights = tuple(map(add, state.weights, weights(plain)))
        state.is_wild = state.is_wild or is_wild(state.weights)

    def _return_to(self, offset: int) -> None:
        """Forget what stood from a place on, and what it may have decided."""
        raw = "".join(self._raw)[:offset]
        self._raw, self._raw_length = [raw], len(raw)
        if offset < self._state.raw:
            while self._kept[-1].raw > offset:
                self._kept.pop()
            state = self._state = copy(self._kept[-1])
            plain = "".join(self._plain)[: state.plain]
            self._plain, self._plain_end, self._open = [plain], plain[-_MARKS_BEFORE:], plain[state.given :]
            del self._blocks[state.blocks :], self._sections[state.sections :]
            self._told = min(self._told, state.blocks)
            for known, count in ((self._references, state.references), (self._footnotes, state.footnotes)):
                for name in list(known)[count:]:
                    del known[name]
        self._unread, self._tail, self._is_ended = [raw[self._state.raw :]], None, False

    @property
    def _is_worth_a_look(self) -> bool:
        """Whether a line has ended since something was given, or there is too much that was not."""
        return "\n" in self._plain[-1] or len(self._open) > _LONGEST_PARAGRAPH or self._state.is_wild

    # What is finished is given. Each step says whether there may be another.

    def _give(self, *, is_whole: bool = False) -> bool:
        state = self._state
        if state.is_wild:
            return self._give_wild(is_whole=is_whole)
        lines = self._open if is_whole else self._open[: self._open.rfind("\n") + 1]
        if lines.strip():
            text = state.head + lines
            found = spans(text, block_tokens(text, self._env()))
            if not found:  # the parser fails at it
                return self._give_words(len(lines) if is_whole else 0)
            if state.first is not None and not found[0].is_list:
                state.is_exact, state.first = False, None
            formula = None if is_whole else self._open_formula(text, found)
            number = len(found) if is_whole else settled(text, found, formula)
            if number:
                self._give_spans(text, found, number)
                return True
            if len(found) == 1 and self._give_part(text, found[0], formula):
                return True
            if formula is not None:
                if len(self._open) <= _LONGEST_OPEN:
                    return False
                state.ignored, state.is_exact = state.given + formula - len(state.head) + 1, False
                return True
            if found[0].kind != "paragraph_open" and len(self._open) <= _LONGEST_OPEN:
                return False
        return len(self._open) > _LONGEST_PARAGRAPH and self._give_words()

    def _open_formula(self, text: str, found: list[Span]) -> int | None:
        """Where the first line begins in which a formula opens that may have its end in what comes."""
        origin = self._state.given - len(self._state.head)
        code = [span for span in found if span.kind in ("fence", "code_block")]
        for start in unended_formulas(text):
            is_code = any(span.start <= start < span.end for span in code)
            if not is_code and origin + start >= self._state.ignored:
                return start
        return None

    def _give_spans(self, text: str, found: list[Span], number: int) -> None:
        """Give whole blocks, the first of which may be what is left of one."""
        state = self._state
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
        self._sections.append(_Section(self._state.section, end, html))
        self._state.sections += 1
        self._state.section = end

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
        items, state = span.items, self._state
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
        self._cut(self._state.given - len(self._state.head) + len(text))
        self._state.head = _fence_head(text, span)
        return True

    def _give_rows(self, text: str, span: Span) -> bool:
        if span.end - span.body < _LONGEST_ROWS:
            return False
        self._block(text[span.start : span.end], is_open=True)
        head = text[span.start : span.body]
        self._cut(self._state.given - len(self._state.head) + span.end)
        self._state.head = head
        return True

    def _give_words(self, length: int = 0) -> bool:
        """Give the beginning of a block that is too long to be parsed again and again, as it is."""
        state = self._state
        if length or len(self._open) <= _LONGEST_PARAGRAPH:
            words = self._open[:length]
        else:
            beginning = self._open[:_LONGEST_PARAGRAPH]
            starts = [match.end() for match in _WORD_START.finditer(beginning, len(beginning) // 2)]
            words = beginning[: starts[-1] if starts else None]
        if not words:
            return False
        text = state.head + words
        found = spans(text, block_tokens(text, self._env()))
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
        if len(self._open) <= _WILD_PIECE and not is_whole:
            return False
        words = self._open[:_WILD_PIECE]
        words = words[: words.rfind("\n") + 1] or words
        self._append(wild_html(words))
        self._cut(self._state.given + len(words))
        return True

    def _end_open(self) -> None:
        """Give the end of code or of a table all lines of which have been given: an empty block that ends its frame."""
        if self._state.head:
            self._append(block_html(_without_language(self._state.head)) or "")

    def _block(self, source: str, *, is_open: bool = False) -> str | None:
        """Give a block, and return the HTML that it has in a text that is read as a whole."""
        state = self._state
        html = block_html(source, self._env(), self._as_rest)
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
        self._blocks.append(self._part(html, is_open=is_open))
        self._state.blocks += 1

    def _part(self, html: str, *, is_open: bool = False) -> Block:
        goes_on = self._state.goes_on
        return Block(html, continues=goes_on, is_close=goes_on and not self._state.is_loose, is_open=is_open)

    def _cut(self, place: int) -> None:
        """Look at nothing that stands before a place of the plain text any more."""
        self._open = self._open[place - self._state.given :]
        self._state.given, self._state.head = place, ""

    def _env(self) -> dict[str, Any]:
        """The references and footnotes that are known, for a parser that may add to them."""
        return {
            "references": ChainMap({}, self._references),
            "footnotes": {"refs": ChainMap({}, self._footnotes)},
        }

    def _learn(self, source: str) -> None:
        block_tokens(source, {"references": self._references, "footnotes": {"refs": self._footnotes}})
        self._state.references, self._state.footnotes = len(self._references), len(self._footnotes)

    def _as_rest(self, tokens: list[Token]) -> None:
        """Make of a list what goes on with the items that have been given: as far apart, and with their numbers."""
        state = self._state
        if state.first is None or not tokens or not tokens[0].type.endswith("_list_open"):
            return
        for token in tokens:
            if token.level == 2 and token.type in ("paragraph_open", "paragraph_close"):
                token.hidden = not state.is_loose
        if tokens[0].type == "ordered_list_open" and state.items:
            number = int(tokens[0].attrs.get("start", 1))
            is_counted = state.has_one_number and number == state.first
            tokens[0].attrSet("start", str(number + state.items if is_counted else number))

    # The tail.

    def _tail_html(self) -> str:
        if self._state.is_wild:
            return wild_html(self._open) if self._open else ""
        view = self._view()
        if not view.strip() and not self._state.head:
            return ""
        head = self._state.head if view.strip() else _without_language(self._state.head)
        source, unread = self._without_formula(head + view)
        html = block_html(source, self._env(), self._as_rest)
        if html is None:
            return wild_html(view)
        shown, _ = formulas_within(html, 0)  # a page would set them anew each time
        return shown + (f"<p>{code_html(unread)}</p>" if unread else "")

    def _without_formula(self, source: str) -> tuple[str, str]:
        """The beginning of a tail, and the formula at its end that is open and stands in no list or quote."""
        if next(unended_formulas(source), None) is None:
            return source, ""
        found = spans(source, block_tokens(source, self._env()))
        start = self._open_formula(source, found)
        if start is None or not any(each.kind == "paragraph_open" and each.start <= start < each.end for each in found):
            return source, ""
        return source[:start], source[start:].strip()

    def _view(self) -> str:
        """What is not given, without an end of which the next characters tell what it is."""
        view = self._open
        start = view.rfind("\n") + 1
        if _UNDECIDED.fullmatch(view, start):
            view = view[:start]
        last = view.rstrip()
        last_line = last.rfind("\n") + 1
        if _EMPTY_FENCE.fullmatch(view, last_line):
            return view[:last_line]
        if _FENCE.match((self._state.head + view).lstrip("\n")):
            return view
        if view[last_line : last_line + 1] == "|" and not _is_row(view[:last_line]):
            if not view.endswith("\n"):
                return view[:last_line]
            cells = _CELL_END.split(last[last_line:].strip("|"))
            return f"{last}\n{'|---' * len(cells)}|\n" if last + "\n" == view else view
        cut = max(0, len(view) - _LONGEST_LINK)
        return view[:cut] + _OPEN_LINK.sub(r"\1", view[cut:])


def _is_row(lines: str) -> bool:
    """Whether the last of the lines is of a table."""
    return lines[lines.rfind("\n", 0, len(lines) - 1) + 1 :].startswith("|")


def _fence_head(text: str, span: Span) -> str:
    """The line that opens a fence, without words that are shown above it."""
    fence = span.tokens[0]
    opening = text[span.start : span.body]
    indent = opening[: len(opening) - len(opening.lstrip(" "))]
    words = fence.info.split()
    return f"{indent}{fence.markup}{words[0] if len(words) == 1 else ''}\n"


def _without_language(head: str) -> str:
    """The line that opens a fence, for a fence that has no lines: its language would be shown as words."""
    fence = _FENCE.match(head)
    return f"{fence[0]}\n" if fence else head
