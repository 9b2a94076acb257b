"""Text of others made unable to act on the terminal or the page that shows it.

A model's words, a server's error message and a file name can carry terminal sequences, carriage returns that
hide what stood before, and bidirectional overrides that show text in another order than it has. Whatever leaves
the library as plain text goes through here first.

Marks without end upon one letter would halt the page, which shapes them as one: they get a base to stand on.
"""

import re
import unicodedata
from html import unescape
from typing import TextIO

_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
_C1 = dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")
# Unicode Standard Annex #9, 2: the explicit directional embeddings, overrides and isolates.
_BIDIRECTIONAL = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), None)
_TRANSLATION = _PICTURES | _C1 | _BIDIRECTIONAL

_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEWLINE = re.compile("\r\n?")
_MOST_MARKS = 20  # one behind the other, with joiners and other marks that have no width
_PERHAPS_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS + 1},}}")
_MARKS = {"Mn", "Me", "Mc", "Cf", "Sk"}  # Sk: the skin tones of emoji
_BASE = "\N{DOTTED CIRCLE}"

_PAGES = ("<!", "<?xml", "<html", "<head", "<title", "<body", "<center", "<div", "<h1", "<p>", "<pre")
_UNSEEN = ("script", "style")
_LONGEST_PAGE = 20_000  # characters of which the words are looked for
_NO_TEXT = re.compile("[\x00-\x08]")


def plain_text(text: str, before: str = "") -> str:
    r"""The text with line ends as ``\n`` and every control character but tab and newline made visible.

    Bidirectional controls are removed. Surrogates, which no encoding can carry, are joined where two make a
    character (a JSON stream may cut between them) and replaced where one stands alone. Of more than twenty combining
    marks in a row, each twenty have a dotted circle of their own to stand on.

    Args:
        text: what is to be shown.
        before: what is shown in front of it, as this function gave it.
    """
    if _ACTING.search(text):
        if _SURROGATE.search(text):
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text = _NEWLINE.sub("\n", text).translate(_TRANSLATION)
    if text.isascii():
        return text
    tail = before[-_MOST_MARKS:]
    return _PERHAPS_MARKS.sub(_with_bases, tail + text)[len(tail) :]


def _with_bases(symbols: re.Match[str]) -> str:
    shown: list[str] = []
    marks = 0
    for symbol in symbols[0]:
        is_mark = unicodedata.category(symbol) in _MARKS
        if marks == _MOST_MARKS and is_mark:
            shown.append(_BASE)
            marks = 0
        shown.append(symbol)
        marks = marks + 1 if is_mark else 0
    return "".join(shown)


def foreign(text: str) -> int:
    """How many characters are beyond Latin-1: those that a page may have to shape in runs."""
    return len(text) - len(text.encode("latin-1", "ignore"))


def printable(text: str, file: TextIO) -> str:
    """The text with what a file's encoding does not have replaced by question marks, unless the file replaces it."""
    if getattr(file, "errors", None) not in ("strict", "surrogateescape"):
        return text
    encoding = file.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def one_line(text: str, limit: int = 500) -> str:
    """The text on one line of at most ``limit`` characters, for messages and status lines."""
    line = " ".join(plain_text(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def excerpt(body: str, limit: int = 500) -> str:
    """How a body begins that is quoted: of a page its words, of what is no text nothing."""
    quoted = page_words(body)[:limit]
    return "" if _NO_TEXT.search(quoted) else quoted


def page_words(text: str) -> str:
    """The words of a page of HTML or XML, each line of them once; other text as it is."""
    if not text[:100].lstrip("\ufeff \t\r\n")[:9].lower().startswith(_PAGES):
        return text
    words: dict[str, None] = {}
    unseen = ""
    for piece in text[:_LONGEST_PAGE].split("<"):
        tag, _, said = piece.partition(">")
        name = tag.partition(" ")[0].lower()
        if unseen and name != f"/{unseen}":
            continue
        unseen = name if name in _UNSEEN else ""
        if not unseen:
            words[" ".join(unescape(said).split())] = None
    return " ".join(filter(None, words))
