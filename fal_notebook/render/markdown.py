"""Turns a model's Markdown into HTML that is safe to show: it runs nothing, and loads nothing until someone clicks.

In a notebook that the user has run, the front end executes whatever ``text/markdown`` and ``text/html`` contain:
scripts, event handlers, frames. It also loads every picture. A model's text may repeat anyone's words, so it is parsed
without raw HTML, the result is cleaned against a list of allowed tags, and pictures become links. Links work only with
http, https and mailto.

Formulas are left to the front end's MathJax. Other characters that would start mathematics are kept from doing so.
No letter of the text is lost: see `lossless_markdown`.

A browser lays out each paragraph as a whole. It freezes at a long one that has many lines, or that mixes many scripts
or writing directions. A text with such a paragraph is shown preformatted and split into blocks, of which the browser
lays out only the visible ones. Printing lays out all of them, so a block that changes its direction every few letters,
which no language does, is shown in the order of its letters.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from functools import cache
from html import escape
from operator import gt, ne
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from ..safety.loggers import quiet
from ..safety.plain_text import count_beyond_latin1
from .chat_markdown import chat_plugin
from .code_blocks import COLOURS, MOST_COLOURS, code_block_html, colours_within
from .folds import fold_plugin
from .lossless_markdown import lossless_plugin
from .mathematics import limit_formulas, mathematics_plugin

Env = MutableMapping[str, Any]
Weights = tuple[int, ...]

_CELL_ATTRIBUTES = {"style"}
_DIRECTED = {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "summary", "table", "ul"}
_ATTRIBUTES = {name: {"dir"} for name in _DIRECTED} | {
    "a": {"href", "title"},
    "details": {"open"},
    "div": {"tabindex"},
    "li": {"value"},
    "ol": {"dir", "start"},
    "td": _CELL_ATTRIBUTES,
    "th": _CELL_ATTRIBUTES,
}
_CLASSES = {"div": {"fal-code", "fal-code-head", "fal-table"}, "li": {"fal-task"}, "span": {*COLOURS, "fal-numbered"}}
_TAGS = {
    *(
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "details",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
    ),
    *("b", "i", "kbd", "mark", "sub", "u"),
    *("pre", "s", "span", "strong", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
# The scripts by blocks of 128 code points. Latin and symbols count as one script, and so do Japanese syllables,
# Chinese characters and Korean syllables. A block that is not listed is a script of its own.
_SCRIPT_OF_BLOCK = (
    dict.fromkeys((*range(6), *range(0x3C, 0x3E), *range(0x40, 0x58)), 0)
    | dict.fromkeys((0x60, 0x61), 0x60)
    | dict.fromkeys(range(0x68, 0x140), 0x68)
    | dict.fromkeys(range(0x158, 0x1B0), 0x158)
)
_NEUTRAL = re.compile(r"[^\w\x80-\U0010ffff]+")  # spaces and punctuation, which belong to any script
_SCHEMES = {"http", "https", "mailto"}
_OPENS_MATH = re.compile(r"[$\\]")
_LONGEST = 200_000
_MOST_BRACKETS = 1_000
_MARKS, _MOST_MARKS = "*_`|~$\\<>&!", 50_000  # marks and lines take the parser long, and an interrupt cannot stop it
_MOST_LINES = 10_000
# The elements are counted by their end tags. List items take longest to print. The time of JupyterLab's table of
# contents grows with the square of the number of headings.
_MOST_ELEMENTS = {"</": 10_000, "</li>": 5_000, "</h": 300}
_MOST_FOREIGN = 5_000  # characters beyond Latin-1 in a paragraph: the page's time can grow with their square
_MOST_SCRIPT_CHANGES = 20_000  # in a text
_BLOCK_LENGTH = 1_000  # characters
_BLOCK_STYLE = "content-visibility:auto;contain-intrinsic-block-size:auto 13em"
_LETTER_ORDER_STYLE = "unicode-bidi:bidi-override"
_DIRECTIONS = {"L": 0, "EN": 0, "AN": 0, "R": 1, "AL": 1}  # by Unicode Standard Annex #9; other classes have none
_LETTERS_PER_TURN = 4  # a text that changes its direction more often is in no language
_PREFORMATTED_STYLE = "white-space:pre-wrap;overflow-wrap:break-word"


@quiet()
def markdown_html(text: str, change: Callable[[list[Token]], None] | None = None) -> str:
    r"""The Markdown as safe HTML; as preformatted text where it would cost the parser or the page too much.

    Args:
        text: Markdown (CommonMark with tables, strikethrough, ``$…$``, ``$$…$$``, ``\(…\)`` and ``\[…\]``).
        change: what is to be done with what was read, as for `block_html`.
    """
    return joined_html(text, lambda: [block_html(text, change=change)])


def joined_html(text: str, blocks: Callable[[], Iterable[str | None]]) -> str:
    """The same of blocks that have been read one by one.

    Args:
        text: the Markdown of all blocks.
        blocks: their HTML as `block_html` gives it.
    """
    if is_wild(weights(text)):
        return preformatted_html(text)
    read = list(blocks())
    html = "".join(filter(None, read))
    if None in read or has_many_elements(elements(html)):
        return preformatted_html(text)
    return limit_formulas(colours_within(html, MOST_COLOURS)[0])


@quiet()
def block_html(text: str, env: Env | None = None, change: Callable[[list[Token]], None] | None = None) -> str | None:
    """A block of Markdown as clean HTML with all its formulas; None where the parser or a page cannot take it.

    Args:
        text: the block, or several.
        env: the references and footnotes that stand elsewhere.
        change: what is to be done with what was read, before it becomes HTML.
    """
    try:
        parser = _parser()
        env = {} if env is None else env
        tokens = parser.parse(text, env)
        if any(count_beyond_latin1(token.content) > _MOST_FOREIGN for token in tokens):
            return None
        if change is not None:
            change(tokens)
        return _clean(parser.renderer.render(tokens, parser.options, env))
    except Exception:  # noqa: BLE001 - a parser's own fault may be any, and must not cost the answer
        return None


@quiet()
def block_tokens(text: str, env: Env) -> list[Token]:
    """The blocks of Markdown, in which the words have not been read yet; none where the parser cannot take them."""
    tokens: list[Token] = []
    try:
        parser = _parser()
        parser.block.parse(text, parser, env, tokens)
    except Exception:  # noqa: BLE001 - the same
        return []
    return tokens


@quiet()
def read_tokens(text: str) -> list[Token]:
    """The whole Markdown as it was read; nothing where the parser cannot take it."""
    try:
        return _parser().parse(text, {})
    except Exception:  # noqa: BLE001 - the same
        return []


def weights(text: str) -> Weights:
    """What makes a text too large or too wild: its characters, brackets, marks, lines and turns between scripts."""
    brackets, marks = text.count("[") - text.count("\\["), sum(map(text.count, _MARKS))
    return len(text), brackets, marks, text.count("\n"), _script_changes(text) if len(text) <= _LONGEST else 0


def is_wild(weights: Weights) -> bool:
    """Whether a text of these weights is larger or wilder than a parser, or a page, can take."""
    return any(map(gt, weights, (_LONGEST, _MOST_BRACKETS, _MOST_MARKS, _MOST_LINES, _MOST_SCRIPT_CHANGES)))


def elements(html: str) -> tuple[int, ...]:
    """How many elements the HTML has, of each kind that has a bound; coloured words have one of their own."""
    every, *others = map(html.count, _MOST_ELEMENTS)
    return every - html.count('<span class="'), *others


def has_many_elements(counts: Iterable[int]) -> bool:
    """Whether a page that has so many would halt."""
    return any(map(gt, counts, _MOST_ELEMENTS.values()))


def preformatted_html(text: str) -> str:
    """The text unchanged, in lines that wrap."""
    return f'<pre style="{_PREFORMATTED_STYLE}">{_in_blocks(text, escape)}</pre>'


def lines_html(text: str) -> str:
    """The text as HTML for an element whose style keeps line ends. It starts no mathematics."""
    return _in_blocks(text, text_html)


def wild_html(text: str) -> str:
    """The same for a part of a text that may be too long to be laid out as a whole: the page lays out what is seen."""
    blocks = "".join(f'<div style="{_block_style(block)}">{escape(block)}</div>' for block in _blocks(text))
    return f'<pre style="{_PREFORMATTED_STYLE}">{blocks}</pre>'


def _in_blocks(text: str, html: Callable[[str], str]) -> str:
    if count_beyond_latin1(text) <= _MOST_FOREIGN and text.count("\n") <= _MOST_LINES:
        return html(text)
    return "".join(f'<div style="{_block_style(block)}">{html(block)}</div>' for block in _blocks(text))


def _block_style(block: str) -> str:
    sides = [_DIRECTIONS[each] for each in map(unicodedata.bidirectional, block) if each in _DIRECTIONS]
    turns = sum(map(ne, sides, sides[1:]))
    return f"{_BLOCK_STYLE};{_LETTER_ORDER_STYLE}" if turns * _LETTERS_PER_TURN > len(block) else _BLOCK_STYLE


def _blocks(text: str) -> Iterator[str]:
    """The text in blocks, cut after a line end where there is one."""
    start = 0
    while start < len(text):
        end = min(start + _BLOCK_LENGTH, len(text))
        line_end = text.rfind("\n", start, end) + 1 if end < len(text) else 0
        yield text[start : line_end or end]
        start = line_end or end


def _script_changes(text: str) -> int:
    """Roughly how often a text changes from one script to another, by blocks of 128 code points."""
    if text.isascii():
        return 0
    scripts = [_SCRIPT_OF_BLOCK.get(block, block) for block in (ord(letter) >> 7 for letter in _NEUTRAL.sub("", text))]
    return sum(map(ne, scripts, scripts[1:]))


def text_html(text: str) -> str:
    """The text escaped for HTML, and unable to start mathematics."""
    return _OPENS_MATH.sub(r"<span>\g<0></span>", escape(text))


def link_html(url: str, words: str) -> str:
    """A link of our own to an address of the web, which opens in a page of its own."""
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">{text_html(words)}</a>'


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's own name
        """Whether the cleaned HTML keeps the link. If it does not, the parser leaves the link's Markdown as text."""
        return url.partition(":")[0].lower() in _SCHEMES and "href=" in _clean(f'<a href="{escape(url)}">')


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.use(mathematics_plugin).use(lossless_plugin).use(chat_plugin).use(fold_plugin)
    parser.add_render_rule("text", _text)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("footnote_ref", _footnote_ref)
    parser.add_render_rule("fence", _code)
    parser.add_render_rule("code_block", _code)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    parser.core.ruler.push("directions", _directions)
    return parser


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes=_SCHEMES,
        url_relative="deny",
        filter_style_properties={"text-align"},
        # What is scrolled sideways can be reached by the keyboard.
        set_tag_attribute_values={"a": {"target": "_blank"}, "pre": {"tabindex": "0"}},
        link_rel="noopener noreferrer nofollow",
    )


def _text(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return text_html(tokens[index].content)


def _image(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    source, title = (escape(str(tokens[index].attrGet(name) or "")) for name in ("src", "title"))
    words = text_html(tokens[index].content) if tokens[index].content.strip() else source
    return f'<a href="{source}" title="{title}">{words}</a>'


def _footnote_ref(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return f"<sup>[{text_html(tokens[index].content)}]</sup>"


def _code(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    words, code = tokens[index].info.split(), tokens[index].content
    return code_block_html(code, words[0] if len(words) == 1 and code.strip() else "")  # others are shown above it


def _table_open(renderer: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Env) -> str:
    return f'<div class="fal-table" tabindex="0">{renderer.renderToken(tokens, index, options, env)}'  # type: ignore[attr-defined]


def _table_close(*_: Any) -> str:
    return "</table></div>\n"


def _directions(state: StateCore) -> None:
    """Let each block that stands in no other, or in a fold, begin at the side where its language begins.

    The browser finds this side by the block's first letter. It would pass over words in an inner block that has the
    same attribute, so inner blocks have none.
    """
    folds = 0
    for token in state.tokens:
        if token.tag == "details":
            folds += token.nesting
        elif token.level == folds and token.nesting == 1 and token.tag in _DIRECTED:
            token.attrSet("dir", "auto")
