"""Floor 0: text of others made unable to act on the terminal or the page that shows it.

A model's words, a server's error message and a file name can carry terminal sequences, carriage returns that
hide what stood before, and bidirectional overrides that show text in another order than it has. Whatever leaves
the library as plain text goes through here first.
"""

import re
from typing import TextIO

_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
_C1 = dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")
# Unicode Standard Annex #9, 2: the explicit directional embeddings, overrides and isolates.
_BIDIRECTIONAL = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), None)
_TRANSLATION = _PICTURES | _C1 | _BIDIRECTIONAL

_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEWLINE = re.compile("\r\n?")


def plain_text(text: str) -> str:
    r"""The text with line ends as ``\n`` and every control character but tab and newline made visible.

    Bidirectional controls are removed. Surrogates, which no encoding can carry, are joined where two make a
    character (a JSON stream may cut between them) and replaced where one stands alone.
    """
    if not _ACTING.search(text):
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _NEWLINE.sub("\n", text).translate(_TRANSLATION)


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
