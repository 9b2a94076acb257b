"""A table as plain text: in columns, and where a terminal is too narrow for them, laid out within its width."""

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from textwrap import wrap

_GAP = "  "
_NARROWEST = 20  # characters of a last column that is wrapped; with less room, each row is a block of lines

Cells = Sequence[str]


def text_table(names: Cells, rows: Sequence[Cells], width: int | None = None) -> str:
    """A table as text.

    Args:
        names: the names of the columns.
        rows: the cells of each row.
        width: the most characters of a line; None for any number.
    """
    lines = [names, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    room = None if width is None else width - sum(widths[:-1]) - len(_GAP) * (len(widths) - 1)
    if room is None or room >= widths[-1]:
        return "\n".join(_GAP.join(map(str.ljust, line, widths)).rstrip() for line in lines)
    if room >= _NARROWEST:
        return "\n".join(_wrapped(line, widths, room) for line in lines)
    return "\n".join(_block(names, row, width or 0) for row in rows)


def terminal_width() -> int | None:
    """How many characters a line of the terminal has; None where the output goes elsewhere."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return get_terminal_size().columns - 1 if is_terminal else None


def _wrapped(line: Cells, widths: Sequence[int], room: int) -> str:
    """A line whose last cell goes on below itself."""
    start = "".join(f"{cell:{width}}{_GAP}" for cell, width in zip(line[:-1], widths[:-1], strict=True))
    parts = wrap(line[-1], room) or [""]
    return "\n".join(
        f"{start if number == 0 else ' ' * len(start)}{part}".rstrip() for number, part in enumerate(parts)
    )


def _block(names: Cells, row: Cells, width: int) -> str:
    """A row as lines: its first cell, and below it the others that are not empty, each with the column's name."""
    first, *others = row
    said = [f"{name}: {cell}" for name, cell in zip(names[1:], others, strict=True) if cell]
    lines = [line for each in said for line in wrap(each, width, initial_indent=_GAP, subsequent_indent=_GAP * 2)]
    return "\n".join([first, *lines])
