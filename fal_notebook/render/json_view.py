"""A JSON value that can be read: compact text, and HTML that folds.

What fits on a line stands on one line. Of the HTML, only as many lines are open at first as a window has; the rest
opens by a click, without a script. JupyterLab gets small values as ``application/json``, too, for its own tree view,
which can be searched.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..safety.plain_text import one_line, plain_text
from .answer_style import styled_html
from .bundles import JSON_TYPE, LONGEST_TEXT, Bundle
from .markdown import preformatted_html, text_html

_LINE = 110  # characters of a value that stands on one line
_LONGEST_STRING = 2_000
_LONGEST_CODE = 60  # characters of a string without spaces, such as base64
_SHORTEST_CODE = 200
_LONGEST_KEY = 200
_OPEN_LINES = 24  # that are open at first
_FIRST = 12  # items of an open list or object within another; the others are folded behind them
_AT_ONCE = 100  # items of a fold
_MOST_LINES = 2_000  # of HTML: a page lays them out although they are folded
_DEEPEST = 30  # levels of folds
_PREVIEW = 60  # characters
_MOST_BYTES = 100_000  # of application/json, which a notebook gets beside the HTML
_MOST_NAMES = 5
_LONGEST_NATIVE = 400  # characters of a string: JupyterLab's own view shows all of it
_LARGEST_INTEGER = 2**53 - 1  # JavaScript rounds larger ones
_CUT_NOTE = "\n\n… cut here: the whole value is in the result's data"
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def json_bundle(value: Any, *, native: bool = False) -> Bundle:
    """A JSON value as compact text, and as HTML that folds. Very long strings in it are cut and say their length.

    Args:
        value: a JSON value.
        native: whether JupyterLab shows it in its own view, if it is small and has no long strings.
    """
    bundle = {"text/plain": json_words(value), "text/html": styled_html(_html(value))}
    return {**bundle, JSON_TYPE: value} if native and _is_plain(value) else bundle


def folded_json_bundle(line: str, value: Any, *, is_small: bool = False) -> Bundle:
    """A JSON value, collapsed below a line that says what it is; in small type if it is beside the answer."""
    shown = one_line(line)
    more = " fal-more" if is_small else ""
    html = f'<details class="fal-fold{more}"><summary>{text_html(shown)}</summary>{_html(value)}</details>'
    return {"text/plain": f"[{shown}] {json_words(value)}", "text/html": styled_html(html)}


def more_bundle(rest: dict[str, Any]) -> Bundle:
    """What an endpoint said beside its words and files, collapsed below a line with the names."""
    names = [one_line(name, 40) for name in islice(rest, _MOST_NAMES)]
    more = ["…"] if len(rest) > len(names) else []
    return folded_json_bundle(f"more from the endpoint: {', '.join([*names, *more])}", rest, is_small=True)


def json_words(value: Any) -> str:
    """A JSON value as compact text: what fits on a line stands on one line."""
    try:
        words = _beginning(_pieces(value, "\n"))
    except RecursionError:
        words = json.dumps(value, ensure_ascii=False)
    return plain_text(words) if len(words) <= LONGEST_TEXT else plain_text(words[:LONGEST_TEXT]) + _CUT_NOTE


def _beginning(pieces: Iterator[str]) -> str:
    """The pieces joined, up to the first one that makes the text too long to be shown."""
    taken: list[str] = []
    length = 0
    for piece in pieces:
        taken.append(piece)
        length += len(piece)
        if length > LONGEST_TEXT:
            break
    return "".join(taken)


def _pieces(value: Any, line_end: str) -> Iterator[str]:
    """A JSON value as text, made lazily in pieces: indentation can make it a hundred times as long."""
    short = _on_a_line(value, _LINE)
    if short is not None:
        yield short
        return
    inner = f"{line_end}  "
    if isinstance(value, dict):
        for number, (name, each) in enumerate(value.items()):
            yield f"{',' if number else '{'}{inner}{_scalar(name)}: "
            yield from _pieces(each, inner)
        yield f"{line_end}}}"
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield f"{',' if number else '['}{inner}"
            yield from _pieces(each, inner)
        yield f"{line_end}]"
    else:
        yield _scalar(value)


def _on_a_line(value: Any, room: int) -> str | None:
    """A value on one line of at most this many characters; None if it is longer."""
    if not isinstance(value, dict | list):
        return short if len(short := _scalar(value)) <= room else None
    taken: list[str] = []
    room -= 2
    for each in value:
        said = f"{_scalar(each)}: " if isinstance(value, dict) else ""
        inner = _on_a_line(value[each] if isinstance(value, dict) else each, room - len(said))
        if inner is None:
            return None
        taken.append(said + inner)
        room -= len(taken[-1]) + 2
    words = ", ".join(taken)
    return f"{{{words}}}" if isinstance(value, dict) else f"[{words}]"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and len(value) > _SHORTEST_CODE:
        is_code = not any(letter.isspace() for letter in value[:_SHORTEST_CODE])
        longest = _LONGEST_CODE if is_code else _LONGEST_STRING
        if len(value) > longest:
            value = f"{value[:longest]}… ({len(value):,} characters)"
    return _ENCODER.encode(value)


class _Page:
    """HTML of one value, with how many lines it has and how many of them are open at first."""

    def __init__(self) -> None:
        self.lines = 0
        self.open = 0

    def lines_of(self, value: Any, start: int, count: int, depth: int) -> str:
        """The items of a list or an object from one place on, each a line or a fold."""
        html: list[str] = []
        items = value.items() if isinstance(value, dict) else ((None, each) for each in value)
        for name, each in islice(items, start, start + count):
            if self.lines >= _MOST_LINES:
                break
            self.lines += 1
            html.append(self.line(name, each, depth))
        end = start + len(html)
        if end < len(value):
            html.append(self._others(value, end, depth))
        return "".join(html)

    def line(self, name: str | None, value: Any, depth: int) -> str:
        """One item: its key, and the value on the same line, or folded."""
        key = "" if name is None else f"<b>{_escaped(_scalar(str(name)[:_LONGEST_KEY]))}</b>: "
        short = _on_a_line(value, _LINE)
        if short is not None or not isinstance(value, dict | list):
            words = _scalar(value) if short is None else short
            return f"<div>{key}{_escaped(words)}</div>"
        if depth >= _DEEPEST:
            return f"<div>{key}<i>{_counted(value)}, deeper than is shown here</i></div>"
        size = min(len(value), _FIRST)
        is_open = self.open + size <= _OPEN_LINES
        self.open += size if is_open else 0
        before, self.open = self.open, self.open if is_open else _OPEN_LINES
        inner = self.lines_of(value, 0, _FIRST if is_open else _AT_ONCE, depth + 1)
        self.open = self.open if is_open else before
        preview = "" if is_open else f" <i>{_escaped(_preview(value))}</i>"
        return f"{_fold(f'{key}<i>{_counted(value)}</i>{preview}', inner, is_open=is_open)}"

    def _others(self, value: Any, start: int, depth: int) -> str:
        rest = len(value) - start
        if self.lines >= _MOST_LINES or depth >= _DEEPEST:
            return f"<div><i>… {rest:,} more, in the result's data</i></div>"
        before, self.open = self.open, _OPEN_LINES
        inner = self.lines_of(value, start, _AT_ONCE, depth + 1)
        self.open = before
        return _fold(f"<i>… {rest:,} more</i>", inner, is_open=False)


def _html(value: Any) -> str:
    if not isinstance(value, dict | list):
        return preformatted_html(json_words(value))
    page = _Page()
    page.open = min(len(value), _FIRST)
    try:
        lines = page.lines_of(value, 0, _OPEN_LINES, 0) if value else f"<div>{_scalar(value)}</div>"
    except RecursionError:
        return preformatted_html(json_words(value))
    return f'<div class="fal-json" tabindex="0" style="font-family:monospace;font-size:90%">{lines}</div>'


def _fold(summary: str, inner: str, *, is_open: bool) -> str:
    return (
        f"<details{' open' if is_open else ''}><summary>{summary}</summary>"
        f'<div style="padding-left:1.2em">{inner}</div></details>'
    )


def _counted(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{len(value):,} key{'' if len(value) == 1 else 's'}}}"
    return f"[{len(value):,} item{'' if len(value) == 1 else 's'}]"


def _preview(value: Any) -> str:
    """The first words of a folded value."""
    if isinstance(value, dict):
        return one_line(", ".join(map(str, islice(value, _MOST_NAMES))), _PREVIEW)
    first = next(iter(value), None)
    return one_line(_beginning(islice(_pieces(first, " "), 50)), _PREVIEW)


def _escaped(words: str) -> str:
    return text_html(plain_text(words))


def _is_plain(value: Any) -> bool:
    """Whether every page reads the value as it is: it is small and flat, and JavaScript has its numbers."""
    try:
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return len(encoded) <= _MOST_BYTES and _is_flat(value, 0)


def _is_flat(value: Any, depth: int) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth < _DEEPEST and all(_is_flat(each, depth + 1) for each in inner)
    if isinstance(value, str):
        return len(value) <= _LONGEST_NATIVE
    return not isinstance(value, int) or abs(value) <= _LARGEST_INTEGER
