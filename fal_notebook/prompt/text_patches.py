"""The words of an answer as a page takes them while they stream: what is new, and where it begins.

A page that is sent the whole text again and again costs the square of the answer. A piece says instead how much of
the page's text stays, so that a rewritten answer costs what was rewritten. Positions count as JavaScript counts,
in units of UTF-16. What no page can hold is cut, with a note, and not kept here.
"""

from dataclasses import dataclass
from os.path import commonprefix

from ..render.bundles import CUT_NOTE, LONGEST_TEXT
from ..response.updates import Text
from ..safety.plain_text import plain_text

_TAIL = 100  # characters of what is shown that tell how what follows is shown


@dataclass(frozen=True)
class PagePiece:
    """The page's text is what it had up to ``offset``, then ``new``."""

    offset: int
    new: str


class PageText:
    """Collects an answer's words, and gives the pieces that bring a page up to them."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._length = 0
        self._unshown: list[str] = []
        self._shown: list[str] = []
        self._rewritten = False
        self._noted = False
        self._units = 0
        self._tail = ""

    @property
    def shown(self) -> str:
        """The text that the pieces so far make: that of the answer, unable to act on a page."""
        self._shown = ["".join(self._shown)]
        return self._shown[0]

    def feed(self, update: Text) -> None:
        """Collect new words."""
        if update.offset < min(self._length, LONGEST_TEXT):
            self._text = ["".join(self._text)[: update.offset]]
            self._rewritten, self._noted = True, False
        new = update.new[: max(0, LONGEST_TEXT - update.offset)]
        self._text.append(new)
        self._unshown.append(new)
        self._length = update.offset + len(update.new)

    def take(self, *, last: bool = False) -> PagePiece | None:
        """What is new since the last call.

        A character whose second half has not come, and a line end that may have one more character, wait for the
        next call.

        Args:
            last: whether nothing more will come.
        """
        text = "".join(self._text if self._rewritten else self._unshown)
        is_cut = self._length > LONGEST_TEXT
        held = "" if last or is_cut or not _is_open(text) else text[-1]
        before = "" if self._rewritten else self._tail
        new = plain_text(text[: len(text) - len(held)], before) + (CUT_NOTE if is_cut and not self._noted else "")
        self._noted = is_cut
        self._unshown = [held] if held else []
        return self._rewrite(new) if self._rewritten else self._append(new)

    def _append(self, new: str) -> PagePiece | None:
        if not new:
            return None
        piece = PagePiece(self._units, new)
        self._shown.append(new)
        self._tail = (self._tail + new)[-_TAIL:]
        self._units += _units(new)
        return piece

    def _rewrite(self, whole: str) -> PagePiece:
        kept = commonprefix([self.shown, whole])  # noqa: RUF071 - characters are meant
        self._shown, self._rewritten, self._units = [whole], False, _units(whole)
        self._tail = whole[-_TAIL:]
        return PagePiece(_units(kept), whole[len(kept) :])


def _is_open(text: str) -> bool:
    return text[-1:] == "\r" or "\ud800" <= text[-1:] <= "\udbff"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
