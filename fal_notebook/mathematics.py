r"""Floor 0: the formulas in a model's Markdown: where they stand, and how the page gets them.

Models write ``$…$``, ``$$…$$``, ``\(…\)``, ``\[…\]`` and bare environments such as ``align``, anywhere: beside words,
in lists, quotes and cells, several on one line, one across lines. ``dollarmath`` finds those between dollars; its rule
for blocks, like that of ``texmath``, takes the whole of a formula's last line and loses what stands behind it. So
every formula is found among the words, and one rule for blocks keeps the lines of a formula together. It is left
between the delimiters of the front end's MathJax, alone in an element, which MathJax never looks beyond.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.amsmath import ENVIRONMENTS
from mdit_py_plugins.dollarmath import dollarmath_plugin

_BRACKETS = {r"\(": r"\)", r"\[": r"\]"}
_NAMES = [*ENVIRONMENTS, *(f"{name}*" for name in ENVIRONMENTS)]
_CLOSING = _BRACKETS | {"$$": "$$"} | {rf"\begin{{{name}}}": rf"\end{{{name}}}" for name in _NAMES}
# A backslash and what it escapes are one: the line break ``\\[2pt]`` opens nothing.
_MARKS = re.compile("|".join(map(re.escape, {*_CLOSING, *_CLOSING.values()})) + r"|\\.", re.DOTALL)

_ACTING = re.compile(
    r"\\(href|url|class|cssId|style|html(?:Class|Id|Style|Data)?|data|require|unicode|includegraphics|[gex]?def|let"
    r"|(?:new|renew|provide)(?:command|environment)|Declare[a-zA-Z]*|mmlToken|bbox|toggle|mathtip|texttip|label"
    r"|(?:eq)?ref|tag)(?![a-zA-Z])"
)
_ESCAPED_OR_PERCENT = re.compile(r"\\.|%", re.DOTALL)

_TEX = re.compile(r"\\[a-zA-Z,;:!|{}\\]|\^")
_WORD = re.compile(r"[^\W\d_]{2}")
_WORDS = re.compile(r"[^\W\d_]{2}\s+[^\W\d_]{2}")
_RELATION = re.compile(r"[=<>_≤≥≠≈∈→⇒±×÷√∑∫∞]")
_NUMBERS = re.compile(r"[\d\s.,;:/#-]*")
_OPERATION = re.compile(r"[\w)!|]\s*[-+*/]\s*[\w(|]|[^\W\d_]\s*[(!|]|\|\s*[^\W\d_]")


def mathematics_plugin(parser: MarkdownIt) -> None:
    """Give the parser rules for formulas, and the renderer what the page's MathJax reads."""
    parser.use(dollarmath_plugin, allow_labels=False, allow_digits=False, allow_space=False, double_inline=True)
    parser.disable("math_block")
    parser.inline.ruler.before("escape", "formula", _formula)
    terminated = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("lheading", "formula_lines", _formula_lines, {"alt": terminated})
    parser.add_render_rule("math_inline", _inline_html)
    parser.add_render_rule("math_inline_double", _display_html)


def _formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser calls it so
    """A formula between brackets, or an environment, at this place among the words."""
    if state.src[state.pos] != "\\":
        return False
    start, end = state.pos, _ends(state.src, state.env).get(state.pos)
    if end is None or end > state.posMax:
        return False
    opening = state.src[start : start + 2]
    is_bracket = opening in _BRACKETS
    content = state.src[start + 2 : end - 2] if is_bracket else state.src[start:end]
    if is_bracket and not _is_formula(content, opening):
        return False
    if not silent:
        state.push("math_inline" if opening == r"\(" else "math_inline_double", "math", 0).content = content
    state.pos = end
    return True


def _formula_lines(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - the same
    """A paragraph that goes from the line where a formula opens to the line where it ends.

    Else the lines within could be taken for lists, quotes or headings. It may have empty lines where nothing
    stands behind the delimiter that opens it.
    """
    last = None if state.is_code_block(start) else _last_line(state, start)
    if last is None or last >= end:
        return False
    if not silent:
        token = state.push("paragraph_open", "p", 1)
        token = state.push("inline", "", 0)
        token.content = state.getLines(start, last + 1, state.blkIndent, False).strip()  # noqa: FBT003 - the same
        token.map, token.children = [start, last + 1], []
        state.push("paragraph_close", "p", -1)
        state.line = last + 1
    return True


def _last_line(state: StateBlock, start: int) -> int | None:
    """The line where the formula ends that begins on this one and goes beyond it."""
    first, end = state.bMarks[start] + state.tShift[start], state.eMarks[start]
    ends = _ends(state.src, state.env)
    for mark in _MARKS.finditer(state.src, first, end):
        if ends.get(mark.start(), 0) > end and "`" not in state.src[first : mark.start()]:
            last = bisect_left(state.eMarks, ends[mark.start()])
            is_open = not state.src[mark.end() : end].strip()
            indent = min(state.sCount[start], state.blkIndent)  # a line that ends a list may have less than the list
            within = range(start + 1, last + 1)
            is_whole = all(is_open if state.isEmpty(line) else state.sCount[line] >= indent for line in within)
            return last if is_whole else None
    return None


def _ends(text: str, known: Any) -> dict[int, int]:
    """Where what opens at a place of the text ends: at its next closing, with no other opening between.

    Every delimiter is looked at once for each text, so that the cost is linear however many never close.
    """
    texts: dict[str, dict[int, int]] = known.setdefault("formulas", {})
    if text not in texts:
        ends = texts[text] = {}
        open_at: dict[str, int] = {}
        for mark in _MARKS.finditer(text):
            if mark[0] in open_at:
                ends[open_at.pop(mark[0])] = mark.end()
            if mark[0] in _CLOSING:
                open_at[_CLOSING[mark[0]]] = mark.start()
    return texts[text]


def _is_formula(content: str, opening: str) -> bool:
    r"""Whether escaped brackets hold TeX.

    Else they are brackets that Markdown escapes, as in ``\[1\]`` and ``\[see below\]``, or a box: ``\[ x \]``.
    """
    inner = content.strip()
    if _TEX.search(inner):
        return True
    if not inner or _WORDS.search(inner):
        return False
    if opening == r"\(" or _RELATION.search(inner):
        return True
    if _WORD.search(inner) or content in (" x ", " X "):
        return False
    is_apart = content[0].isspace() and content[-1].isspace()
    return is_apart or bool(_OPERATION.search(inner) and not _NUMBERS.fullmatch(inner))


def _inline_html(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return _html(tokens[index].content, r"\(", r"\)")


def _display_html(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return _html(tokens[index].content.strip(), r"\[", r"\]")


def _html(content: str, opening: str, closing: str) -> str:
    """The formula for MathJax; as code where it could make links, styles or identifiers, or end too early."""
    if _ACTING.search(content) or closing in content:
        return f"<code>{escape(content)}</code>"
    return f"<span>{opening}{escape(_without_comments(content))}{closing}</span>"


def _without_comments(content: str) -> str:
    """The formula with every percent sign as a sign: to TeX it begins a comment, which would vanish."""
    return _ESCAPED_OR_PERCENT.sub(lambda match: r"\%" if match[0] == "%" else match[0], content)
