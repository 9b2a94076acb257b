r"""A markdown-it rule for what models write to be unfolded: ``<details>``, a ``<summary>`` and Markdown behind it.

The tags of a fold stand on lines of their own; the summary may be on the first one, too:

    <details>
    <summary>The answer</summary>

    Forty-**two**.

    </details>

Whether something is a fold is told by its own lines alone, and its length is bounded. So it is the same in a text that
grows, where nothing of it is given before its end. What is longer or has no end, and these tags in other places, are
shown by the rules for tags in `chat_markdown`: nothing is hidden of which a reader cannot see that it is there.
"""

import re
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

FOLD = "details_open"
"""The type of a fold's first token. Its ``markup`` is the tag of its end, its ``meta`` the first line of the body."""
GROWING: dict[str, Any] = {"folds": "grow"}
"""What says in a parser's ``env`` that a fold without an end may still get it."""
_LONGEST = 8_000  # characters
_DEEPEST = 3  # folds within each other
_MOST_LINES = 5  # of tags and summary
_HEAD = re.compile(r"<details( open)?>\s*<summary>((?:[^<]|<(?!/?summary>))+)</summary>", re.IGNORECASE)
_FENCE = re.compile(r"(`{3,}+|~{3,}+)([^`]*+)")
_BEGIN, _END, _HEAD_END = "<details", "</details>", "</summary>"


def fold_plugin(parser: MarkdownIt) -> None:
    """Add the rule."""
    parser.block.ruler.before("fence", "fold", _fold, {"alt": ["paragraph", "reference"]})


def without_open_head(text: str) -> str:
    """A text that grows, without the tags at its end of which only what comes tells whether they begin a fold."""
    start = text.rfind("\n") + 1
    if f"{_BEGIN}>".startswith(text[start:].strip(" ").lower() or "?"):
        return text[:start]
    for _ in range(_MOST_LINES):
        head = text[start:].lower()
        if head.lstrip(" ").startswith(_BEGIN):
            return text if _HEAD_END in head or "\n\n" in head else text[:start]
        start = text.rfind("\n", 0, max(start - 1, 0)) + 1
    return text


def _fold(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the parser calls it so
    """Block rule: read a fold and what is in it."""
    if not _line(state, start).startswith(_BEGIN) or state.is_code_block(start):
        return False
    lines = range(start, min(start + _MOST_LINES, end))
    body = next((line + 1 for line in lines if _HEAD_END in _line(state, line)), start)
    words = [_line(state, line, lower=False) for line in range(start, body)]
    head = _HEAD.fullmatch("\n".join(words)) if all(words) else None
    last = _last_line(state, start, body, end) if head and head[2].strip() else None
    if head is None or last is None:
        return False
    if not silent:
        _push(state, start, body, last, head)
    return True


def _last_line(state: StateBlock, start: int, body: int, end: int) -> int | None:
    """The line with the tag that ends a fold, or the one behind a text that grows; None if it is no fold."""
    depth, fence = 1, ""
    for line in range(body, end):
        words = _line(state, line)
        is_outside = words and state.sCount[line] < state.blkIndent
        if is_outside or state.eMarks[line] - state.bMarks[start] > _LONGEST:
            return None
        mark = _FENCE.fullmatch(words)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) and not mark[2].strip() else fence
        elif mark:
            fence = mark[1]
        elif words == _END:
            depth -= 1
            if not depth:
                return line
        elif _END in words or words.startswith(_BEGIN):
            depth += 1
            if _END in words or depth > _DEEPEST:
                return None
    return end if state.level == 0 and GROWING.items() <= state.env.items() else None


def _push(state: StateBlock, start: int, body: int, last: int, head: re.Match[str]) -> None:
    whole = state.lineMax
    token = state.push(FOLD, "details", 1)
    token.attrs = {"open": ""} if head[1] else {}
    token.markup = _END if last < whole else ""
    token.map, token.meta = [start, min(last + 1, whole)], {"body": body}
    state.push("summary_open", "summary", 1).map = [start, body]
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = head[2].strip(), [start, body], []
    state.push("summary_close", "summary", -1)
    state.lineMax = last
    state.md.block.tokenize(state, body, last)
    state.lineMax = whole
    state.push("details_close", "details", -1)
    state.line = min(last + 1, whole)


def _line(state: StateBlock, number: int, *, lower: bool = True) -> str:
    """A line without the marks of lists and quotes, and without spaces around it."""
    line = state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()
    return line.lower() if lower else line
