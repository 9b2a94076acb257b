"""The static transcript: the ended answers as HTML that a saved notebook shows without the widget.

All HTML of answers was made safe by `render`. The page inserts it unchanged, and makes no HTML itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from ..render.answer_style import styled_once, unstyled
from ..render.bundles import LONGEST_TEXT, Bundle
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
# An answer cannot cover another one, or a prompt. Where it is out of sight, it is not laid out.
_ANSWER_STYLE = "overflow:auto hidden;content-visibility:auto;contain-intrinsic-block-size:auto 20em"
_WORDS_STYLE = "white-space:pre-wrap;overflow-wrap:anywhere"
_LONGEST_WORDS = 20_000  # characters of an answer in the plain text, since the HTML has it whole
PIECES = 6  # outputs of a transcript
_SHARE = 16  # answers that a conversation begins with in a piece, so that a page takes each piece in a moment
# Characters of HTML without its style. The next answer is added to a piece with fewer, which is written again.
_SMALL_PIECE = 2_000
# JupyterLab and classic Notebook give even an empty output a height.
_NO_HEIGHT = (
    "<style>:is(.jp-OutputArea-child, .output_area):has(> * > [data-fal-transcript][hidden]) { display: none }</style>"
)


class Transcript:
    """The ended answers, oldest first, in a fixed number of static outputs, which are called pieces.

    A new answer must not make all earlier ones be written again, and a cell that has run cannot get more outputs. So a
    new answer is added to the last used piece while that is small, else it gets the next piece. When no piece is free,
    the new answer and the last piece become one, together with each piece before them that was merged no more often. So
    of some 200 long answers, each is written at most four times; in a single output, each would be written a hundred
    times.

    A conversation may begin with hundreds of answers, and to format them takes a kernel and a page a second or more.
    So these have only their words at first, and are formatted later, piece by piece.

    Args:
        name: the name by which the live widget finds the pieces. It hides them, since it shows the same answers.

    Attributes:
        versions: a number for each piece, which is 0 until it is used. A change gives it a number above all others.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.versions = [0] * PIECES
        self._pieces = [_Piece() for _ in range(PIECES)]

    def restore(self, entries: Sequence[Entry]) -> None:
        """Begin with ended answers, in as many more pieces as they need. None of them is formatted."""
        shares = [entries[at : at + _SHARE] for at in range(0, len(entries), _SHARE)]
        begun = [_Piece(list(share), len(share), has_words_only=True) for share in shares]
        self._pieces = [*begun, *(_Piece() for _ in range(PIECES))]
        self.versions = [int(bool(piece.entries)) for piece in self._pieces]

    def add(self, entry: Entry) -> list[int]:
        """Add an ended answer. If it is there already, its result has changed, and only its piece is written again.

        Returns:
            The numbers of the pieces to write. In this order, no answer is missing at any moment.
        """
        for number, piece in enumerate(self._pieces):
            if entry in piece.entries:
                return self.format(number)
        used = [number for number, piece in enumerate(self._pieces) if piece.entries]
        last = used[-1] if used else 0
        if sum(len(unstyled(each.bundle["text/html"])) for each in self._pieces[last].entries) < _SMALL_PIECE:
            self._pieces[last].entries.append(entry)
            return self.format(last)
        if last + 1 == len(self._pieces):
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
        self._pieces = [_Piece() for _ in self._pieces]
        return self._changed(used)

    @property
    def with_words_only(self) -> list[int]:
        """The numbers of the pieces that have only words, the newest first."""
        return [number for number, piece in enumerate(self._pieces) if piece.has_words_only][::-1]

    @property
    def unformatted(self) -> list[Entry]:
        """The answers of these pieces, the newest first."""
        return [entry for number in self.with_words_only for entry in reversed(self._pieces[number].entries)]

    def format(self, number: int) -> list[int]:
        """Format a piece; return the numbers of the pieces to write."""
        self._pieces[number].has_words_only = False
        return self._changed([number])

    def bundle(self, number: int) -> Bundle:
        """One piece as an output."""
        piece, made = self._pieces[number], words_alone if self._pieces[number].has_words_only else transcript
        return made(piece.entries, self.name, number, self.versions[number])

    def _merge(self, entry: Entry) -> list[int]:
        count = len(self._pieces)
        first, merged = count, _Piece([entry])
        while first and (first == count or self._pieces[first - 1].weight <= merged.weight):
            first -= 1
            before = self._pieces[first]
            merged = _Piece(before.entries + merged.entries, before.weight + merged.weight)
        self._pieces[first:] = [merged, *(_Piece() for _ in range(first + 1, count))]
        return self._changed(range(first, count))

    def _changed(self, numbers: Iterable[int]) -> list[int]:
        version = max(self.versions) + 1
        for number in numbers:
            self.versions[number] = version
        return list(numbers)


@dataclass
class _Piece:
    entries: list[Entry] = field(default_factory=list)
    weight: int = 1  # how many pieces it was merged from
    has_words_only: bool = False


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
    mark, title = _mark(name, piece, version), _title(entries)
    if not entries:
        return {"text/plain": "", "text/html": f"<div {mark} hidden>{_NO_HEIGHT}</div>"}
    answers = "\n".join(f"{_prompt_html(entry)}\n{_answer_html(entry)}" for entry in entries)
    words = [f"> {plain_text(entry.asked)}\n\n{_plain_answer(entry.bundle['text/plain'])}" for entry in entries]
    html = styled_once(limit_formulas(answers))
    return {
        "text/plain": "\n\n".join([title, *words]),
        "text/html": f"<details {mark} open><summary>{title}</summary>\n{html}\n</details>",
    }


def words_alone(entries: Sequence[Entry], name: str, piece: int = 0, version: int = 0) -> Bundle:
    """The same with the words of the answers as they came, which takes next to no time.

    It is folded, so that no page lays it out before the live widget hides it.
    """
    if not entries:
        return transcript(entries, name, piece, version)
    title = _title(entries)
    answers = "\n".join(f"{_prompt_html(entry, with_pictures=False)}\n{_words_html(entry)}" for entry in entries)
    html = f"<details {_mark(name, piece, version)}><summary>{title}</summary>\n{answers}\n</details>"
    return {"text/plain": title, "text/html": html}


def _mark(name: str, piece: int, version: int) -> str:
    return f'data-fal-transcript="{escape(name)}" data-fal-piece="{piece}" data-fal-version="{version}"'


def _title(entries: Sequence[Entry]) -> str:
    return f"Transcript ({len(entries)} answer{'' if len(entries) == 1 else 's'})"


def _prompt_html(entry: Entry, *, with_pictures: bool = True) -> str:
    words = entry.prompt if with_pictures else entry.asked
    files = "".join(each.html for each in entry.sent_files) if with_pictures else ""
    return f'<blockquote style="{_PROMPT_STYLE}">{lines_html(plain_text(words))}{files}</blockquote>'


def _answer_html(entry: Entry) -> str:
    return f'<div style="{_ANSWER_STYLE}">{entry.bundle["text/html"]}</div>'


def _words_html(entry: Entry) -> str:
    words = "" if entry.result is None else plain_text(entry.result.text[:LONGEST_TEXT])
    return f'<div style="{_WORDS_STYLE}">{lines_html(words)}</div>'


def _plain_answer(answer: str) -> str:
    """The plain text of an answer, cut if it is very long."""
    if len(answer) <= _LONGEST_WORDS:
        return answer
    return f"{answer[:_LONGEST_WORDS]}\n… cut here: {len(answer):,} characters in all; the HTML beside this has them"
