"""The parts of an answer as MIME bundles, which Jupyter displays and saves.

A MIME bundle maps MIME types to data. Ours always has ``text/plain``, for terminals, diffs and viewers without HTML.
Formatted words are also there as ``text/markdown``, which no page takes in place of HTML: see `portable_markdown`.
Every bundle is static: it still shows the same after save and reopen, in nbconvert and in other viewers. A single
PNG or JPEG picture is a bundle of its own MIME type, because every viewer shows that; everything else is HTML.
"""

from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from urllib.parse import urlsplit

from markdown_it.token import Token

from ..safety.plain_text import one_line, plain_text
from .answer_style import SMALL, styled_html, styled_once, unstyled, with_fallbacks
from .markdown import link_html, markdown_html, preformatted_html, text_html
from .mathematics import limit_formulas
from .portable_markdown import LONGEST as LONGEST_MARKDOWN
from .portable_markdown import portable_markdown, portable_plain
from .text_tables import terminal_width, text_table

Bundle = dict[str, Any]

_MARKDOWN = "text/markdown"
NATIVE_PICTURES = ("image/png", "image/jpeg")
"""The types of pictures that every viewer shows as an output of its own."""
JSON_TYPE = "application/json"
PICTURE_STYLE = "max-width:100%;max-height:36em"
"""The size of a picture where the stylesheet was removed."""
_LONGEST_TITLE = 200
_LONGEST_HOST = 80
LONGEST_TEXT = 1_000_000
"""The most characters of one answer that are shown. A page with more freezes."""
CUT_NOTE = "\n\n… cut here: the whole text is in the result"
"""The note at the place where an answer that still streams is cut."""


def text_bundle(text: str, style: str = "markdown") -> Bundle:
    """An answer's text: rendered if ``style`` is ``markdown``, else unchanged."""
    shown = _shown_text(text)
    if style != "markdown":
        return {"text/plain": shown, "text/html": styled_html(preformatted_html(shown))}
    read: list[Token] = []
    bundle = {"text/plain": shown, "text/html": styled_html(_words_html(shown, read.extend))}
    portable = portable_markdown(shown, read)
    return bundle if portable is None else {**bundle, _MARKDOWN: portable}


def reasoning_bundle(text: str, seconds: float | None = None, style: str = "markdown") -> Bundle:
    """The model's reasoning, collapsed until a reader opens it, below a line that says how long it took."""
    shown, line = _shown_text(text), thought_words(seconds)
    inner = _words_html(shown) if style == "markdown" else preformatted_html(shown)
    html = f'<details class="fal-fold"><summary>{text_html(line)}</summary>{inner}</details>'
    return {"text/plain": f"[{line}] {shown}", "text/html": styled_html(html)}


def thought_words(seconds: float | None) -> str:
    """What is said of reasoning that has ended: ``thought for 12 s``."""
    if seconds is None:
        return "reasoning"
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return "thought for " + (f"{minutes} min {rest} s" if minutes else f"{rest} s")


def sources_bundle(sources: Iterable[tuple[str, str]]) -> Bundle:
    """The web pages that an answer cites, as a list of links.

    Each link has its host behind the title, because the cited page chose the title itself.

    Args:
        sources: the http(s) URL and the title of each.
    """
    words, items = [], []
    for number, (url, title) in enumerate(sources, start=1):
        host = one_line(urlsplit(url).hostname or "", _LONGEST_HOST)
        name = one_line(title, _LONGEST_TITLE)
        words.append(f"[{number}] {name} {plain_text(url)}" if name else f"[{number}] {plain_text(url)}")
        behind = f" · {text_html(host)}" if name else ""
        items.append(f"<li>{link_html(url, name or host)}{behind}</li>")
    html = f"<div {SMALL}>Sources<ol>{''.join(items)}</ol></div>"
    return {"text/plain": "\n".join(["Sources:", *words]), "text/html": styled_html(html)}


def small_bundle(line: str) -> Bundle:
    """A line in small type, as it stands below an answer."""
    shown = one_line(line)
    return {"text/plain": shown, "text/html": styled_html(f"<div {SMALL}>{text_html(shown)}</div>")}


def heading_bundle(title: str, name: str) -> Bundle:
    """A line in bold with a name in the type of code behind it."""
    shown, behind = one_line(title), one_line(name)
    html = f"<p><strong>{text_html(shown)}</strong> <code>{text_html(behind)}</code></p>"
    return {"text/plain": f"{shown} ({behind})", "text/html": styled_html(html)}


def table_bundle(names: Iterable[str], rows: Iterable[Iterable[str]]) -> Bundle:
    """A table with column names and rows."""
    lines = [list(names), *map(list, rows)]
    words = text_table(lines[0], lines[1:], terminal_width())
    head, *body = (
        "<tr>" + "".join(f"<td>{text_html(plain_text(each))}</td>" for each in line) + "</tr>" for line in lines
    )
    html = f"<table><thead>{head.replace('td>', 'th>')}</thead><tbody>{''.join(body)}</tbody></table>"
    html = with_fallbacks(f'<div class="fal-table" tabindex="0">{html}</div>')
    return {"text/plain": plain_text(words), "text/html": styled_html(html)}


def merged(bundles: Iterable[Bundle]) -> list[Bundle]:
    """The bundles, with neighbouring HTML bundles joined to one.

    Each HTML bundle is left with no more formulas than a page can typeset without freezing.
    """
    result: list[Bundle] = []
    for bundle in bundles:
        if not _is_html(bundle):
            result.append(bundle)
            continue
        bare = {**bundle, "text/html": unstyled(bundle["text/html"])}
        if result and _is_html(result[-1]):
            result[-1] = _joined(result[-1], bare)
        else:
            result.append(bare)
    return [_whole(bundle) if "text/html" in bundle else bundle for bundle in result]


def as_html(bundle: Bundle) -> Bundle:
    """The bundle as HTML alone: a PNG or JPEG becomes an ``<img>``, so that it can be joined with text."""
    for content_type in NATIVE_PICTURES:
        if content_type in bundle:
            source = f"data:{content_type};base64,{bundle[content_type]}"
            html = f'<img src="{source}" alt="{escape(bundle["text/plain"])}" style="{PICTURE_STYLE}">'
            return {"text/plain": bundle["text/plain"], "text/html": html}
    return {name: data for name, data in bundle.items() if name != JSON_TYPE}


def _is_html(bundle: Bundle) -> bool:
    """Whether a page shows the bundle as HTML, so that it can be joined with others."""
    return "text/html" in bundle and JSON_TYPE not in bundle


def _joined(first: Bundle, second: Bundle) -> Bundle:
    """Two HTML bundles as one. Markdown is joined with what the other one has in plain text."""
    both = {name: f"{first[name]}\n{second[name]}" for name in ("text/plain", "text/html")}
    if _MARKDOWN not in first and _MARKDOWN not in second:
        return both
    pieces = [each.get(_MARKDOWN) or portable_plain(each["text/plain"]) for each in (first, second)]
    if None in pieces or sum(map(len, filter(None, pieces))) > 2 * LONGEST_MARKDOWN:
        return both
    return {**both, _MARKDOWN: "\n\n".join(filter(None, pieces))}


def _whole(bundle: Bundle) -> Bundle:
    return {**bundle, "text/html": styled_once(limit_formulas(bundle["text/html"]))}


def _words_html(text: str, change: Callable[[list[Token]], None] | None = None) -> str:
    return with_fallbacks(markdown_html(text, change))


def _shown_text(text: str) -> str:
    """The text made harmless and cut to what a page can hold, with a note of its length if it was cut."""
    if len(text) <= LONGEST_TEXT:
        return plain_text(text)
    return f"{plain_text(text[:LONGEST_TEXT])}\n\n… cut here: {len(text):,} characters in all"
