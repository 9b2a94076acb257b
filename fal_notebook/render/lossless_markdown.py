"""A markdown-it plugin that keeps every letter of a Markdown text on the page.

CommonMark drops text in several cases: a link definition that no link uses, table cells beyond the header's columns,
what is nested too deep, the words after the opening marks of a code fence, and list numbers that do not count up.
The footnote rules drop footnotes without a reference. A model's answer may be cut anywhere, so each of these cases
occurs, and each would hide words that someone should read. With this plugin every letter is on the page, in order.
The only exceptions are these, and each is represented by something on the page:

- a link definition that a link uses, and its label in that link: the link has the address and the title;
- a single word after the opening marks of a code fence: it names the language;
- the name of an entity: its character is shown;
- the name of a tag that is one on the page, and the tags of ``<details>``;
- the brackets of a task, which is shown by a sign, and the label of a formula;
- the number of a list item: the browser writes it, for each item its own, unless all numbers are the same.

The letters of an address may be percent-encoded.
"""

import re
from collections.abc import Callable, Iterator

from markdown_it import MarkdownIt
from markdown_it.common import utils
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.paragraph import paragraph
from markdown_it.rules_block.table import escapedSplit, getLine, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote.index import footnote_def

_trim: Callable[[str], str] = getattr(utils, "mdTrim", str.strip)  # tables of markdown-it-py 4.2 strip as Python does
_FOOTNOTE = re.compile(r"\[\^([^\s\]]{1,100})\]")


def lossless_plugin(parser: MarkdownIt) -> None:
    """Add the rules that keep every letter, and rules for footnotes, which stay where they are written."""
    parser.options.update({"inline_definitions": True, "store_labels": True})
    block = parser.block.ruler
    block.before("table", "deep", _deep)
    block.at("table", _table, {"alt": ["paragraph", "reference"]})
    block.before("reference", "footnote", _footnote, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.after("image", "footnote_ref", _footnote_ref)
    parser.core.ruler.after("block", "fences", _fences)
    parser.core.ruler.after("block", "numbers", _numbers)
    parser.core.ruler.push("definitions", _definitions)
    parser.core.ruler.push("links", _links)


# The parser prescribes the signatures. With ``silent`` a rule only tells whether it applies, and changes nothing.


def _deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """Read everything at the deepest levels as a paragraph: the parser would drop the content of a list or a quote."""
    if silent or state.level < state.md.options.maxNesting - 2:
        return False
    return paragraph(state, start, end, silent)


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """Read a table. Its last column takes the cells that a row has beyond the header's columns."""
    first = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    rows = [number for number in range(first, len(state.tokens)) if state.tokens[number].type == "tr_close"]
    columns = sum(token.type == "th_open" for token in state.tokens[first : rows[0]]) if rows else 0
    for row in rows[1:]:
        last = state.tokens[row - 2]  # the cell's words, its end, the row's end
        surplus = _cells(state, last.map[0] if last.map else start)[columns:]
        last.content = " | ".join([last.content, *map(_trim, surplus)])
    return True


def _cells(state: StateBlock, line: int) -> list[str]:
    cells = escapedSplit(_trim(getLine(state, line)))
    return cells[cells[0] == "" : len(cells) - (len(cells) > 1 and cells[-1] == "")]


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """Read a footnote as its label and its text. It gets no HTML id, which a footnote of another answer could have."""
    first = len(state.tokens)
    found = footnote_def(state, start, end, silent)
    if not found or silent:
        return found
    opening, following, closing = state.tokens[first], state.tokens[first + 1], state.tokens[-1]
    opening.hidden = closing.hidden = True
    label = f"[^{opening.meta['label']}]"
    if following.type == "paragraph_open":
        words = state.tokens[first + 2]
        words.content = f"{label} {words.content}"
    else:
        state.tokens[first + 1 : first + 1] = _paragraph(label)
    return True


def _footnote_ref(state: StateInline, silent: bool) -> bool:  # noqa: FBT001
    """Read a reference to a footnote that the text has. Any other reference stays plain text."""
    if state.src[state.pos] != "[":
        return False
    match = _FOOTNOTE.match(state.src, state.pos, state.posMax)
    if not match or f":{match[1]}" not in state.env.get("footnotes", {}).get("refs", {}):
        return False
    if not silent:
        state.push("footnote_ref", "sup", 0).content = match[1]
    state.pos = match.end()
    return True


def _fences(state: StateCore) -> None:
    """Show the words after a fence's opening marks above it, unless it is one word, which names the language."""
    state.tokens = [each for token in state.tokens for each in [*_above(token), token]]


def _above(token: Token) -> list[Token]:
    words = token.info.split() if token.type == "fence" else []
    return _paragraph(token.info.strip()) if len(words) > 1 or (words and not token.content.strip()) else []


def _numbers(state: StateCore) -> None:
    lists: list[list[Token]] = []
    for token in state.tokens:
        if token.type == "ordered_list_open":
            lists.append([])
        elif token.type == "list_item_open" and token.info:
            lists[-1].append(token)
        elif token.type == "ordered_list_close":
            _number(lists.pop())


def _number(items: list[Token]) -> None:
    numbers = [int(item.info) for item in items]
    if len(set(numbers)) > 1:
        for item, before, number in zip(items[1:], numbers, numbers[1:], strict=False):
            if number != before + 1:
                item.attrSet("value", str(number))


def _definitions(state: StateCore) -> None:
    """Show a link definition as text if no link uses it."""
    unseen = {label for token in state.tokens for label in _used(token)}
    tokens: list[Token] = []
    for token in state.tokens:
        if token.type != "definition":
            tokens.append(token)
        elif token.meta["id"] in unseen:
            unseen.remove(token.meta["id"])  # a second definition of the same label is used by nothing
        else:
            tokens += _definition(state.md, token)
    state.tokens = tokens


def _used(token: Token) -> Iterator[str]:
    return (child.meta["label"] for child in token.children or () if "label" in child.meta)


def _definition(parser: MarkdownIt, token: Token) -> list[Token]:
    address, title = token.meta["url"], token.meta["title"]
    link = Token("link_open", "a", 1, attrs={"href": address})
    words = _text(parser.normalizeLinkText(address))
    before, after = _text(f"[{token.meta['label']}]: "), _text(f' "{title}"' if title else "")
    return _paragraph("", [before, link, words, Token("link_close", "a", -1), after])


def _links(state: StateCore) -> None:
    for token in state.tokens:
        if token.children:
            token.children = list(_seen_links(token.children))


def _seen_links(tokens: list[Token]) -> Iterator[Token]:
    """The tokens without nested links, which HTML does not allow, and without empty links, which nobody could see."""
    depth, address, has_words = 0, "", False
    for token in tokens:
        if token.type == "link_open":
            depth += 1
            if depth == 1:
                address, has_words = str(token.attrGet("href")), False
                yield token
        elif token.type == "link_close":
            depth -= 1
            if depth == 0:
                yield from [token] if has_words else [_text(address), token]
        else:
            has_words = has_words or bool(token.content.strip())
            yield _picture_words(token) if depth and token.type == "image" else token


def _picture_words(token: Token) -> Token:
    """A picture within a link, as text."""
    where = " ".join(str(token.attrGet(name) or "") for name in ("src", "title"))
    return _text(f"{token.content} ({where.strip()})")


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _paragraph(content: str, children: list[Token] | None = None) -> list[Token]:
    """The tokens of a paragraph: with ``content`` that is still to be parsed, or with ``children`` that are tokens."""
    opening, closing = Token("paragraph_open", "p", 1, block=True), Token("paragraph_close", "p", -1, block=True)
    return [opening, Token("inline", "", 0, content=content, children=children or [], block=True), closing]
