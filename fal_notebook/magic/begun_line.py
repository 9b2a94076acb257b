"""Splits the magic's line before the cursor into whole words and the word that is being written.

`line` splits a line that is finished, and rejects one that is not: here a quotation mark, a slot ``{{`` or a bracket
may still be open.
"""

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"\s*(?:[\w.,\[\]'\"() ]{1,200}=\s*)?(?P<percents>%{1,2})falstream\s")
_JSON_VALUE = re.compile(r"[A-Za-z_][\w.-]*:=")
_MOST = 10_000  # characters of a line


@dataclass(frozen=True)
class BegunLine:
    """The magic's line up to the cursor.

    Attributes:
        is_cell: whether it is the line of ``%%falstream``.
        words: the whole words, as they were typed.
        word: the word that is being written; empty after a space.
        slot: what was written of an open ``{{expression``; None if none is open.
    """

    is_cell: bool = False
    words: list[str] = field(default_factory=list)
    word: str = ""
    slot: str | None = None


def read_begun_line(text: str) -> BegunLine | None:
    """The magic's line; None if the text is not one."""
    match = _LINE.match(text) if len(text) <= _MOST else None
    if match is None:
        return None
    line, words = text[match.end() :], list[str]()
    begin, at, quote, depth, is_json = 0, 0, "", 0, False
    while at < len(line):
        if line.startswith("{{", at):
            end = line.find("}}", at)
            if end < 0:
                return BegunLine(match["percents"] == "%%", words, line[begin:], line[at + 2 :])
            at = end + 2
            continue
        letter = line[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and (at == begin or line[at - 1] in "=@,"):
            quote = letter
        elif letter in "[]{}" and is_json:
            depth += 1 if letter in "[{" else -1
        elif letter.isspace() and depth <= 0:
            words += [line[begin:at]] if at > begin else []
            begin, depth, is_json = at + 1, 0, False
        elif letter == "=":
            is_json = is_json or _JSON_VALUE.fullmatch(line, begin, at + 1) is not None
        at += 1
    return BegunLine(match["percents"] == "%%", words, line[begin:])
