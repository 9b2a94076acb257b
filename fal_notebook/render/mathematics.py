r"""A markdown-it plugin that finds the formulas in a model's Markdown and hands them to the page's MathJax.

Models write ``$…$``, ``$$…$$``, ``\(…\)``, ``\[…\]`` and bare environments such as ``align``. They write them
anywhere: between words, in lists, quotes and table cells, several on one line, or one over several lines.
``dollarmath`` finds formulas between dollars. Its block rule, like that of ``texmath``, takes the whole last line of a
formula and loses the words that follow on it. So every formula is found by an inline rule here, and the only block
rule keeps the lines of a formula together. In the HTML a formula stands between MathJax's delimiters, alone in an
element, so that MathJax cannot pair its delimiters with others.

MathJax typesets all formulas of an output in one task, and the page freezes meanwhile. So the number of formulas and
symbols is bounded, and the length, depth and size of each formula. A formula beyond the bounds is shown as code.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from html import escape, unescape
from string import ascii_letters, digits
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
# A backslash and the character that it escapes are read together, so that the line break ``\\[2pt]`` opens no formula.
_MARKS = re.compile("|".join(map(re.escape, {*_CLOSING, *_CLOSING.values()})) + r"|\\.", re.DOTALL)

_UNSAFE = re.compile(
    r"\\(href|url|class|cssId|style|html(?:Class|Id|Style|Data)?|data|require|unicode|includegraphics|[gex]?def"
    r"|(?:future)?let|(?:new|renew|provide)(?:command|environment|tagform|columntype|cases)|Declare[a-zA-Z]*|mmlToken"
    r"|bbox|toggle|mathtip|texttip|label|(?:eq)?ref|tag|mathtoolsset|usetagform|definecolor|minCDarrow(?:width|height)"
    r"|[a-zA-Z]+InfC)(?![a-zA-Z])"
)
# A number of columns with three digits or more: few letters could ask MathJax for a huge table.
_MANY_COLUMNS = re.compile(
    r"\\begin\s*\{\s*\w+\*?\s*\}\s*(?:\[[^]]*\]\s*)?\{\s*\d{3}|\*\s*\{\s*\d{3}|\\MoveEqLeft\s*[{[]?\s*\d{3}"
)
# Commands that enlarge their content by half or more. Nested ones multiply.
_ENLARGING = re.compile(r"\\(?:[Hh]uge|LARGE|[Ll]arge|mathlarger)(?![a-zA-Z])")
_MOST_ENLARGING = 2
# Commands that apply to the rest of their group. MathJax nests that rest in an element, so many of them nest deep.
_STYLE_SWITCH = re.compile(
    r"\\(?:(?:display|text|scriptscript|script)style|[Tt]iny|scriptsize|(?:foot)?notesize|small|SMALL|normalsize"
    r"|color|raise|lower|move(?:left|right))(?![a-zA-Z])"
)
_MOST_STYLE_SWITCHES = 50
_LENGTH = re.compile(
    r"(?<![\d.,])(\d++(?:[.,]\d*+)?+|[.,]\d++)\s*+(em|ex|px|pt|pc|in|cm|mm|mu|bp|dd|cc|sp|rem|vw|vh)", re.IGNORECASE
)
_EM_PER_UNIT = {
    "ex": 0.5,
    "px": 0.08,
    "pt": 0.1,
    "in": 7.2,
    "cm": 2.9,
    "mm": 0.3,
    "mu": 0.06,
    "bp": 0.1,
    "dd": 0.11,
    "sp": 0.1,
}
_MOST_EM = 150  # em, of all lengths in a formula
_CHEMISTRY = re.compile(r"\\(?:ce|pu)(?![a-zA-Z])")  # each letter within becomes several symbols
_CONTINUED_FRACTION = re.compile(r"\\cfrac(?![a-zA-Z])")
_SYMBOL = re.compile(r"\\[a-zA-Z]+|\\.|[^\s{}]", re.DOTALL)
_MOST_FORMULA_SYMBOLS = 1_000  # the page's time for a formula grows with their square
_NESTING = re.compile(r"\\[{}]|\\\\|[{}]|\\(?:left|right|begin|end)(?![a-zA-Z])")
_DEEPER, _SHALLOWER = {"{", r"\left", r"\begin"}, {"}", r"\right", r"\end"}
_DEEPEST = 24  # a nesting of a hundred can crash a browser's tab
_SYMBOLS_PER_FORMULA = 4  # what a formula costs besides its symbols, counted in symbols
MOST_OUTPUT_SYMBOLS = 6_000
"""The most symbols of all formulas of an output, with what each formula costs besides."""
_EMPTY_LINE = re.compile(r"\n[ \t]*\n")
TYPESET = re.compile(r'<span(?: data-tex="[^"]*")?>(\\\((?:[^<]*)\\\)|\\\[(?:[^<]*)\\\])</span>')
"""A formula that is left to MathJax, with its TeX in an attribute or without it."""
_ESCAPED_OR_PERCENT = re.compile(r"\\.|%", re.DOTALL)

_NUMBER = re.compile(r"\\(tag|label)\*?[ \t]*\{([\w .:'*+-]{1,40})\}")
_LABEL = re.compile(r"\\label[ \t]*\{[\w .:'*+-]{1,40}\}")
_WORD_LETTERS = frozenset(ascii_letters + digits)
_TO_DOLLAR = re.compile(r"((?:[^$\\]|\\.)*+)\$", re.DOTALL)
_GOES_ON = re.compile(r"(?!(?:th|st|nd|rd|s)\b)[0-9A-Za-z]")
_PRICE = re.compile(r"[A-Za-z]{2}|,\s+[A-Za-z]")
_TEX_COMMAND = re.compile(r"\\[a-zA-Z,;:!|{}\\]|\^")
_WORD = re.compile(r"[^\W\d_]{2}")
_TWO_WORDS = re.compile(r"[^\W\d_]{2}\s+[^\W\d_]{2}")
_RELATION = re.compile(r"[=<>_≤≥≠≈∈→⇒±×÷√∑∫∞]")
_NUMBERS = re.compile(r"[\d\s.,;:/#-]*")
_OPERATION = re.compile(r"[\w)!|]\s*[-+*/]\s*[\w(|]|[^\W\d_]\s*[(!|]|\|\s*[^\W\d_]")


def mathematics_plugin(parser: MarkdownIt) -> None:
    """Add the rules that find formulas, and those that render them for MathJax."""
    parser.use(dollarmath_plugin, allow_labels=False, allow_digits=False, allow_space=False, double_inline=True)
    parser.disable("math_block")
    both = next(rule.fn for rule in parser.inline.ruler.__rules__ if rule.name == "math_inline")
    parser.inline.ruler.at("math_inline", partial(_dollars, both))
    parser.inline.ruler.before("escape", "formula", _formula)
    terminated = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("lheading", "formula_lines", _formula_lines, {"alt": terminated})
    parser.add_render_rule("math_inline", _inline_html)
    parser.add_render_rule("math_inline_double", _display_html)


def limit_formulas(html: str) -> str:
    """The HTML of an output, with no more formulas left to MathJax than a page can typeset without freezing.

    The first formulas are kept; the others are shown as code.
    """
    return formulas_within(html, MOST_OUTPUT_SYMBOLS)[0]


def formulas_within(html: str, rest: int) -> tuple[str, int]:
    """The same for a part of an output.

    Args:
        html: the part.
        rest: of the symbols of an output, those that are left for it: at first `MOST_OUTPUT_SYMBOLS`, 0 for no formula.

    Returns:
        The part, and the symbols that are left for what follows.
    """

    def kept(match: re.Match[str]) -> str:
        nonlocal rest
        content = unescape(match[1][2:-2])
        rest -= _symbols(content) + _SYMBOLS_PER_FORMULA + int(_ems(content))
        return match[0] if rest >= 0 else _code(match[1][2:-2])

    return TYPESET.sub(kept, html), rest


def marimo_formulas(html: str) -> str:
    """The HTML of an output with its formulas as marimo's page typesets them: by KaTeX, in an element of its own."""
    return TYPESET.sub(lambda match: f"<marimo-tex>||{match[1][1:-2]}||{match[1][-1]}</marimo-tex>", html)


def unended_formulas(text: str) -> Iterator[int]:
    """The starts of lines where a formula opens that further text can end, so that all lines from there on are its.

    Args:
        text: a beginning of Markdown, from the start of a line on.
    """
    ends = _formula_ends(text, {})
    last = {mark[0]: mark.start() for mark in _MARKS.finditer(text) if mark[0] in _CLOSING}
    start = past = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        for mark in _MARKS.finditer(text, start, end):
            if mark.start() < past or mark[0] not in _CLOSING:
                continue
            past = ends.get(mark.start(), 0)
            if not past and last[mark[0]] == mark.start() and "`" not in text[start : mark.start()]:
                is_open = not text[mark.end() : end].strip()
                if is_open or not _EMPTY_LINE.search(text, end - 1):
                    yield start
                    break
        start = end


def code_html(text: str) -> str:
    """A formula that is not finished, as its text."""
    return _code(escape(text))


def _dollars(
    both: Callable[[StateInline, bool], bool],
    state: StateInline,
    silent: bool,  # noqa: FBT001 - the parser calls it so
) -> bool:
    """Inline rule: read a formula between dollars, but no prices and no names of variables.

    A formula has no dollar in it. Before its first dollar and behind its last stands no letter of a word and no digit.
    """
    start, text = state.pos, state.src
    if text[start] != "$" or text.startswith("$$", start):
        return both(state, silent)
    closing = _TO_DOLLAR.match(text, start + 1, state.posMax)
    content, end = (closing[1], closing.end()) if closing else ("", start)
    is_word = (start and text[start - 1] in _WORD_LETTERS) or _GOES_ON.match(text, end, state.posMax)
    if is_word or not content or content[0].isspace() or content[-1].isspace() or _is_price(content):
        return False
    if not silent:
        state.push("math_inline", "math", 0).content = content
    state.pos = end
    return True


def _is_price(content: str) -> bool:
    return content[0].isdigit() and not _TEX_COMMAND.search(content) and bool(_PRICE.search(content))


def _formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the parser calls it so
    """Inline rule: read a formula between brackets, or an environment, that begins at the parser's position."""
    if state.src[state.pos] != "\\":
        return False
    start, end = state.pos, _formula_ends(state.src, state.env).get(state.pos)
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
    """Block rule: read the lines from where a formula opens to where it ends as one paragraph.

    Without this rule, lines of the formula could be read as lists, quotes or headings. Such a formula may contain
    empty lines if nothing follows its opening delimiter on the same line.
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
    """The line where a formula ends that begins on line ``start`` and continues on the next; None if there is none."""
    first, end = state.bMarks[start] + state.tShift[start], state.eMarks[start]
    ends, past = _formula_ends(state.src, state.env), first
    for mark in _MARKS.finditer(state.src, first, end):
        if mark.start() < past:  # within a formula of this line, or at its end
            continue
        past = ends.get(mark.start(), 0)
        if past > end and "`" not in state.src[first : mark.start()]:
            last = bisect_left(state.eMarks, past)
            is_open = not state.src[mark.end() : end].strip()
            indent = min(state.sCount[start], state.blkIndent)  # a line that ends a list may have less than the list
            within = range(start + 1, last + 1)
            is_whole = all(is_open if state.isEmpty(line) else state.sCount[line] >= indent for line in within)
            return last if is_whole else None
    return None


def _formula_ends(text: str, known: Any) -> dict[int, int]:
    """The places where formulas of a text end, by the places where they begin.

    A formula ends at the next closing delimiter of its kind, if the same kind is not opened again before. The text is
    searched once and the answer kept in ``known``, so that the cost is linear however many delimiters never close.
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
    r"""Whether the content of escaped brackets is TeX.

    If not, they are brackets that Markdown escapes, as in ``\[1\]`` and ``\[see below\]``, or a checkbox: ``\[ x \]``.
    """
    inner = content.strip()
    if _TEX_COMMAND.search(inner):
        return True
    if not inner or _TWO_WORDS.search(inner):
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
    """The formula for MathJax; as code if it could make links, styles or ids, end early, or cost the page too much.

    Its own numbers stand beside it: with a tag, MathJax would make an id.
    """
    numbers = [match[2] for match in _NUMBER.finditer(content) if match[1] != "label"]
    if numbers and opening == r"\[":
        formula = _html(_NUMBER.sub("", content), opening, closing)
        words = " ".join(f"({escape(number)})" for number in numbers)
        return f'<span class="fal-numbered">{formula} <span>{words}</span></span>'
    unlabelled = _LABEL.sub("", content)
    content = unlabelled if unlabelled.strip() else content
    if _UNSAFE.search(content) or closing in content or _is_costly(content):
        return _code(escape(content))
    return f"<span>{opening}{escape(_without_comments(content))}{closing}</span>"


def _code(html: str) -> str:
    return f"<code>{html}</code>"


def _is_costly(content: str) -> bool:
    """Whether a formula would freeze the page, or be drawn far larger than its letters."""
    return bool(
        len(content) > _MOST_FORMULA_SYMBOLS * 10
        or _symbols(content) > _MOST_FORMULA_SYMBOLS
        or _ems(content) > _MOST_EM
        or len(_ENLARGING.findall(content)) > _MOST_ENLARGING
        or len(_STYLE_SWITCH.findall(content)) > _MOST_STYLE_SWITCHES
        or _MANY_COLUMNS.search(content)
        or _depth(content) > _DEEPEST
    )


def _symbols(content: str) -> int:
    """The number of symbols in a formula, weighted by the work that they cost the page."""
    symbols = len(_SYMBOL.findall(content)) + 10 * len(_CONTINUED_FRACTION.findall(content))
    return 5 * symbols if _CHEMISTRY.search(content) else symbols


def _ems(content: str) -> float:
    """The rough sum of all lengths in a formula, in em."""
    return sum(
        float(number.replace(",", ".")) * _EM_PER_UNIT.get(unit.lower(), 1) for number, unit in _LENGTH.findall(content)
    )


def _depth(content: str) -> int:
    """The greatest depth of nested groups in a formula."""
    depth = deepest = 0
    for mark in _NESTING.findall(content):
        if mark in _DEEPER:
            depth += 1
            deepest = max(deepest, depth)
        elif mark in _SHALLOWER:
            depth = max(depth - 1, 0)
    return deepest


def _without_comments(content: str) -> str:
    r"""The formula with each ``%`` written as ``\%``: in TeX a bare one begins a comment, whose text would vanish."""
    return _ESCAPED_OR_PERCENT.sub(lambda match: r"\%" if match[0] == "%" else match[0], content)
