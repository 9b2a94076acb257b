"""A model's Markdown as HTML that can do nothing but be read.

In a notebook that was run here, the front end executes what ``text/markdown`` and ``text/html`` hold: scripts,
event handlers, frames; and it fetches every picture. A model's words may come from anywhere, so they are parsed
with raw HTML off, cleaned against a list of what is allowed, and pictures become links. Only http, https and
mailto links live, and nothing is fetched until someone clicks.

Formulas are left to the front end's MathJax; every other character that opens mathematics is kept from doing so.
No letter of the text is lost: see ``letters``.

A page shapes and orders a paragraph as one, and halts at a long one of many scripts or directions, or of many lines.
So a text that has one is shown preformatted, in blocks, of which a page lays out those that are seen. A print lays out
all of them: those that turn their direction at every few letters, as no language does, stand in their letters' order.
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
from markdown_it.token import Token

from ..safety.loggers import quiet
from ..safety.plain_text import foreign
from .kept_letters import letters_plugin
from .mathematics import few_formulas, mathematics_plugin

Env = MutableMapping[str, Any]
Weights = tuple[int, ...]

_CELL = {"style"}
_ATTRIBUTES = {"a": {"href", "title"}, "li": {"value"}, "ol": {"start"}, "td": _CELL, "th": _CELL}
_TAGS = {
    *(
        "a",
        "blockquote",
        "br",
        "code",
        "del",
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
    *("pre", "s", "span", "strong", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
# By blocks of 128: Latin and symbols are one, and so are Japanese syllables, Chinese characters, and Korean ones.
_SCRIPTS = (
    dict.fromkeys((*range(6), *range(0x3C, 0x3E), *range(0x40, 0x58)), 0)
    | dict.fromkeys((0x60, 0x61), 0x60)
    | dict.fromkeys(range(0x68, 0x140), 0x68)
    | dict.fromkeys(range(0x158, 0x1B0), 0x158)
)
_BETWEEN = re.compile(r"[^\w\x80-\U0010ffff]+")  # spaces and punctuation, which belong to any script
_SCHEMES = {"http", "https", "mailto"}
_OPENS_MATH = re.compile(r"[$\\]")
_LARGEST = 200_000
_MOST_BRACKETS = 1_000
_MARKS, _MOST_MARKS = "*_`|~$\\<>&!", 50_000  # a mark and a line cost far more than a letter: no interrupt gets in
_MOST_LINES = 10_000
# Elements by their ends. A print takes longest for items; JupyterLab's table of contents takes all headings at once, in
# a time that grows with their square.
_MOST_ELEMENTS = {"</": 10_000, "</li>": 5_000, "</h": 300}
_MOST_FOREIGN = 5_000  # characters beyond Latin-1 in a paragraph: the page's time can grow with their square
_MOST_TURNS = 20_000  # from one script to another, in a text
_BLOCK = 1_000  # characters
_BLOCK_STYLE = "content-visibility:auto;contain-intrinsic-block-size:auto 13em"
_IN_ORDER = "unicode-bidi:bidi-override"
_DIRECTIONS = {"L": 0, "EN": 0, "AN": 0, "R": 1, "AL": 1}  # by Unicode Standard Annex #9; other characters have none
_LETTERS_OF_A_TURN = 4  # where there are fewer, it is no language
_LINES = "white-space:pre-wrap;overflow-wrap:anywhere"


@quiet()
def markdown_html(text: str) -> str:
    r"""The Markdown as clean HTML; as preformatted text where it is larger or wilder than a parser can take.

    Args:
        text: Markdown (CommonMark with tables, strikethrough, ``$…$``, ``$$…$$``, ``\(…\)`` and ``\[…\]``).
    """
    return joined_html(text, lambda: [block_html(text)])


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
    return few_formulas(html)


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
        if any(foreign(token.content) > _MOST_FOREIGN for token in tokens):
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


def weights(text: str) -> Weights:
    """What makes a text too large or too wild: its characters, brackets, marks, lines and turns between scripts."""
    brackets, marks = text.count("[") - text.count("\\["), sum(map(text.count, _MARKS))
    return len(text), brackets, marks, text.count("\n"), _turns(text) if len(text) <= _LARGEST else 0


def is_wild(weights: Weights) -> bool:
    """Whether a text of these weights is larger or wilder than a parser, or a page, can take."""
    return any(map(gt, weights, (_LARGEST, _MOST_BRACKETS, _MOST_MARKS, _MOST_LINES, _MOST_TURNS)))


def elements(html: str) -> tuple[int, ...]:
    """How many elements the HTML has, of each kind that has a bound."""
    return tuple(map(html.count, _MOST_ELEMENTS))


def has_many_elements(counts: Iterable[int]) -> bool:
    """Whether a page that has so many would halt."""
    return any(map(gt, counts, _MOST_ELEMENTS.values()))


def preformatted_html(text: str) -> str:
    """The text as it is, in lines that wrap."""
    return f'<pre style="{_LINES}">{_in_blocks(text, escape)}</pre>'


def lines_html(text: str) -> str:
    """The text for an element whose style keeps its lines; it starts no mathematics."""
    return _in_blocks(text, text_html)


def wild_html(text: str) -> str:
    """The same for a part of a text that may be too long to be laid out as a whole: the page lays out what is seen."""
    blocks = "".join(f'<div style="{_style(block)}">{escape(block)}</div>' for block in _blocks(text))
    return f'<pre style="{_LINES}">{blocks}</pre>'


def _in_blocks(text: str, html: Callable[[str], str]) -> str:
    if foreign(text) <= _MOST_FOREIGN and text.count("\n") <= _MOST_LINES:
        return html(text)
    return "".join(f'<div style="{_style(block)}">{html(block)}</div>' for block in _blocks(text))


def _style(block: str) -> str:
    sides = [_DIRECTIONS[each] for each in map(unicodedata.bidirectional, block) if each in _DIRECTIONS]
    turns = sum(map(ne, sides, sides[1:]))
    return f"{_BLOCK_STYLE};{_IN_ORDER}" if turns * _LETTERS_OF_A_TURN > len(block) else _BLOCK_STYLE


def _blocks(text: str) -> Iterator[str]:
    """The text in pieces, cut behind line ends where there are some."""
    start = 0
    while start < len(text):
        end = min(start + _BLOCK, len(text))
        line_end = text.rfind("\n", start, end) + 1 if end < len(text) else 0
        yield text[start : line_end or end]
        start = line_end or end


def _turns(text: str) -> int:
    """How often a text turns from one script to another, roughly: by the blocks of Unicode."""
    if text.isascii():
        return 0
    scripts = [_SCRIPTS.get(block, block) for block in (ord(letter) >> 7 for letter in _BETWEEN.sub("", text))]
    return sum(map(ne, scripts, scripts[1:]))


def text_html(text: str) -> str:
    """The text as a piece of HTML that starts no mathematics."""
    return _OPENS_MATH.sub(r"<span>\g<0></span>", escape(text))


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's own name
        """Whether the link will live: one that would not stays the text that it is."""
        return url.partition(":")[0].lower() in _SCHEMES and "href=" in _clean(f'<a href="{escape(url)}">')


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.use(mathematics_plugin).use(letters_plugin)
    parser.add_render_rule("text", _text)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("footnote_ref", _footnote_ref)
    return parser


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        url_relative="deny",
        filter_style_properties={"text-align"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
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
