"""Sans-I/O: reasoning that a model writes as the beginning of its text, between ``<think>`` and ``</think>``.

Many endpoints hand on a model's text as it is, with its reasoning in tags before the answer. The tags count only where
the text begins with them, after blank space; further behind, a text talks about them. What follows the closing tag is
the answer. Without a closing tag, all of the text is reasoning. A text of nothing but tags stays as it is, and so does
all text of an endpoint that sends the reasoning apart.
"""

import re
from collections.abc import Callable
from enum import Enum, auto

from .updates import Reasoning, Text, Update

_LONGEST_START = 1_000  # characters of blank space before the tag
_OPENING = re.compile(r"\s*<(think|thinking)>")
_PERHAPS = re.compile(r"\s*(?:<(?:t(?:h(?:i(?:n(?:k(?:i(?:n(?:g)?)?)?)?)?)?)?)?)?")


def divided(text: str, *, is_over: bool) -> tuple[str, str]:
    """The reasoning and the words of a text.

    Args:
        text: the text so far.
        is_over: whether nothing more comes. If it may, an end that may be part of a tag belongs to neither.
    """
    if _may_open(text):
        return "", text if is_over else ""
    opening = _OPENING.match(text[:_LONGEST_START])
    if not opening:
        return "", text
    closing = f"</{opening[1]}>"
    end = text.find(closing, opening.end())
    inner = text[opening.end() :] if end < 0 else text[opening.end() : end]
    if end < 0 and not is_over:
        inner = inner[: len(inner) - _begun(inner, closing)]
    thought = inner.strip()
    words = "" if end < 0 else text[end + len(closing) :].lstrip()
    return ("", text) if is_over and not (thought or words) else (thought, words)


class _Part(Enum):
    """Where the text has come to: its start, blank space in a tag, reasoning, blank space behind the tags, or words."""

    START = auto()
    OPENED = auto()
    THOUGHT = auto()
    CLOSED = auto()
    WORDS = auto()


class LeadingThought:
    """Divides the updates of a text that grows into those of its reasoning and those of its words.

    Args:
        text: returns the text so far, undivided.
        apart: returns the reasoning so far that the endpoint sends apart; if there is any, nothing is divided.
    """

    def __init__(self, text: Callable[[], str], apart: Callable[[], str]) -> None:
        self._text, self._apart = text, apart
        self._is_apart = False
        self._has_told = {Text: False, Reasoning: False}
        self._begin()

    def take(self, updates: list[Update]) -> list[Update]:
        """The updates that one read brought, divided."""
        if self._part is _Part.WORDS and not self._closing:
            for update in updates:
                if isinstance(update, Text) and update.offset < self._words_at:
                    break
            else:
                return updates
        return self._divide(updates)

    def finish(self) -> list[Update]:
        """What was held back, once nothing more comes."""
        if self._part is _Part.START:
            return self._words(self._held) if self._held else []
        if self._part in (_Part.OPENED, _Part.THOUGHT) and self._held:
            return self._think(self._held)
        if self._part is _Part.WORDS or self._thought_length:
            return []
        return [Text(self._text(), 0)]

    def _begin(self) -> None:
        self._part = _Part.START
        self._length = 0  # of the text so far
        self._held = ""  # its end, which may be part of a tag
        self._blank: list[str] = []  # blank space at the end of the reasoning, which is told only if more follows
        self._closing = ""  # the tag that ends the reasoning
        self._thought_length = 0
        self._words_at = 0  # in the text: where the words begin; without tags, up to where it is settled that they do

    def _divide(self, updates: list[Update]) -> list[Update]:
        told: list[Update] = []
        is_all_told = False  # whether everything that this read brought has been told
        if not self._is_apart and self._apart():
            self._is_apart = True
            if self._closing or self._held:
                told, is_all_told = self._tell_anew(), True
        for update in updates:
            if not isinstance(update, Text):
                told.append(update)
            elif is_all_told:
                continue
            elif self._part is _Part.WORDS and update.offset >= self._words_at + bool(self._closing):
                self._length = update.offset + len(update.new)
                told.append(Text(update.new, update.offset - (self._words_at if self._closing else 0)))
            elif update.offset == self._length:
                told += self._grow(update.new)
            else:
                told += self._tell_anew()
                is_all_told = True
        return told

    def _tell_anew(self) -> list[Update]:
        """Tell all of the text again: it was rewritten, or means something else than it seemed."""
        had_told, self._has_told = self._has_told, {Text: False, Reasoning: False}
        self._begin()
        told = self._grow(self._text())
        gone = (kind for kind in (Reasoning, Text) if had_told[kind] and not self._has_told[kind])
        return [*(kind("", 0) for kind in gone), *told]

    def _grow(self, new: str) -> list[Update]:
        """Take text that comes behind that before, up to the first words."""
        self._length += len(new)
        if self._part is _Part.START:
            return self._look_for_start(self._held + new)
        if self._part is _Part.CLOSED:
            return self._words(new.lstrip())
        return self._look_for_end(self._held + new)

    def _look_for_start(self, text: str) -> list[Update]:
        self._held = ""
        if self._is_apart:
            return self._words(text)
        if _may_open(text):
            self._held = text
            return []
        opening = _OPENING.match(text[:_LONGEST_START])
        if not opening:
            return self._words(text)
        self._part, self._closing = _Part.OPENED, f"</{opening[1]}>"
        return self._look_for_end(text[opening.end() :])

    def _look_for_end(self, text: str) -> list[Update]:
        end = text.find(self._closing)
        at = len(text) - _begun(text, self._closing) if end < 0 else end
        thought, self._held = text[:at], "" if end >= 0 else text[at:]
        if self._part is _Part.OPENED:
            thought = thought.lstrip()
        body = thought.rstrip()
        told = self._think(body) if body else []
        self._blank += [thought[len(body) :]] if len(body) < len(thought) else []
        if end < 0:
            return told
        self._part = _Part.CLOSED
        return told + self._words(text[end + len(self._closing) :].lstrip())

    def _think(self, thought: str) -> list[Update]:
        thought = "".join([*self._blank, thought])
        self._part, self._blank = _Part.THOUGHT, []
        offset, self._thought_length = self._thought_length, self._thought_length + len(thought)
        self._has_told[Reasoning] = True
        return [Reasoning(thought, offset)]

    def _words(self, words: str) -> list[Update]:
        """The first words, if there are any."""
        if not words:
            return []
        self._part = _Part.WORDS
        self._words_at = self._length - len(words) if self._closing else _settled_after(words)
        self._has_told[Text] = True
        return [Text(words, 0)]


def _may_open(text: str) -> bool:
    """Whether a text may go on to a tag at its start."""
    return len(text) < _LONGEST_START and bool(_PERHAPS.fullmatch(text))


def _settled_after(words: str) -> int:
    """After how many characters it is settled that words do not begin with a tag."""
    start = _PERHAPS.match(words[:_LONGEST_START])
    return min(start.end() + 1 if start else 0, len(words))


def _begun(text: str, tag: str) -> int:
    """How many characters at the end of a text may be the beginning of a tag."""
    start = text.rfind("<", max(0, len(text) - len(tag) + 1))
    return len(text) - start if start >= 0 and tag.startswith(text[start:]) else 0
