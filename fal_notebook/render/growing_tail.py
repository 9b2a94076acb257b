"""The tail of a text that grows: what is not finished, as HTML of its own kind.

An end of which only the next characters tell what it is is not shown: it might be the mark of a heading, of an item or
of a table, or words.
"""

import re

from .block_bounds import spans
from .finished_blocks import FENCE, FinishedBlocks, without_language
from .folds import GROWING, without_open_head
from .markdown import block_html, block_tokens, wild_html
from .mathematics import code_html, formulas_within, unended_formulas

# What the next characters may make a heading, an item, a rule, a fence, a table's line, or words.
_UNDECIDED = re.compile(r"[ \t>]*+(?:[-=*+_#|:`~][-=*+_#|:`~ \t]*+|\d{1,9}+[.)]?+[ \t]*+|(?:`{3,}+|~{3,}+)[^\n`]*+)?")
_EMPTY_FENCE = re.compile(r"[ \t>]*+(?:[-*+] ++|\d{1,9}+[.)] ++)?+(?:`{3,}+|~{3,}+)[^\n`]*+\n\s*+")
_CELL_END = re.compile(r"(?<!\\)\|")
_OPEN_LINK = re.compile(r"!?\[([^\[\]\n]{1,500})\]\([^\s()]*$")
_LONGEST_LINK = 2_000


def tail_html(finished: FinishedBlocks) -> str:
    """The HTML of what was not given, in its own kind."""
    state = finished.state
    if state.is_wild:
        return wild_html(finished.open) if finished.open else ""
    view = without_open_head(_view(finished))
    if not view.strip() and not state.head:
        return ""
    head = state.head if view.strip() else without_language(state.head)
    source, unread = _without_formula(finished, head + view)
    html = block_html(_without_open_fold(source, finished), finished.env() | GROWING, finished.as_rest)
    if html is None:
        return wild_html(view)
    shown, _ = formulas_within(html, 0)  # a page would set them anew each time
    return shown + (f"<p>{code_html(unread)}</p>" if unread else "")


def _without_formula(finished: FinishedBlocks, source: str) -> tuple[str, str]:
    """The beginning of a tail, and the formula at its end that is open and stands in no list or quote."""
    if next(unended_formulas(source), None) is None:
        return source, ""
    found = spans(source, block_tokens(source, finished.env()))
    start = finished.open_formula(source, found)
    if start is None or not any(each.kind == "paragraph_open" and each.start <= start < each.end for each in found):
        return source, ""
    return source[:start], source[start:].strip()


def _without_open_fold(source: str, finished: FinishedBlocks) -> str:
    """A tail without what the fold at its end has, which a reader would have to unfold anew each time."""
    if "<details" not in source.lower():
        return source
    found = spans(source, block_tokens(source, finished.env() | GROWING))
    return source[: found[-1].body] if found and found[-1].is_open_fold else source


def _view(finished: FinishedBlocks) -> str:
    """What is not given, without an end of which the next characters tell what it is."""
    view = finished.open
    start = view.rfind("\n") + 1
    if _UNDECIDED.fullmatch(view, start):
        view = view[:start]
    last = view.rstrip()
    last_line = last.rfind("\n") + 1
    if _EMPTY_FENCE.fullmatch(view, last_line):
        return view[:last_line]
    if FENCE.match((finished.state.head + view).lstrip("\n")):
        return view
    if view[last_line : last_line + 1] == "|" and not _is_row(finished.state.head + view[:last_line]):
        if not view.endswith("\n"):
            return view[:last_line]
        cells = _CELL_END.split(last[last_line:].strip("|"))
        return f"{last}\n{'|---' * len(cells)}|\n" if last + "\n" == view else view
    cut = max(0, len(view) - _LONGEST_LINK)
    return view[:cut] + _OPEN_LINK.sub(r"\1", view[cut:])


def _is_row(lines: str) -> bool:
    """Whether the last of the lines is of a table."""
    return lines[lines.rfind("\n", 0, len(lines) - 1) + 1 :].startswith("|")
