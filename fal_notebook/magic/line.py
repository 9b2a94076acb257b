r"""The line of a magic, split into words.

A word ends at a space. Spaces belong to it within quotes, within ``{{…}}``, and within the JSON value behind ``:=``,
which has its own quotes::

    key="two words"   key='two words'   key={{ names["a b"] }}   key:=["a", "b c"]

Parts that touch are one word, as in a shell. A backslash is a letter like any other, so that paths and formulas stay
as they are; only within quotes and before their mark it makes the mark a letter: ``"say \"hi\""``. So a last
backslash stands behind the quotes: ``"C:\my files"\``.
"""

import json
import re
from collections.abc import Mapping
from typing import Self

from ..errors import InvalidRequest
from .template import slots

_SPACES = " \t\r\n"
_MARKS = "\"'"
_BEFORE_JSON = re.compile(r"[A-Za-z_][\w.-]*?:=(?!')")  # behind single quotes, which are not JSON's own, it is quoted
# Letters that certainly begin nothing else, or the next one.
_BARE = re.compile(r"""[^ \t\r\n"'{\\]+|.""", re.DOTALL)
_WITHIN_QUOTES = re.compile(r"""[^"'{\\]+|.""", re.DOTALL)
_JSON = json.JSONDecoder()


class Word(str):
    """A word of the line, without the quotes around its parts.

    Attributes:
        typed: the same as it stands in the line.
    """

    typed: str

    def __new__(cls, text: str, typed: str) -> Self:
        """A word that reads ``text``."""
        word = super().__new__(cls, text)
        word.typed = typed
        return word


def as_typed(word: str) -> str:
    """A word as the user typed it, to be quoted in an error."""
    return word.typed if isinstance(word, Word) else word


def split_line(line: str) -> list[Word]:
    """The words of a magic's line.

    Raises:
        InvalidRequest: a quotation mark without its partner.
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
        words.append(Word(text, line[begin:at]))
    return words


def _word(line: str, begin: int, ends: Mapping[int, int]) -> tuple[str, int]:
    """The word that begins at a place, and where it ends. ``ends`` has where each slot ends, by where it begins."""
    name = _BEFORE_JSON.match(line, begin)
    if name:
        end = _json_end(line, name.end(), ends)
        return line[begin:end], end
    parts: list[str] = []
    at = begin
    while at < len(line) and line[at] not in _SPACES:
        quoted = line[at] in _MARKS
        part, at = _quoted(line, begin, at, ends) if quoted else _letters(line, at, ends, _BARE)
        parts.append(part)
    return "".join(parts), at


def _letters(line: str, at: int, ends: Mapping[int, int], letters: re.Pattern[str]) -> tuple[str, int]:
    """A slot, or letters that stand for themselves; and where they end."""
    match = letters.match(line, at)
    end = ends.get(at) or (match.end() if match else at)
    return line[at:end], end


def _quoted(line: str, word: int, begin: int, ends: Mapping[int, int]) -> tuple[str, int]:
    """The text within the quotes that begin at a place of a word, and where they end."""
    mark = line[begin]
    parts: list[str] = []
    at = begin + 1
    while at < len(line):
        if line[at] == mark:
            if _is_apostrophe(line, begin) and _is_apostrophe(line, at):
                break
            return "".join(parts), at + 1
        if line.startswith(f"\\{mark}", at):
            part, at = mark, at + 2
        else:
            part, at = _letters(line, at, ends, _WITHIN_QUOTES)
        parts.append(part)
    hint = 'write key="it\'s"' if mark == "'" else 'within "…" it is \\", and a last backslash stands behind: "C:\\"\\'
    raise InvalidRequest(f"a quotation mark in the line has no partner: {line[word:]}", hint=hint)


def _is_apostrophe(line: str, at: int) -> bool:
    """Whether a mark stands between letters, as in ``it's``: two of these are no quotes."""
    return line[at] == "'" and line[at - 1 : at].isalpha() and line[at + 1 : at + 2].isalpha()


def _json_end(line: str, begin: int, ends: Mapping[int, int]) -> int:
    """Where the JSON value that begins at a place ends; where it is none, what was meant as one."""
    bracketed = _bracketed_end(line, begin, ends)
    meant = line[begin:bracketed]  # alone: what is wrong with it is told with its place, which costs all that is before
    try:
        _, end = _JSON.raw_decode(meant)
    except (ValueError, RecursionError):
        return bracketed
    return begin + end if meant[end : end + 1] in ("", *_SPACES) else bracketed


def _bracketed_end(line: str, at: int, ends: Mapping[int, int]) -> int:
    """Where the first space outside of brackets, of JSON's quotes and of slots is."""
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
