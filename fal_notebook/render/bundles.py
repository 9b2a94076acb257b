"""The parts of an answer as MIME bundles, which Jupyter displays and saves.

A MIME bundle maps MIME types to data. Ours always has ``text/plain``, for terminals, diffs and viewers without HTML.
Every bundle is static: it still shows the same after save and reopen, in nbconvert and in other viewers. A single
PNG or JPEG picture is a bundle of its own MIME type, because every viewer shows that; everything else is HTML.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..safety.plain_text import one_line, plain_text
from .markdown import markdown_html, preformatted_html, text_html
from .mathematics import limit_formulas

Bundle = dict[str, Any]

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
_SMALL_STYLE = "color:var(--jp-ui-font-color2,#717171);font-size:85%;margin:.35em 0 0"
_BOX_STYLE = "overflow-wrap:anywhere"


def text_bundle(text: str, style: str = "markdown") -> Bundle:
    """An answer's text: rendered if ``style`` is ``markdown``, else unchanged."""
    shown = _shown_text(text)
    html = markdown_html(shown) if style == "markdown" else preformatted_html(shown)
    return {"text/plain": shown, "text/html": f'<div style="{_BOX_STYLE}">{html}</div>'}


def reasoning_bundle(text: str) -> Bundle:
    """The model's reasoning, collapsed until a reader opens it."""
    shown = _shown_text(text)
    html = f"<details><summary>Reasoning</summary>{markdown_html(shown)}</details>"
    return {"text/plain": f"[reasoning] {shown}", "text/html": f'<div style="{_BOX_STYLE}">{html}</div>'}


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
        link = f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">'
        items.append(f"<li>{link}{text_html(name or host)}</a>{behind}</li>")
    html = f'<div style="{_SMALL_STYLE};{_BOX_STYLE}">Sources<ol>{"".join(items)}</ol></div>'
    return {"text/plain": "\n".join(["Sources:", *words]), "text/html": html}


def small_bundle(line: str) -> Bundle:
    """A line in small type, as it stands below an answer."""
    shown = one_line(line)
    return {"text/plain": shown, "text/html": f'<div style="{_SMALL_STYLE}">{text_html(shown)}</div>'}


def table_bundle(names: Iterable[str], rows: Iterable[Iterable[str]]) -> Bundle:
    """A table with column names and rows."""
    lines = [list(names), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    words = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    head, *body = (
        "<tr>" + "".join(f"<td>{text_html(plain_text(each))}</td>" for each in line) + "</tr>" for line in lines
    )
    html = f"<table><thead>{head.replace('td>', 'th>')}</thead><tbody>{''.join(body)}</tbody></table>"
    return {"text/plain": plain_text(words), "text/html": html}


@cache
def answer_style() -> str:
    """The stylesheet for elements of the class ``fal-answer``, for pages that do not style an answer themselves."""
    return Path(__file__).with_name("answer.css").read_text(encoding="utf-8")


def styled_html(html: str) -> str:
    """An answer's HTML together with its stylesheet. Its small lines get a grey mixed from the page's text colour."""
    grey = "--jp-ui-font-color2:color-mix(in srgb,currentcolor 72%,transparent)"
    return f'<style>{answer_style()}</style><div class="fal-answer" style="{grey}">{html}</div>'


def merged(bundles: Iterable[Bundle]) -> list[Bundle]:
    """The bundles, with neighbouring HTML bundles joined to one.

    Each HTML bundle is left with no more formulas than a page can typeset without freezing.
    """
    result: list[Bundle] = []
    for bundle in bundles:
        if result and _is_html(bundle) and _is_html(result[-1]):
            result[-1] = {
                "text/plain": _joined(result[-1], bundle, "text/plain"),
                "text/html": _joined(result[-1], bundle, "text/html"),
            }
        else:
            result.append(bundle)
    return [
        {**bundle, "text/html": limit_formulas(bundle["text/html"])} if "text/html" in bundle else bundle
        for bundle in result
    ]


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


def _joined(first: Mapping[str, str], second: Mapping[str, str], name: str) -> str:
    return f"{first[name]}\n{second[name]}"


def _shown_text(text: str) -> str:
    """The text made harmless and cut to what a page can hold, with a note of its length if it was cut."""
    if len(text) <= LONGEST_TEXT:
        return plain_text(text)
    return f"{plain_text(text[:LONGEST_TEXT])}\n\n… cut here: {len(text):,} characters in all"
