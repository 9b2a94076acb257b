"""What the incremental renderer says of a text that grows, and what it remembers of it."""

from dataclasses import dataclass

from .code_blocks import MOST_COLOURS
from .mathematics import MOST_OUTPUT_SYMBOLS


@dataclass(frozen=True)
class Block:
    """A part of an answer.

    Attributes:
        html: that can do nothing but be read.
        continues: whether it goes on with the list, the table, the code or the words of the block before it.
        is_open: whether it is code or a table that goes on in the next block, or in the tail.
    """

    html: str
    continues: bool = False
    is_open: bool = False


@dataclass(frozen=True)
class Growth:
    """What a page has to do.

    Attributes:
        keep: how many of the blocks that it has stay: all, unless text was replaced.
        blocks: that are finished, to put behind them.
        tail: what stands behind all blocks, in the place of the tail before.
    """

    keep: int
    blocks: tuple[Block, ...]
    tail: Block


@dataclass
class State:
    """How far the text has been read. Copies of it are kept, to return to where text is replaced."""

    raw: int = 0  # characters that have been read, as they came
    plain: int = 0  # the same, as they are shown
    given: int = 0  # of these, what stands in blocks
    blocks: int = 0
    section: int = 0  # where the block begins that grows, parts of which may have been given
    sections: int = 0
    head: str = ""  # with these lines before it, what is not given is read as what it goes on with
    ignored: int = 0  # of formulas that open before this place, the end is not waited for
    is_exact: bool = True  # whether the sections are the blocks of the whole text
    is_wild: bool = False
    symbols: int = MOST_OUTPUT_SYMBOLS  # of formulas, those that are left
    colours: int = MOST_COLOURS  # the same of code
    weights: tuple[int, ...] = (0,) * 5
    elements: tuple[int, ...] = (0,) * 3
    references: int = 0
    footnotes: int = 0
    # Of the list whose items have been given:
    first: int | None = None  # its number
    items: int = 0
    has_one_number: bool = True
    is_loose: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether a part of the block that grows has been given."""
        return self.section < self.given


@dataclass(frozen=True)
class Section:
    """A block of the whole text."""

    start: int
    end: int
    html: str | None  # None where it was given in parts
