"""Reports the rows: as tables in this folder's README.md, and as a chart and some ratios in the project's README."""

import os
import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isinf, log
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

from .rows import BOUND, OURS, Row

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TABLES = Path(__file__).with_name("README.md")
CHART = ROOT / "notebooks" / "images" / "benchmark.svg"
HEAD = "| work | who | median | spread | ratio to ours | goal | reached |"
GOALS_HEAD = "| work | fal_notebook | peer | ratio | goal | reached |"
_GOAL = re.compile(r"([≤≥]?)\s*([\d.]+)(×?)")
MACHINE = re.compile(r"^One run on .*$", re.MULTILINE)
RATIOS = re.compile(r"(?<=<!-- ratios: written by `make bench` -->\n).*(?=<!-- end of ratios -->)", re.DOTALL)
TELLING = (
    ("20,000 delta events to text", "ms", "fal.apps.ws stream"),
    ("2,000 snapshots up to 10 KiB", "ms", "fal.apps.ws stream"),
    ("a prompt 6 s after the last, RTT 50 ms, TLS", "ms", "fal_client.stream"),
    ("peak memory of 256 MiB of binary, kept", "× its size", "fal.apps.ws stream"),
    ("4,000 tokens at 1,000/s in a notebook", "messages/s", "print(flush=True)"),
)
"""The most telling rows of peers, by work, unit and name. The project's README shows their ratios."""


@dataclass(frozen=True)
class Line:
    """A row with its evaluation.

    Attributes:
        row: the row.
        median: the median of its values.
        ratio: the median divided by ours; None for our own rows, and if we have no such row.
        reached: whether the goal is reached; None if there is no goal.
    """

    row: Row
    median: float
    ratio: float | None
    reached: bool | None

    @property
    def amount(self) -> str:
        """The median with its unit."""
        return f"{_number(self.median)} {self.row.unit}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of its line in the table."""
        low, high = min(self.row.values), max(self.row.values)
        return (
            self.row.work,
            self.row.who,
            self.amount,
            f"{_number(low)} … {_number(high)}",
            "" if self.ratio is None else f"{_number(self.ratio)}×",
            self.row.goal,
            {True: "yes", False: "**no**", None: ""}[self.reached],
        )


def judged(rows: Sequence[Row]) -> list[Line]:
    """Each row with its ratio to ours, and whether it reaches its goal. Rows of the same work and unit are grouped."""
    ours = {(row.work, row.unit): median(row.values) for row in rows if row.who == OURS}
    places = list(dict.fromkeys((row.work, row.unit) for row in rows))
    lines = []
    for row in sorted(rows, key=lambda row: places.index((row.work, row.unit))):
        middle = median(row.values)
        own = ours.get((row.work, row.unit))
        ratio = middle / own if own and row.who != OURS else None
        lines.append(Line(row, middle, ratio, _is_reached(row.goal, middle, ratio)))
    return lines


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [HEAD, "|---|---|--:|--:|--:|---|---|"]
    for _, group in groupby(judged(rows), lambda line: (line.row.work, line.row.unit)):
        for number, line in enumerate(group):
            work, *others = line.cells
            lines.append(f"| {' | '.join([work if number == 0 else '', *others])} |")
    return "\n".join(lines)


def goals(rows: Sequence[Row]) -> str:
    """The goals as a Markdown table, with whether each is reached."""
    lines = judged(rows)
    ours = _own_amounts(lines)
    table = [GOALS_HEAD, "|---|--:|--:|--:|---|---|"]
    for line in lines:
        work, who, median, _, ratio, goal, reached = line.cells
        if line.reached is not None:
            own, peer = (median, "") if who == OURS else (ours[line.row.work, line.row.unit], f"{who} {median}")
            table.append(f"| {' | '.join([work, own, peer, ratio, goal, reached])} |")
    return "\n".join(table)


def telling(rows: Sequence[Row]) -> str:
    """The most telling ratios as a Markdown table: a line for each of `TELLING` that was measured."""
    lines = judged(rows)
    ours = _own_amounts(lines)
    peers = {(line.row.work, line.row.unit, line.row.who): line for line in lines if line.ratio is not None}
    table = ["| work | fal_notebook | peer | ratio |", "|---|--:|--:|--:|"]
    for line in [peers[name] for name in TELLING if name in peers]:
        work, who, median, _, ratio, *_ = line.cells
        table.append(f"| {' | '.join([work, ours[line.row.work, line.row.unit], f'{who} {median}', ratio])} |")
    return "\n".join(table)


def write(rows: Sequence[Row]) -> None:
    """Replace the tables, the ratios and the description of the machine in the two READMEs, and draw the chart."""
    text = TABLES.read_text(encoding="utf-8")
    for head, made in ((GOALS_HEAD, goals(rows)), (HEAD, table(rows))):
        before, _, rest = text.partition(head)
        after = re.sub(r"\A.*?\n(?!\|)", "", rest, flags=re.DOTALL)
        text = f"{before}{made}\n{after}"
    TABLES.write_text(MACHINE.sub(machine(), text), encoding="utf-8")
    ratios = f"\n{machine()}\n\n{telling(rows)}\n\n"
    README.write_text(RATIOS.sub(lambda _: ratios, README.read_text(encoding="utf-8")), encoding="utf-8")
    CHART.write_text(chart(rows), encoding="utf-8")


def machine(python: str = platform.python_version()) -> str:
    """A description of the machine on which the numbers were measured."""
    kind = f"{platform.python_implementation()} {python}, {platform.system()}"
    return f"One run on {os.cpu_count()} cores shared with other work, {kind}."


def _own_amounts(lines: Sequence[Line]) -> dict[tuple[str, str], str]:
    """Our own values, by work and unit."""
    return {(line.row.work, line.row.unit): line.amount for line in lines if line.row.who == OURS}


def _is_reached(goal: str, middle: float, ratio: float | None) -> bool | None:
    match = _GOAL.fullmatch(goal)
    if match is None:
        return None
    value = ratio if match[3] else middle
    if value is None:
        return None
    shown = round(value, 2)
    return shown >= float(match[2]) if match[1] == "≥" else shown <= float(match[2])


def _number(value: float) -> str:
    if isinf(value):
        return "∞"
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


# The chart: a heading for each kind of work, and below it a bar for each peer, from ours to the peer on a log scale.
_WIDTH, _LEFT, _RIGHT, _ROW, _TITLE = 760, 225, 700, 18, 26
_LEAST, _MOST = 0.4, 128.0
_TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100)
_INK, _SLOWER, _QUICKER = "#6e7781", "#2f81f7", "#d29922"  # each readable on white and on near black


def chart(rows: Sequence[Row]) -> str:
    """The ratios of all kinds of work whose goals are ratios, as SVG."""
    lines = [line for line in judged(rows) if line.ratio is not None and line.row.who != BOUND]
    groups = [list(group) for _, group in groupby(lines, lambda line: (line.row.work, line.row.unit))]
    shown = [group for group in groups if any("×" in line.row.goal for line in group)]
    height = 40 + sum(_TITLE + _ROW * len(group) for group in shown)
    title = "How many times as much each takes as fal_notebook (1), on a logarithmic scale; amber: less"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" font-size="12"'
            f' font-family="system-ui, sans-serif" fill="{_INK}">',
            f"<title>{title}</title>",
            f'<text x="0" y="14">{title}</text>',
            *_axis(height),
            *_bars(shown),
            "</svg>\n",
        ]
    )


def _axis(height: int) -> Iterator[str]:
    for tick in _TICKS:
        x = _place(tick)
        strong = ' stroke-width="2"' if tick == 1 else ' stroke-opacity="0.25"'
        yield f'<line x1="{x}" x2="{x}" y1="36" y2="{height}" stroke="{_INK}"{strong}/>'
        yield f'<text x="{x}" y="32" text-anchor="middle" font-size="10">{tick:g}</text>'


def _bars(groups: Sequence[Sequence[Line]]) -> Iterator[str]:
    y = 40
    for group in groups:
        yield f'<text x="0" y="{y + 18}" font-weight="bold">{escape(group[0].row.work)}</text>'
        y += _TITLE
        for line in group:
            yield from _bar(line, y)
            y += _ROW


def _bar(line: Line, y: int) -> Iterator[str]:
    ratio = line.ratio or 1.0
    left, right = sorted((_place(1), _place(ratio)))
    color = _SLOWER if ratio >= 1 else _QUICKER
    yield f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(line.row.who)}</text>'
    yield f'<rect x="{left}" y="{y + 3}" width="{right - left:.1f}" height="{_ROW - 6}" fill="{color}"/>'
    yield f'<text x="{right + 5:.1f}" y="{y + 13}">{_number(ratio)}×</text>'


def _place(ratio: float) -> float:
    """The place of a ratio on the axis, in pixels."""
    part = log(min(max(ratio, _LEAST), _MOST) / _LEAST) / log(_MOST / _LEAST)
    return round(_LEFT + part * (_RIGHT - _LEFT), 1)
