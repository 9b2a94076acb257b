"""The static transcript: the ended answers as HTML that a saved notebook shows without the widget.

All HTML of answers was made safe by `render`. The page inserts it unchanged, and makes no HTML itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from ..render.answer_style import styled_once
from ..render.bundles import Bundle
from ..render.markdown import lines_html
from ..render.mathematics import limit_formulas
from ..safety.plain_text import plain_text
from .entry import Entry

# The prompt is a <blockquote> with this style, since GitHub removes styles. The colour of the line is not a variable,
# since JupyterLab removes variables from a notebook that is not trusted.
_PROMPT_STYLE = (
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:.8em 0 .4em;padding:.3em .7em;border-left:3px solid #2196f3;"
    "color:var(--jp-ui-font-color1,inherit)"
)
_ANSWER_STYLE = "overflow:auto hidden"  # so that an answer cannot cover another one, or a prompt
_LONGEST_WORDS = 20_000  # characters of an answer in the plain text, since the HTML has it whole
PIECES = 6  # outputs of a transcript
_SMALL_PIECE = 4_000  # characters of HTML; the next answer is added to a piece with fewer, which is written again
# JupyterLab gives even an empty output a height.
_NO_HEIGHT = "<style>.jp-OutputArea-child:has(> * > [data-fal-transcript][hidden]) { display: none }</style>"


class Transcript:
    """The ended answers, oldest first, in a fixed number of static outputs, which are called pieces.

    A new answer must not make all earlier ones be written again, and a cell that has run cannot get more outputs. So a
    new answer is added to the last used piece while that is small, else it gets the next piece. When no piece is free,
    the new answer and the last piece become one, together with each piece before them that was merged no more often. So
    of some 200 long answers, each is written at most four times; in a single output, each would be written a hundred
    times.

    Args:
        name: the name by which the live widget finds the pieces. It hides them, since it shows the same answers.

    Attributes:
        versions: a number for each piece, which is 0 until it is used. A change gives it a number above all others.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.versions = [0] * PIECES
        self._pieces = [_Piece() for _ in range(PIECES)]

    def add(self, entry: Entry) -> list[int]:
        """Add an ended answer. If it is there already, its result has changed, and only its piece is written again.

        Returns:
            The numbers of the pieces to write. In this order, no answer is missing at any moment.
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

    def __contains__(self, entry: Entry) -> bool:
        return any(entry in piece.entries for piece in self._pieces)

    def remove(self, entry: Entry) -> list[int]:
        """Remove an answer; return the numbers of the pieces to write."""
        for number, piece in enumerate(self._pieces):
            if entry in piece.entries:
                piece.entries.remove(entry)
                return self._changed([number])
        return []

    def clear(self) -> list[int]:
        """Remove all answers; return the numbers of the pieces to write."""
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
    weight: int = 1  # how many pieces it was merged from


def transcript(entries: Sequence[Entry], name: str, piece: int = 0, version: int = 0) -> Bundle:
    """Ended answers as one static output.

    Args:
        entries: the answers.
        name: the name of their transcript.
        piece: the number of the piece.
        version: the piece's version. The live widget compares it with the version in the notebook.

    Returns:
        The bundle. Its HTML is complete; its plain text has only the beginning of a very long answer.
    """
    mark = f'data-fal-transcript="{escape(name)}" data-fal-piece="{piece}" data-fal-version="{version}"'
    if not entries:
        return {"text/plain": "", "text/html": f"<div {mark} hidden>{_NO_HEIGHT}</div>"}
    title = f"Transcript ({len(entries)} answer{'' if len(entries) == 1 else 's'})"
    answers = "\n".join(f"{_prompt_html(entry)}\n{_answer_html(entry)}" for entry in entries)
    words = [f"> {plain_text(entry.asked)}\n\n{_plain_answer(entry.bundle['text/plain'])}" for entry in entries]
    html = styled_once(limit_formulas(answers))
    return {
        "text/plain": "\n\n".join([title, *words]),
        "text/html": f"<details {mark} open><summary>{title}</summary>\n{html}\n</details>",
    }


def _prompt_html(entry: Entry) -> str:
    return f'<blockquote style="{_PROMPT_STYLE}">{lines_html(plain_text(entry.asked))}</blockquote>'


def _answer_html(entry: Entry) -> str:
    return f'<div style="{_ANSWER_STYLE}">{entry.bundle["text/html"]}</div>'


def _plain_answer(answer: str) -> str:
    """The plain text of an answer, cut if it is very long."""
    if len(answer) <= _LONGEST_WORDS:
        return answer
    return f"{answer[:_LONGEST_WORDS]}\n… cut here: {len(answer):,} characters in all; the HTML beside this has them"
