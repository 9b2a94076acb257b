"""Text from models and servers, made unable to control the terminal or the page that shows it.

A model's words, a server's error message and a file name can carry terminal escape sequences, carriage returns that
overwrite the text before them, and bidirectional overrides that change the order of letters. All plain text that
leaves the library goes through here first.

Thousands of combining marks on one letter would freeze the page, which lays them out as one shape. So a long row of
marks gets base characters, dotted circles, put in.
"""

import re
import unicodedata
from html import unescape
from typing import TextIO

_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
_C1 = dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")
# Unicode Standard Annex #9, 2: the explicit directional embeddings, overrides and isolates.
_BIDIRECTIONAL = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), None)
_TRANSLATION = _CONTROL_PICTURES | _C1 | _BIDIRECTIONAL

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEWLINE = re.compile("\r\n?")
_MOST_MARKS = 20  # in a row; joiners and other characters without a width count, too
_PERHAPS_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS + 1},}}")
_MARKS = {"Mn", "Me", "Mc", "Cf", "Sk"}  # Sk: the skin tones of emoji
_BASE_CHARACTER = "\N{DOTTED CIRCLE}"

_PAGE_STARTS = ("<!", "<?xml", "<html", "<head", "<title", "<body", "<center", "<div", "<h1", "<p>", "<pre")
_INVISIBLE_TAGS = ("script", "style")
_LONGEST_PAGE = 20_000  # characters of a page that are searched for words
_BINARY = re.compile("[\x00-\x08]")


def plain_text(text: str, before: str = "") -> str:
    r"""The text with line ends as ``\n`` and every control character but tab and newline made visible.

    Bidirectional controls are removed. Surrogates, which no encoding can carry, are joined where two make a
    character (a JSON stream may cut between them) and replaced where one stands alone. In a row of more than twenty
    combining marks, a dotted circle is put in after each twenty.

    Args:
        text: what is to be shown.
        before: the text that is shown in front of it, as this function returned it.
    """
    if _UNSAFE.search(text):
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
            shown.append(_BASE_CHARACTER)
            marks = 0
        shown.append(symbol)
        marks = marks + 1 if is_mark else 0
    return "".join(shown)


def ends_in_half(text: str) -> bool:
    """Whether the next piece of a text may end what this one began: a line end, or a character of two surrogates."""
    return text[-1:] == "\r" or "\ud800" <= text[-1:] <= "\udbff"


def count_beyond_latin1(text: str) -> int:
    """How many characters are beyond Latin-1: a page has more work with them, since it may shape them in runs."""
    return len(text) - len(text.encode("latin-1", "ignore"))


def printable(text: str, file: TextIO) -> str:
    """The text with question marks for what a file's encoding lacks, unless the file replaces that itself."""
    if getattr(file, "errors", None) not in ("strict", "surrogateescape"):
        return text
    encoding = file.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def one_line(text: str, limit: int = 500) -> str:
    """The text on one line of at most ``limit`` characters, for messages and status lines."""
    line = " ".join(plain_text(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def excerpt(body: str, limit: int = 500) -> str:
    """The beginning of a body, to be quoted in an error: the words of a page, and nothing of binary data."""
    quoted = page_words(body)[:limit]
    return "" if _BINARY.search(quoted) else quoted


def page_words(text: str) -> str:
    """The words of an HTML or XML page, without repeated lines. Other text is returned as it is."""
    if not text[:100].lstrip("\ufeff \t\r\n")[:9].lower().startswith(_PAGE_STARTS):
        return text
    words: dict[str, None] = {}
    unseen = ""
    for piece in text[:_LONGEST_PAGE].split("<"):
        tag, _, said = piece.partition(">")
        name = tag.partition(" ")[0].lower()
        if unseen and name != f"/{unseen}":
            continue
        unseen = name if name in _INVISIBLE_TAGS else ""
        if not unseen:
            words[" ".join(unescape(said).split())] = None
    return " ".join(filter(None, words))
