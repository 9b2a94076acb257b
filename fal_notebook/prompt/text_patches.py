"""Makes the patches that bring the words in a page up to date while an answer streams.

Sending the whole text with each update would cost the square of its length. So a patch says how much of the page's text
stays, and what follows it. If an answer is rewritten, the beginning that did not change is not sent again. Offsets
count UTF-16 code units, as in JavaScript. Text beyond what a page can hold is cut, with a note, and not kept here.
"""

from dataclasses import dataclass
from os.path import commonprefix

from ..render.bundles import CUT_NOTE, LONGEST_TEXT
from ..response.updates import Text
from ..safety.plain_text import plain_text

_TAIL = 100  # last characters shown; how new text is made harmless depends on them


@dataclass(frozen=True)
class TextPatch:
    """The page keeps its text up to ``offset``, and ``new`` replaces the rest."""

    offset: int
    new: str


class PageText:
    """Collects the words of an answer, and makes the patches for the page."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._length = 0
        self._unshown: list[str] = []
        self._shown: list[str] = []
        self._rewritten = False
        self._has_note = False
        self._shown_units = 0
        self._tail = ""

    @property
    def shown(self) -> str:
        """The text in the page after all patches so far: the answer's words, made harmless."""
        self._shown = ["".join(self._shown)]
        return self._shown[0]

    def feed(self, update: Text) -> None:
        """Collect new words."""
        if update.offset < min(self._length, LONGEST_TEXT):
            self._text = ["".join(self._text)[: update.offset]]
            self._rewritten, self._has_note = True, False
        new = update.new[: max(0, LONGEST_TEXT - update.offset)]
        self._text.append(new)
        self._unshown.append(new)
        self._length = update.offset + len(update.new)

    def take(self, *, last: bool = False) -> TextPatch | None:
        """The patch with what is new since the last call; None if nothing is.

        The first half of a surrogate pair and a carriage return are held back until the next call, since the next
        character may belong to them.

        Args:
            last: whether the answer has ended, so that nothing is held back.
        """
        text = "".join(self._text if self._rewritten else self._unshown)
        is_cut = self._length > LONGEST_TEXT
        held = "" if last or is_cut or not _may_continue(text) else text[-1]
        before = "" if self._rewritten else self._tail
        new = plain_text(text[: len(text) - len(held)], before) + (CUT_NOTE if is_cut and not self._has_note else "")
        self._has_note = is_cut
        self._unshown = [held] if held else []
        return self._rewrite(new) if self._rewritten else self._append(new)

    def _append(self, new: str) -> TextPatch | None:
        if not new:
            return None
        patch = TextPatch(self._shown_units, new)
        self._shown.append(new)
        self._tail = (self._tail + new)[-_TAIL:]
        self._shown_units += _utf16_length(new)
        return patch

    def _rewrite(self, whole: str) -> TextPatch:
        kept = commonprefix([self.shown, whole])  # noqa: RUF071 - characters are meant
        self._shown, self._rewritten, self._shown_units = [whole], False, _utf16_length(whole)
        self._tail = whole[-_TAIL:]
        return TextPatch(_utf16_length(kept), whole[len(kept) :])


def _may_continue(text: str) -> bool:
    return text[-1:] == "\r" or "\ud800" <= text[-1:] <= "\udbff"


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
