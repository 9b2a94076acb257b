"""The ended answers as a notebook keeps them: the static transcript, as HTML that needs no widget.

Whatever is HTML here was made safe by `render`; the page puts it in as it is and makes none of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from ..render.bundles import Bundle
from ..render.markdown import lines_html
from ..render.mathematics import limit_formulas
from ..safety.plain_text import plain_text
from .entry import Entry

# A quotation by its tag too, since GitHub takes styles out. The line's colour is no variable, since JupyterLab takes
# those out of a notebook that is not trusted.
_ASKED = (
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:.8em 0 .4em;padding:.3em .7em;border-left:3px solid #2196f3;"
    "color:var(--jp-ui-font-color1,inherit)"
)
_ANSWERED = "overflow:auto hidden"  # no answer covers another, nor a prompt
_LONGEST_WORDS = 20_000  # characters of an answer in a transcript without HTML: what is stored is not stored twice
PIECES = 6  # outputs of a transcript
_SMALL_PIECE = 4_000  # characters of HTML; what a piece has below them is written anew with the next answer
# Even an output of nothing has a height in JupyterLab.
_NO_ROOM = "<style>.jp-OutputArea-child:has(> * > [data-fal-transcript][hidden]) { display: none }</style>"


class Transcript:
    """The ended answers, oldest first, as a few static outputs: its pieces.

    One more answer must not cost all those before it, and no output can be added to a cell that has run. So an answer
    joins the last piece as long as that is small, else it has the next piece. Once none is left, the last pieces become
    one, with those before them that were not merged more often. So of some 200 long answers each is written four times
    at the most, where writing all of them anew would write each a hundred times.

    Args:
        name: by which the live widget knows the pieces, and hides them as long as it shows the same.

    Attributes:
        versions: of each piece, a number that grows with each change of any; 0 as long as it was never used.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.versions = [0] * PIECES
        self._pieces = [_Piece() for _ in range(PIECES)]

    def add(self, entry: Entry) -> list[int]:
        """Take an answer that has ended, or that has another end than before.

        Returns:
            The numbers of the pieces to write anew, in this order: then no answer is missing in between.
        """
        for number, piece in enumerate(self._pieces):
            if entry in piece.entries:
                return self._changed([number])
        used = [number for number, piece in enumerate(self._pieces) if piece.entries]
        last = used[-1] if used else 0
        if sum(len(each.bundle["text/html"]) for each in self._pieces[last].entries) < _SMALL_PIECE:
            self._pieces[last].entries.append(entry)
            return self._changed([last])
        if last + 1 == PIECES:
            return self._merge(entry)
        self._pieces[last + 1] = _Piece([entry])
        return self._changed([last + 1])

    def remove(self, entry: Entry) -> list[int]:
        """Forget an answer; returns the numbers of the pieces to write anew."""
        for number, piece in enumerate(self._pieces):
            if entry in piece.entries:
                piece.entries.remove(entry)
                return self._changed([number])
        return []

    def clear(self) -> list[int]:
        """Forget all answers; returns the numbers of the pieces to write anew."""
        used = [number for number, piece in enumerate(self._pieces) if piece.entries]
        self._pieces = [_Piece() for _ in range(PIECES)]
        return self._changed(used)

    def bundle(self, number: int) -> Bundle:
        """One piece as an output."""
        return transcript(self._pieces[number].entries, self.name, number, self.versions[number])

    def _merge(self, entry: Entry) -> list[int]:
        first, merged = PIECES, _Piece([entry])
        while first and (first == PIECES or self._pieces[first - 1].weight <= merged.weight):
            first -= 1
            before = self._pieces[first]
            merged = _Piece(before.entries + merged.entries, before.weight + merged.weight)
        self._pieces[first:] = [merged, *(_Piece() for _ in range(first + 1, PIECES))]
        return self._changed(range(first, PIECES))

    def _changed(self, numbers: Iterable[int]) -> list[int]:
        version = max(self.versions) + 1
        for number in numbers:
            self.versions[number] = version
        return list(numbers)


@dataclass
class _Piece:
    entries: list[Entry] = field(default_factory=list)
    weight: int = 1  # how many pieces were merged in it


def transcript(entries: Sequence[Entry], name: str, piece: int = 0, version: int = 0) -> Bundle:
    """Ended answers as one static output.

    Args:
        entries: the answers.
        name: of the transcript of which they are a piece.
        piece: the piece's number.
        version: by which the live widget knows whether the notebook has the piece as it is now.

    Returns:
        The bundle; its HTML is whole, its plain text has of a very long answer the beginning.
    """
    mark = f'data-fal-transcript="{escape(name)}" data-fal-piece="{piece}" data-fal-version="{version}"'
    if not entries:
        return {"text/plain": "", "text/html": f"<div {mark} hidden>{_NO_ROOM}</div>"}
    title = f"Transcript ({len(entries)} answer{'' if len(entries) == 1 else 's'})"
    answers = "\n".join(f"{_asked(entry)}\n{_answered(entry)}" for entry in entries)
    words = [f"> {plain_text(entry.prompt)}\n\n{_words(entry.bundle['text/plain'])}" for entry in entries]
    return {
        "text/plain": "\n\n".join([title, *words]),
        "text/html": f"<details {mark} open><summary>{title}</summary>\n{limit_formulas(answers)}\n</details>",
    }


def _asked(entry: Entry) -> str:
    return f'<blockquote style="{_ASKED}">{lines_html(plain_text(entry.prompt))}</blockquote>'


def _answered(entry: Entry) -> str:
    return f'<div style="{_ANSWERED}">{entry.bundle["text/html"]}</div>'


def _words(answer: str) -> str:
    """An answer for a reader without HTML, cut where it is very long."""
    if len(answer) <= _LONGEST_WORDS:
        return answer
    return f"{answer[:_LONGEST_WORDS]}\n… cut here: {len(answer):,} characters in all; the HTML beside this has them"
