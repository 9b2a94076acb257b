"""The blocks of an answer that grows as one HTML text, for outputs that are replaced as a whole.

What goes on with a list, a table, code or words is put into the element that it goes on with, so that the answer looks
as it will in the end. In a page with a script of ours, growing_words.js does the same with elements.
"""

import re
from collections.abc import Iterable

from ..render.answer_style import styled_html, with_fallbacks
from ..render.bundles import LONGEST_TEXT, Bundle
from ..render.growth import Block
from ..render.mathematics import formulas_within
from ..safety.plain_text import plain_text
from .growing_words import GrowingWords

# How such an element begins and ends. The beginning of a list has the number of its first item.
_KINDS = (
    (re.compile(r'<div class="fal-code"[^>]*>.*?<pre[^>]*><code[^>]*>', re.DOTALL), "</code></pre></div>"),
    (re.compile(r'<div class="fal-table"[^>]*>.*?<tbody>\n?', re.DOTALL), "</tbody>\n</table></div>"),
    (re.compile(r'<ol(?: dir="auto")?(?: start="(\d+)")?(?: dir="auto")?>\n?'), "</ol>"),
    (re.compile(r"<ul[^>]*>\n?"), "</ul>"),
    (re.compile(r"<p[^>]*>"), "</p>"),
    (re.compile(r"<pre[^>]*>"), "</pre>"),
)


def words_bundle(words: GrowingWords, text: str) -> Bundle:
    """The words of an answer that grows. Its formulas are shown as TeX, since a page would typeset all of them anew.

    Args:
        words: what has been taken of them.
        text: the same as it came.
    """
    html, _ = formulas_within(joined_html([*words.blocks, words.tail]), 0)
    return {"text/plain": plain_text(text[:LONGEST_TEXT]), "text/html": styled_html(with_fallbacks(html))}


def joined_html(blocks: Iterable[Block]) -> str:
    """The HTML of blocks that stand behind each other, the tail among them."""
    pieces: list[str] = []
    for block in blocks:
        if not block.html or (block.continues and "<thead>" in block.html and "<tbody>" not in block.html):
            continue  # the second is the end of a table all rows of which have been given
        html = _inner(pieces[-1], block.html) if block.continues and pieces else None
        if html is None:
            pieces.append(block.html)
            continue
        end = next(end for _, end in _KINDS if pieces[-1].rstrip("\n").endswith(end))
        pieces[-1] = pieces[-1].rstrip("\n").removesuffix(end)
        pieces.append(html)
    return "".join(pieces)


def _inner(before: str, html: str) -> str | None:
    """What is to be put into the element at the end of the HTML before it; None if that is of another kind."""
    for start, end in _KINDS:
        match = start.match(html)
        if match and before.rstrip("\n").endswith(end):
            rest = html[match.end() :]
            if end == "</ol>":
                rest = rest.replace("<li>", f'<li value="{match[1] or 1}">', 1)
            return rest
    return None
