"""The files of an answer as cards: pictures that a click enlarges, players, and links to everything else.

A card says what the answer calls the file, and its size. No card needs a script: a picture is enlarged by a checkbox,
which the keyboard reaches too. A file that a page cannot show is a link; its bytes are in the link if they are few.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ..media.media import Media, drawable
from ..safety.file_names import file_name
from ..safety.plain_text import one_line
from .answer_style import styled_html
from .bundles import NATIVE_PICTURES, PICTURE_STYLE, Bundle, small_bundle
from .file_words import file_label, file_title, media_words, size_words
from .markdown import text_html

LARGEST_SHOWN = 64_000_000
"""The most bytes of a file that go into a notebook. A page takes seconds to open one that is larger."""
_LARGEST_LINK = 4_000_000  # bytes of a file that a link holds: the notebook gets them only for that
_MOST_LINKED = 16_000_000  # bytes of all such files of an answer
_MOST_READY = 6  # players that load the beginning of their sound at once
_TALL = 3  # how many times as high as wide a picture is that is scrolled within its frame
_CAPTION_STYLE = "font-size:85%"  # where the stylesheet was removed


@dataclass(frozen=True)
class Card:
    """A file, and what its card says.

    Attributes:
        media: the file.
        place: the file as an expression on the result, such as ``media[0]``.
        note: what the endpoint says of it, such as its seed.
    """

    media: Media
    place: str
    note: str = ""


def media_bundle(media: Media, *, autoplay: bool = False) -> Bundle:
    """A picture or a player without a card; for a file that cannot be shown, a line that describes it."""
    words = media_words(media)
    is_drawn = media.kind != "image" or all(drawable([media]))
    if is_drawn and media.data is not None and media.content_type in NATIVE_PICTURES:
        return {"text/plain": words, media.content_type: b64encode(media.data).decode("ascii")}
    html = _shown_html(media, autoplay=autoplay) if is_drawn else None
    return {"text/plain": words, "text/html": html or small_bundle(words)["text/html"]}


def files_bundles(cards: Sequence[Card], *, native: bool = False, autoplay: bool = False) -> list[Bundle]:
    """The files of an answer: the pictures, then all others in their order.

    Args:
        cards: the files.
        native: whether a single PNG or JPEG is an output of its own type, with its caption in the next one. Viewers
            without HTML show only that.
        autoplay: whether the first recording plays by itself.
    """
    pictures = [card for card in cards if card.media.kind == "image" and _is_loaded(card.media)]
    flags = drawable([card.media for card in pictures])
    drawn = [card for card, is_drawn in zip(pictures, flags, strict=True) if is_drawn]
    others = [card for card in cards if card not in drawn]
    parts: list[Bundle] = []
    words: list[str] = []
    html: list[str] = []
    if native and len(drawn) == 1 and _is_native(drawn[0].media):
        parts.append(media_bundle(drawn[0].media))
        caption = _native_caption(drawn[0])
        html += [caption] if caption else []
    elif drawn:
        html.append(_pictures_html(drawn))
        words += [_words(card) for card in drawn]
    html += _others_html(others, autoplay=autoplay)
    words += [_words(card) for card in others]
    if html:
        whole = styled_html("\n".join(html))
        if parts and not words:
            words = [_plain_caption(drawn[0])]
        parts.append({"text/plain": "\n".join(words), "text/html": whole})
    return parts


def _is_native(media: Media) -> bool:
    return media.data is not None and media.content_type in NATIVE_PICTURES


def _words(card: Card) -> str:
    """A file in the words of a viewer without HTML."""
    name = file_label(card.media)
    said = f"{name}: {media_words(card.media)}" if name else media_words(card.media)
    kept = [] if _is_shown(card.media) else [_kept_words(card)]
    return one_line(", ".join(filter(None, [said, one_line(card.note), *kept])))


def _is_shown(media: Media) -> bool:
    """Whether a page shows the file, and not only a link."""
    return media.kind in ("audio", "video", "image") and _is_loaded(media)


def _is_loaded(media: Media) -> bool:
    """Whether a page may load it: from a public URL, or from bytes that are not too many."""
    return media.address is not None if media.data is None else len(media.data) <= LARGEST_SHOWN


def _plain_caption(card: Card) -> str:
    """What is said of a picture: its name, its width and height, its size and the note."""
    size = card.media.pixels
    wide = "{}×{}".format(*size) if size else ""
    return one_line(" · ".join(filter(None, [file_label(card.media), wide, _size_of(card.media), card.note])))


def _size_of(media: Media) -> str:
    return "" if media.size is None else size_words(media.size)


def _caption(card: Card) -> str:
    """The same as HTML, with the name in bold type."""
    name, words = text_html(one_line(file_label(card.media))), text_html(_plain_caption(card))
    return f"<b>{name}</b>{words.removeprefix(name)}" if name and words.startswith(name) else words


def _native_caption(card: Card) -> str:
    size, caption = card.media.pixels, _caption(card)
    if size is None:
        return f'<div class="fal-native" style="{_CAPTION_STYLE}">{caption}</div>' if caption else ""
    check = _checkbox(file_label(card.media) or "The picture above")
    sizes = f"--fal-wide:{size[0]};--fal-high:{size[1]}"
    return f'<div class="fal-native" style="{_CAPTION_STYLE};{sizes}"><label>{check}</label>{caption}</div>'


def _checkbox(name: str) -> str:
    """What a click checks, to enlarge a picture. It is not seen; without the stylesheet it is not there."""
    return f'<input type="checkbox" style="display:none" aria-label="{escape(one_line(name))} in its own size">'


def _pictures_html(cards: Sequence[Card]) -> str:
    """One picture, or several side by side. A click or the space bar shows one in its own size, and back again."""
    figures = []
    for number, card in enumerate(cards, start=1):
        name = file_label(card.media) or ("Picture" if len(cards) == 1 else f"Picture {number} of {len(cards)}")
        caption = _caption(card)
        said = f'<figcaption style="{_CAPTION_STYLE}">{caption}</figcaption>' if caption else ""
        size = card.media.pixels
        tall = " fal-tall" if len(cards) == 1 and size and size[1] > _TALL * size[0] else ""
        picture = f"<label>{_checkbox(name)}{picture_html(card.media)}</label>"
        figures.append(f'<figure class="fal-card{tall}">{picture}{said}</figure>')
    if len(figures) == 1:
        return figures[0]
    columns = min(len(figures), 4 if len(figures) <= 12 else 6 if len(figures) <= 24 else 8)
    return f'<div class="fal-pictures" style="--fal-columns:{columns}">\n' + "\n".join(figures) + "\n</div>"


def _others_html(cards: Sequence[Card], *, autoplay: bool) -> list[str]:
    """Players, and a row with a link for each file that cannot be shown."""
    rows = []
    sounds = sum(card.media.kind == "audio" for card in cards)
    is_first, linked = True, 0
    for card in cards:
        media = card.media
        if media.kind in ("audio", "video") and _is_loaded(media):
            plays = autoplay and is_first and media.kind == "audio"
            is_first = is_first and media.kind != "audio"
            rows.append(_player_card(card, _player_html(media, autoplay=plays, is_ready=sounds <= _MOST_READY)))
            continue
        has_link = media.data is not None and len(media.data) <= min(_LARGEST_LINK, _MOST_LINKED - linked)
        linked += media.size or 0 if has_link else 0
        rows.append(_link_card(card, has_link=has_link))
    return rows


def _player_card(card: Card, player: str) -> str:
    says = [f"<b>{text_html(one_line(file_label(card.media)))}</b>" if file_label(card.media) else ""]
    says += [text_html(each) for each in (_size_of(card.media), one_line(card.note)) if each]
    address = _web_address(card.media)
    says += [_link(address, "open")] if address else []
    inner = " ".join(f"<span>{each}</span>" for each in says if each)
    caption = f'<figcaption style="{_CAPTION_STYLE}">{inner}</figcaption>' if inner else ""
    if card.media.kind == "audio":
        return f'<figure class="fal-card fal-row fal-sound">{caption}{player}</figure>'
    return f'<figure class="fal-card">{player}{caption}</figure>'


def _link_card(card: Card, *, has_link: bool) -> str:
    media = card.media
    title = file_title(media)
    address = _web_address(media)
    facts = [text_html(each) for each in (_size_of(media), one_line(card.note)) if each]
    if media.kind == "image":
        facts.append("not drawn here")
    if address:
        name = _link(address, title)
    elif has_link:
        source = f"data:application/octet-stream;base64,{b64encode(media.data or b'').decode('ascii')}"
        name = f"<b>{text_html(title)}</b>"
        saved = escape(_saved_name(media))
        facts.append(f'<a href="{source}" download="{saved}">save</a>')
    else:
        name = f"<b>{text_html(title)}</b>"
    facts.append(text_html(_kept_words(card)))
    said = " ".join(f"<span>{each}</span>" for each in [name, *facts])
    return f'<figure class="fal-card fal-row"><figcaption style="{_CAPTION_STYLE}">{said}</figcaption></figure>'


def _saved_name(media: Media) -> str:
    return file_name(media.file_name or media.name, media.content_type)


def _kept_words(card: Card) -> str:
    return f"the result's {card.place}.save('{_saved_name(card.media)}') keeps it"


def _web_address(media: Media) -> str:
    """The URL, if it leads to the web and not into the user's own network."""
    url = media.address or ""
    return url if url.startswith(("http://", "https://")) else ""


def _link(address: str, words: str) -> str:
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">{text_html(words)}</a>'


def picture_html(media: Media) -> str:
    """A picture as an ``<img>``, with its bytes in it if they are known. A script in an SVG does not run there."""
    if media.data is None and media.address is None:  # a page would fetch it from within the user's own network
        return text_html(media_words(media))
    source = media.address if media.data is None else media.data_uri()
    return f'<img src="{escape(source or "")}" alt="{escape(media_words(media))}" style="{PICTURE_STYLE}">'


def _shown_html(media: Media, *, autoplay: bool) -> str | None:
    """A file as HTML, or None. IPython's own players are not used: in IPython 7 they do not escape an address."""
    if not _is_loaded(media):
        return None
    if media.kind in ("audio", "video"):
        return _player_html(media, autoplay=autoplay and media.kind == "audio")
    return picture_html(media) if media.kind == "image" else None


def _player_html(media: Media, *, autoplay: bool = False, is_ready: bool = True) -> str:
    """A player. Its source stands on the element itself: a notebook that is not trusted loses others.

    No type is given: a browser refuses one that it does not know.
    """
    source = escape((media.address or "") if media.data is None else media.data_uri())
    ready = "" if is_ready else ' preload="none"'
    name = f' aria-label="{escape(one_line(file_label(media)))}"' if file_label(media) else ""
    if media.kind == "video":
        return f'<video src="{source}" controls playsinline style="{PICTURE_STYLE}"{ready}{name}></video>'
    return f'<audio src="{source}" controls{" autoplay" if autoplay else ""}{ready}{name}></audio>'
