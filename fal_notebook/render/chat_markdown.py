"""A markdown-it plugin for what models write, and chat interfaces show, beyond CommonMark.

- Line ends within a paragraph stay line ends.
- A few tags without attributes are tags, if they have their end in the same paragraph. They can do nothing.
- Of ``<details>`` that is no fold (`folds`), the content is shown, below its summary in bold.
- ``- [ ]`` and ``- [x]`` are tasks.
- A bare address of the web is a link.
- Emphasis may stand beside Chinese, Japanese and Korean letters and signs, which have no spaces around them.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

_TAG = re.compile(r"<(/?)(br|sub|sup|kbd|b|i|u|mark|details|summary) ?(/?)>", re.IGNORECASE)
_SHOWN_AS = {"summary": "strong"}
_TASK = re.compile(r"\[([ xX])\][ \t]+(?=\S)")
_ADDRESS = re.compile(r"(?<![0-9A-Za-z_/])https?://[^\s<>\"`\\^{|}\u3000-\u303f\uff00-\uffef]++", re.IGNORECASE)
_ENDS_NO_ADDRESS = ".,;:!?'*_~"
_MOST_ADDRESSES = 1_000  # of a block
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)


def chat_plugin(parser: MarkdownIt) -> None:
    """Add the rules."""
    parser.options["breaks"] = True
    parser.inline.ruler.before("autolink", "tag", _tag)
    parser.inline.ruler.at("emphasis", _emphasis)
    parser.core.ruler.after("block", "tasks", _tasks)
    parser.core.ruler.after("text_join", "pairs", _pairs)
    parser.core.ruler.push("addresses", _addresses)


# The parser prescribes the signatures.


def _tag(state: StateInline, silent: bool) -> bool:  # noqa: FBT001
    match = _TAG.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "<" else None
    if match is None:
        return False
    is_end, name, is_empty = bool(match[1]), match[2].lower(), bool(match[3])
    if (name == "br" and is_end) or (name != "br" and is_empty):
        return False
    if not silent:
        if name == "br":
            state.push("hardbreak", "br", 0)
        else:
            state.push("tag_close" if is_end else "tag_open", name, 0).content = match[0]
    state.pos = match.end()
    return True


def _emphasis(state: StateInline, silent: bool) -> bool:  # noqa: FBT001
    """The parser's own rule, but for what stands beside an asterisk."""
    marker = state.src[state.pos]
    if silent or marker not in "_*":
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    can_open, can_close = scanned.can_open, scanned.can_close
    if marker == "*":
        end = state.pos + scanned.length
        before = state.src[state.pos - 1] if state.pos else " "
        after = state.src[end] if end < state.posMax else " "
        can_open, can_close = _flanks(before, after), _flanks(after, before)
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=scanned.length,
                token=len(state.tokens) - 1,
                end=-1,
                open=can_open,
                close=can_close,
            )
        )
    state.pos += scanned.length
    return True


def _flanks(outside: str, inside: str) -> bool:
    if isWhiteSpace(ord(inside)):
        return False
    return not _is_sign(inside) or isWhiteSpace(ord(outside)) or _is_sign(outside) or bool(_CJK.match(outside))


def _is_sign(letter: str) -> bool:
    return not _CJK.match(letter) and (isMdAsciiPunct(ord(letter)) or isPunctChar(letter))


def _tasks(state: StateCore) -> None:
    for number, token in enumerate(state.tokens):
        match = _TASK.match(token.content) if token.type == "inline" else None
        if match and number > 1 and state.tokens[number - 2].type == "list_item_open":
            state.tokens[number - 2].attrSet("class", "fal-task")
            token.content = f"{'☐' if match[1] == ' ' else '☑'} {token.content[match.end() :]}"


def _pairs(state: StateCore) -> None:
    """Make tags of those that have their other half, in order; the others are text."""
    tokens: list[Token] = []
    for token in state.tokens:
        if token.children and any(child.type.startswith("tag_") for child in token.children):
            _pair(token.children)
            token.children = list(_without_folds(token.children))
        tokens.append(token)
        if token.type == "paragraph_close" and tokens[-2].type == "inline" and tokens[-2].children == []:
            del tokens[-3:]
    state.tokens = tokens


def _pair(tokens: list[Token]) -> None:
    open_tokens: list[Token] = []
    for token in tokens:
        if token.tag == "details":
            continue
        if token.type == "tag_close":
            before = open_tokens[-1] if open_tokens else None
            if before is not None and before.type == "tag_open" and before.tag == token.tag:
                open_tokens.pop()
                before.tag = token.tag = _SHOWN_AS.get(token.tag, token.tag)
                before.type, before.nesting = f"{token.tag}_open", 1
                token.type, token.nesting = f"{token.tag}_close", -1
        elif token.type == "tag_open" or token.nesting == 1:
            open_tokens.append(token)
        elif token.nesting == -1:
            while open_tokens and open_tokens.pop().type == "tag_open":
                pass


def _without_folds(tokens: list[Token]) -> Iterator[Token]:
    """The tokens without the tags of ``<details>`` that stand on lines of their own."""
    for number, token in enumerate(tokens):
        before = tokens[number - 1] if number else None
        after = tokens[number + 1] if number + 1 < len(tokens) else None
        begins = before is None or before.type == "softbreak" or before.tag == "details"
        ends = after is None or after.type == "softbreak" or (after.tag == "strong" and token.type == "tag_open")
        if token.tag == "details" and begins and ends:
            continue
        is_gap = token.type == "softbreak" and (before is None or before.tag == "details")
        if token.type in ("tag_open", "tag_close"):
            token.type, token.tag = "text", ""
        if not is_gap:
            yield token


def _addresses(state: StateCore) -> None:
    for token in state.tokens:
        if token.children and "://" in token.content:
            token.children = list(_linked(state.md, token.children))


def _linked(parser: MarkdownIt, tokens: list[Token]) -> Iterator[Token]:
    depth = count = 0
    for token in tokens:
        depth += token.nesting if token.type in ("link_open", "link_close") else 0
        if depth or token.type != "text":
            yield token
            continue
        end = 0
        for match in _ADDRESS.finditer(token.content):
            address = _address(match[0])
            count += 1
            href = parser.normalizeLink(address)
            if count <= _MOST_ADDRESSES and len(address) > len("https://") and parser.validateLink(href):
                yield Token("text", "", 0, content=token.content[end : match.start()])
                yield Token("link_open", "a", 1, attrs={"href": href})
                yield Token("text", "", 0, content=address)
                yield Token("link_close", "a", -1)
                end = match.start() + len(address)
        yield Token("text", "", 0, content=token.content[end:])


def _address(found: str) -> str:
    """What was found, without signs at its end that belong to the sentence."""
    surplus = {")": found.count(")") - found.count("("), "]": found.count("]") - found.count("[")}
    end = len(found)
    while end and (found[end - 1] in _ENDS_NO_ADDRESS or surplus.get(found[end - 1], 0) > 0):
        end -= 1
        if found[end] in surplus:
            surplus[found[end]] -= 1
    return found[:end]
