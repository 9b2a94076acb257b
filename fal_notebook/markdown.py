"""Floor 1: a model's Markdown as HTML that can do nothing but be read.

In a notebook that was run here, the front end executes what ``text/markdown`` and ``text/html`` hold: scripts,
event handlers, frames; and it fetches every picture. A model's words may come from anywhere, so they are parsed
with raw HTML off, cleaned against a list of what is allowed, and pictures become links. Only http, https and
mailto links live, and nothing is fetched until someone clicks.

Mathematics is left between delimiters for the front end's MathJax; formulas with commands that make links,
styles or identifiers are shown as code, and every other character that opens mathematics is kept from doing so.
"""

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin

from .quiet import quiet

_CELL = {"style"}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "td": _CELL, "th": _CELL}
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
    *("pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_SCHEMES = {"http", "https", "mailto"}
_ACTING_TEX = re.compile(
    r"\\(href|url|class|cssId|style|html(?:Class|Id|Style|Data)?|data|require|unicode|includegraphics|[gex]?def|let"
    r"|(?:new|renew|provide)(?:command|environment)|Declare[a-zA-Z]*|mmlToken|bbox|toggle|mathtip|texttip|label"
    r"|(?:eq)?ref|tag)(?![a-zA-Z])"
)
_OPENS_MATH = re.compile(r"[$\\]")
_LARGEST = 200_000
_MOST_BRACKETS = 1_000


@quiet()
def markdown_html(text: str) -> str:
    r"""The Markdown as clean HTML; as preformatted text where it is larger or wilder than a reader can want.

    Args:
        text: Markdown (CommonMark with tables, strikethrough, ``$…$``, ``$$…$$``, ``\(…\)`` and ``\[…\]``).
    """
    brackets = text.count("\\(") + text.count("\\[") + text.count("[")
    openings = text.count("$$") + text.count("\\begin{")
    if len(text) > _LARGEST or brackets > _MOST_BRACKETS or openings * text.count("\n") > 1_000_000:
        return preformatted_html(text)
    return nh3.clean(
        _parser().render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        url_relative="deny",
        filter_style_properties={"text-align"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
    )


def preformatted_html(text: str) -> str:
    """The text as it is, in lines that wrap."""
    style = "white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<pre style="{style}">{escape(text)}</pre>'


def text_html(text: str) -> str:
    """The text as a piece of HTML that starts no mathematics."""
    return _OPENS_MATH.sub(r"<span>\g<0></span>", escape(text))


@cache
def _parser() -> MarkdownIt:
    parser = (
        MarkdownIt("commonmark", {"html": False})
        .enable(["table", "strikethrough"])
        .use(dollarmath_plugin, allow_digits=False, allow_space=False, double_inline=True)
        .use(texmath_plugin, delimiters="brackets")
        .use(amsmath_plugin)
    )
    for token, rule in {
        "text": _text,
        "image": _image,
        "math_inline": _inline_math,
        "math_inline_double": _display_math,
        "math_block": _display_math,
        "math_block_label": _display_math,
        "math_block_eqno": _display_math,
        "amsmath": _display_math,
    }.items():
        parser.add_render_rule(token, rule)
    return parser


def _text(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return text_html(tokens[index].content)


def _image(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    source = str(tokens[index].attrGet("src") or "")
    return f'<a href="{escape(source)}">{text_html(tokens[index].content or source)}</a>'


def _inline_math(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return _math(tokens[index].content, "\\(", "\\)")


def _display_math(_: RendererProtocol, tokens: Sequence[Token], index: int, *__: Any) -> str:
    formula = _math(tokens[index].content.strip(), "\\[", "\\]")
    return f"<p>{formula}</p>"


def _math(content: str, opening: str, closing: str) -> str:
    if _ACTING_TEX.search(content) or closing in content:
        return f"<code>{escape(content)}</code>"
    return f"{opening}{escape(content)}{closing}"
