r"""Splits the magic's line into words.

A word ends at a space. It may contain spaces within quotes, within ``{{…}}``, and within the JSON value after ``:=``,
whose quotes are JSON's own::

    key="two words"   key='two words'   key={{ names["a b"] }}   key:=["a", "b c"]

Parts without a space between them are one word, as in a shell. A backslash is an ordinary character, so that paths and
formulas stay as they are. There is one exception: within quotes, a backslash before the same quotation mark makes that
mark an ordinary character, as in ``"say \"hi\""``. So a quoted value that ends in a backslash has the backslash after
the quotes: ``"C:\my files"\``.

What a word processor or a web page makes of quotes and dashes is read as what was typed: ``“two words”`` is quoted, and
``—timeout`` is ``--timeout``. Within straight quotes they are ordinary characters.
"""

import json
import re
from collections.abc import Mapping
from typing import Self

from ..errors import InvalidRequest
from .template import slots

_SPACES = " \t\r\n"
_SINGLE = "\u2018"  # the opening mark; its closing one is the apostrophe of a web page, too
_CLOSING_MARKS = {'"': '"', "'": "'", "“": "”“", "”": "”", "„": "“”", _SINGLE: "\u2019"}
"""The marks that end a quoted text, by the one that begins it."""
_QUOTES = "\"'"
_DASHES = re.compile(r"[\u2012-\u2015\u2212](-?)(?=[A-Za-z])")
# JSON has no single quotes: a value in them is read like any other quoted text.
_BEFORE_JSON = re.compile(r"[A-Za-z_][\w.-]*?:=(?!')")
# As many ordinary characters as possible, or one character of any kind.
_UNQUOTED = re.compile(r"""[^ \t\r\n"'“”„\u2018{\\]+|.""", re.DOTALL)
_QUOTED = re.compile(r"""[^"'“”\u2019{\\]+|.""", re.DOTALL)
_JSON_DECODER = json.JSONDecoder()


class Word(str):
    """A word of the line, without its quotes.

    Attributes:
        typed: the word as it was typed, with its quotes.
    """

    typed: str

    def __new__(cls, text: str, typed: str) -> Self:
        """A word with the value ``text``."""
        word = super().__new__(cls, text)
        word.typed = typed
        return word


def as_typed(word: str) -> str:
    """A word as the user typed it, for an error message."""
    return word.typed if isinstance(word, Word) else word


def split_line(line: str) -> list[Word]:
    """The words of a magic's line.

    Raises:
        InvalidRequest: a quotation mark is not closed.
    """
    ends = {slot.start: slot.end for slot in slots(line) if slot.code}
    words: list[Word] = []
    at = 0
    while at < len(line):
        if line[at] in _SPACES:
            at += 1
            continue
        begin = at
        text, at = _word(line, begin, ends)
        words.append(Word(_with_plain_dashes(text), line[begin:at]))
    return words


def _with_plain_dashes(word: str) -> str:
    """An option that a word processor gave a long dash, with the dashes that were typed: one before one letter."""
    match = _DASHES.match(word)
    if match is None:
        return word
    name = word[match.end() :]
    return f"{'-' if len(name) == 1 and not match[1] else '--'}{name}"


def _word(line: str, begin: int, ends: Mapping[int, int]) -> tuple[str, int]:
    """The word that begins at ``begin``, and where it ends. ``ends`` maps the beginning of each slot to its end."""
    name = _BEFORE_JSON.match(line, begin)
    if name:
        end = _json_end(line, name.end(), ends)
        return line[begin:end], end
    parts: list[str] = []
    at = begin
    while at < len(line) and line[at] not in _SPACES:
        begins = at == begin or line[at - 1] == "="
        quoted = line[at] in _QUOTES or (begins and line[at] in _CLOSING_MARKS)
        part, at = _quoted(line, begin, at, ends) if quoted else _letters(line, at, ends, _UNQUOTED)
        parts.append(part)
    return "".join(parts), at


def _letters(line: str, at: int, ends: Mapping[int, int], letters: re.Pattern[str]) -> tuple[str, int]:
    """A slot, or a run of ordinary characters, and where it ends."""
    match = letters.match(line, at)
    end = ends.get(at) or (match.end() if match else at)
    return line[at:end], end


def _quoted(line: str, word: int, begin: int, ends: Mapping[int, int]) -> tuple[str, int]:
    """The text within the quotes that open at ``begin``, and where they end; ``word`` is where the word begins."""
    mark = line[begin]
    parts: list[str] = []
    at = begin + 1
    while at < len(line):
        if line[at] in _CLOSING_MARKS[mark] and not (mark == _SINGLE and line[at + 1 : at + 2].strip()):
            if _is_apostrophe(line, begin) and _is_apostrophe(line, at):
                break
            return "".join(parts), at + 1
        if line.startswith(f"\\{mark}", at):
            part, at = mark, at + 2
        else:
            part, at = _letters(line, at, ends, _QUOTED)
        parts.append(part)
    hint = 'write key="it\'s"' if mark == "'" else 'within "…" it is \\", and a last backslash stands behind: "C:\\"\\'
    raise InvalidRequest(f"a quotation mark in the line has no partner: {line[word:]}", hint=hint)


def _is_apostrophe(line: str, at: int) -> bool:
    """Whether a single quote stands between letters, as in ``it's``. A pair of such marks is no quotation."""
    return line[at] == "'" and line[at - 1 : at].isalpha() and line[at + 1 : at + 2].isalpha()


def _json_end(line: str, begin: int, ends: Mapping[int, int]) -> int:
    """Where the JSON value that begins at ``begin`` ends. If it is not valid, where the text that was meant ends."""
    bracketed = _bracketed_end(line, begin, ends)
    meant = line[begin:bracketed]  # cut out, because the decoder's errors count the lines of all the text before
    try:
        _, end = _JSON_DECODER.raw_decode(meant)
    except (ValueError, RecursionError):
        return bracketed
    return begin + end if meant[end : end + 1] in ("", *_SPACES) else bracketed


def _bracketed_end(line: str, at: int, ends: Mapping[int, int]) -> int:
    """The place of the next space that is outside of brackets, JSON strings and slots."""
    depth, is_quoted = 0, False
    while at < len(line):
        if at in ends:
            at = ends[at]
            continue
        letter = line[at]
        if is_quoted:
            is_quoted = letter != '"'
            at += letter == "\\"
        elif letter in _SPACES and depth <= 0:
            break
        else:
            is_quoted = letter == '"'
            depth += (letter in "[{") - (letter in "]}")
        at += 1
    return min(at, len(line))
