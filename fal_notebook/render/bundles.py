"""The parts of an answer as MIME bundles, which Jupyter displays and saves.

A MIME bundle maps MIME types to data. Ours always has ``text/plain``, for terminals, diffs and viewers without HTML.
Every bundle is static: it still shows the same after save and reopen, in nbconvert and in other viewers. A single
PNG or JPEG picture is a bundle of its own MIME type, because every viewer shows that; everything else is HTML.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from ..media.media import Media, drawable
from ..safety.plain_text import one_line, plain_text
from .answer_style import SMALL, styled_html, styled_once, unstyled, with_fallbacks
from .markdown import markdown_html, preformatted_html, text_html
from .mathematics import limit_formulas

Bundle = dict[str, Any]

_NATIVE_PICTURES = ("image/png", "image/jpeg")
_LONGEST_JSON_STRING = 2_000
_LONGEST_TITLE = 200
_LONGEST_HOST = 80
LONGEST_TEXT = 1_000_000
"""The most characters of one answer that are shown. A page with more freezes."""
CUT_NOTE = "\n\n… cut here: the whole text is in the result"
"""The note at the place where an answer that still streams is cut."""
_JSON_ENCODER = json.JSONEncoder(ensure_ascii=False)
_CUT_JSON_NOTE = "\n\n… cut here: the whole value is in the result's data"
_SMALL_STYLE = "color:var(--jp-ui-font-color2,#717171);font-size:85%;margin:.35em 0 0"
_BOX_STYLE = "overflow-wrap:anywhere"
# Up to four pictures in a row. Each has a checkbox, so that a click enlarges it to a row of its own without a script.
# In a viewer that removes the style, the pictures stand one below the other.
_GALLERY_STYLE = """
.fal-pictures {
  display: grid; grid-auto-flow: dense; gap: .6em; margin: .35em 0;
  grid-template-columns: repeat(auto-fill, minmax(max(min(9em, 100%), (100% - 1.8em) / var(--fal-columns)), 1fr));
}
.fal-pictures figure { margin: 0; min-width: 0 }
.fal-pictures label { display: block; position: relative; overflow: auto; cursor: zoom-in }
.fal-pictures img { display: block; max-width: 100%; height: auto; margin: 0 }
.fal-pictures input { position: absolute; opacity: 0; margin: 0 }
.fal-pictures figure:has(:checked) { grid-column: 1 / -1 }
.fal-pictures figure:has(:checked) label { cursor: zoom-out }
.fal-pictures figure:has(:checked) img { max-width: none !important }
.fal-pictures label:has(:focus-visible) { outline: 2px solid var(--jp-brand-color1, #1976d2) }
"""


def text_bundle(text: str, style: str = "markdown") -> Bundle:
    """An answer's text: rendered if ``style`` is ``markdown``, else unchanged."""
    shown = _shown_text(text)
    html = _words_html(shown) if style == "markdown" else preformatted_html(shown)
    return {"text/plain": shown, "text/html": styled_html(html)}


def json_bundle(value: Any) -> Bundle:
    """A JSON value, indented. Very long strings in it are cut, with a note of their length."""
    try:
        words = _beginning(_json_pieces(value, "\n"))
    except RecursionError:
        words = json.dumps(value, ensure_ascii=False)
    shown = plain_text(words) if len(words) <= LONGEST_TEXT else plain_text(words[:LONGEST_TEXT]) + _CUT_JSON_NOTE
    return {"text/plain": shown, "text/html": styled_html(preformatted_html(shown))}


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


def folded_json_bundle(line: str, value: Any) -> Bundle:
    """A JSON value, collapsed below a line that says what it is."""
    shown, inner = one_line(line), json_bundle(value)
    summary = f"<summary>{text_html(shown)}</summary>"
    html = f'<details class="fal-fold">{summary}{unstyled(inner["text/html"])}</details>'
    return {"text/plain": f"[{shown}] {inner['text/plain']}", "text/html": styled_html(html)}


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
    html = f"<div {SMALL}>Sources<ol>{''.join(items)}</ol></div>"
    return {"text/plain": "\n".join(["Sources:", *words]), "text/html": styled_html(html)}


def small_bundle(line: str) -> Bundle:
    """A line in small type, as it stands below an answer."""
    shown = one_line(line)
    return {"text/plain": shown, "text/html": styled_html(f"<div {SMALL}>{text_html(shown)}</div>")}


def table_bundle(names: Iterable[str], rows: Iterable[Iterable[str]]) -> Bundle:
    """A table with column names and rows."""
    lines = [list(names), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    words = "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    head, *body = (
        "<tr>" + "".join(f"<td>{text_html(plain_text(each))}</td>" for each in line) + "</tr>" for line in lines
    )
    html = f"<table><thead>{head.replace('td>', 'th>')}</thead><tbody>{''.join(body)}</tbody></table>"
    html = with_fallbacks(f'<div class="fal-table">{html}</div>')
    return {"text/plain": plain_text(words), "text/html": styled_html(html)}


def media_bundle(media: Media, *, autoplay: bool = False) -> Bundle:
    """A picture or a player; for a file that cannot be shown, a line that describes it."""
    words = media_words(media)
    if media.kind == "image" and not all(drawable([media])):
        return small_bundle(words)
    if media.data is not None and media.content_type in _NATIVE_PICTURES:
        return {"text/plain": words, media.content_type: b64encode(media.data).decode("ascii")}
    html = _file_html(media, autoplay=autoplay)
    return {"text/plain": words, "text/html": html or small_bundle(words)["text/html"]}


def pictures_bundles(pictures: Sequence[tuple[Media, str]]) -> list[Bundle]:
    """The pictures of an answer, each with its size and a note as its caption.

    A single picture is a bundle of its own MIME type, with the caption in a second bundle. Several pictures stand side
    by side in one bundle.
    """
    if len(pictures) > 1:
        return [_gallery(pictures)]
    captions = (_caption(media, note) for media, note in pictures)
    return [*(media_bundle(media) for media, _ in pictures), *(small_bundle(each) for each in captions if each)]


def undrawn_bundle(media: Media, place: str, note: str = "") -> Bundle:
    """A line in place of a picture that would cost a page too much to draw: what it is, and how to open it.

    Args:
        media: the picture.
        place: the picture as an expression on the result, such as ``media[0]``.
        note: a note on the picture.
    """
    kept = f"not drawn here; .{place}.save('picture{media.extension}') keeps it"
    words = one_line(" · ".join(filter(None, [media_words(media), note, kept])))
    html = text_html(words)
    if (media.url or "").startswith(("http://", "https://")):
        address = escape(media.url or "")
        html = f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow">open it</a> · {html}'
    return {"text/plain": words, "text/html": f'<div style="{_SMALL_STYLE};{_BOX_STYLE}">{html}</div>'}


def picture_html(media: Media) -> str:
    """A picture as an ``<img>``, with its bytes in it if they are known. A script in an SVG does not run there."""
    if media.data is None and media.address is None:  # a page would fetch it from within the user's own network
        return text_html(media_words(media))
    source = media.address if media.data is None else media.data_uri()
    return f'<img src="{escape(source or "")}" alt="{escape(media_words(media))}" style="max-width:100%">'


def media_words(media: Media) -> str:
    """A description of a file in words, such as ``audio/wav, 84,044 bytes``."""
    parts = [media.content_type]
    if media.width and media.height:
        parts.append(f"{media.width} × {media.height}")
    if media.data is not None:
        parts.append(f"{len(media.data):,} bytes")
    if media.url:
        parts.append(media.url)
    return one_line(", ".join(parts))


def merged(bundles: Iterable[Bundle]) -> list[Bundle]:
    """The bundles, with neighbouring HTML bundles joined to one.

    Each HTML bundle is left with no more formulas than a page can typeset without freezing.
    """
    result: list[Bundle] = []
    for bundle in bundles:
        if "text/html" not in bundle:
            result.append(bundle)
            continue
        bare = {"text/plain": bundle["text/plain"], "text/html": unstyled(bundle["text/html"])}
        if result and "text/html" in result[-1]:
            result[-1] = {name: f"{result[-1][name]}\n{bare[name]}" for name in bare}
        else:
            result.append(bare)
    return [_whole(bundle) if "text/html" in bundle else bundle for bundle in result]


def as_html(bundle: Bundle) -> Bundle:
    """The bundle as HTML: a PNG or JPEG becomes an ``<img>``, so that it can be joined with text."""
    for content_type in _NATIVE_PICTURES:
        if content_type in bundle:
            source = f"data:{content_type};base64,{bundle[content_type]}"
            html = f'<img src="{source}" alt="{escape(bundle["text/plain"])}" style="max-width:100%">'
            return {"text/plain": bundle["text/plain"], "text/html": html}
    return bundle


def _whole(bundle: Bundle) -> Bundle:
    return {**bundle, "text/html": styled_once(limit_formulas(bundle["text/html"]))}


def _words_html(text: str) -> str:
    return with_fallbacks(markdown_html(text))


def _gallery(pictures: Sequence[tuple[Media, str]]) -> Bundle:
    """Several pictures side by side. A click or the space bar shows one in its full size, and back again."""
    words = "\n".join(", ".join(filter(None, [media_words(media), one_line(note)])) for media, note in pictures)
    figures = []
    for number, (media, note) in enumerate(pictures, start=1):
        check = f'<input type="checkbox" aria-label="Picture {number} of {len(pictures)} in its own size">'
        caption = f'<figcaption style="{_SMALL_STYLE}">{text_html(_caption(media, note))}</figcaption>'
        figures.append(f"<figure><label>{check}{picture_html(media)}</label>{caption}</figure>")
    columns = f'class="fal-pictures" style="--fal-columns:{min(len(pictures), 4)}"'
    return {
        "text/plain": words,
        "text/html": f"<style>{_GALLERY_STYLE}</style>\n<div {columns}>\n" + "\n".join(figures) + "\n</div>",
    }


def _caption(media: Media, note: str) -> str:
    size = media.pixels
    return one_line(" · ".join(filter(None, ["{}×{}".format(*size) if size else "", note])))


def _file_html(media: Media, *, autoplay: bool) -> str | None:
    """A file as HTML, or None. IPython's own players are not used: in IPython 7 they do not escape an address."""
    if media.data is None and media.address is None:
        return None
    if media.kind == "audio":
        return _player_html(media, "audio", f"controls{' autoplay' if autoplay else ''}")
    if media.kind == "video":
        return _player_html(media, "video", 'controls playsinline style="max-width:100%"')
    return picture_html(media) if media.kind == "image" else None


def _player_html(media: Media, tag: str, attributes: str) -> str:
    """A player. A video from a URL gets no MIME type, since a browser refuses one with a type that it does not know."""
    if media.data is None and tag == "video":
        return f'<video src="{escape(media.url or "")}" {attributes}></video>'
    source = escape((media.url or "") if media.data is None else media.data_uri())
    return f'<{tag} {attributes}><source src="{source}" type="{escape(media.content_type)}"></{tag}>'


def _shown_text(text: str) -> str:
    """The text made harmless and cut to what a page can hold, with a note of its length if it was cut."""
    if len(text) <= LONGEST_TEXT:
        return plain_text(text)
    return f"{plain_text(text[:LONGEST_TEXT])}\n\n… cut here: {len(text):,} characters in all"


def _beginning(pieces: Iterable[str]) -> str:
    """The pieces joined, up to the first one that makes the text too long to be shown."""
    taken: list[str] = []
    length = 0
    for piece in pieces:
        taken.append(piece)
        length += len(piece)
        if length > LONGEST_TEXT:
            break
    return "".join(taken)


def _json_pieces(value: Any, line_end: str) -> Iterator[str]:
    """A JSON value as indented text, made lazily in pieces: indentation can make it a hundred times as long."""
    inner = f"{line_end}  "
    if isinstance(value, dict) and value:
        for number, (name, each) in enumerate(value.items()):
            yield f"{',' if number else '{'}{inner}{_json_words(name)}: "
            yield from _json_pieces(each, inner)
        yield f"{line_end}}}"
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield f"{',' if number else '['}{inner}"
            yield from _json_pieces(each, inner)
        yield f"{line_end}]"
    else:
        yield _json_words(value)


def _json_words(value: Any) -> str:
    if isinstance(value, str) and len(value) > _LONGEST_JSON_STRING:
        value = f"{value[:_LONGEST_JSON_STRING]}… ({len(value):,} characters)"
    return _JSON_ENCODER.encode(value)
