"""What a notebook keeps of a run: a line of how it stands, and its newest rows, as a static MIME bundle."""

import json
from collections.abc import Mapping
from typing import Any

from ..render.answer_style import styled_html
from ..render.bundles import Bundle, merged, small_bundle, table_bundle
from ..render.foot import error_bundle
from ..safety.plain_text import one_line
from .journal_view import JournalView
from .outcomes import shown
from .progress import Progress, Standing
from .stored import StoredRow

_NEWEST = 5  # rows
_LONGEST_CELL = 80  # characters
_BAR_STYLE = 'style="width:24em;max-width:100%"'


def summary_bundle(view: JournalView, standing: Standing | None = None) -> Bundle:
    """How a run stands. It holds no script, and shows the same after save and reopen.

    Args:
        view: the journal.
        standing: how the run stands; None where that is to be counted.
    """
    now = standing or Progress(view.header.endpoint, view.counts(), view.cost()).standing(is_running=False)
    bundles = [_bar(now), small_bundle(now.words)]
    if now.has_failed:
        line = " · ".join(filter(None, [now.counted, now.others]))
        bundles = [
            _bar(now),
            error_bundle(now.stopped, now.way_on, " · ".join(filter(None, [now.stopped, now.way_on]))),
            small_bundle(line),
        ]
    if newest := [view.row(number) for number in view.newest(_NEWEST)]:
        bundles.append(table_bundle(("row", "asked", "output", "status"), map(_cells, newest)))
    (bundle,) = merged(bundles)
    return bundle


def _bar(standing: Standing) -> Bundle:
    """A bar that needs neither script nor style; a page that takes it away still has the numbers."""
    bar = (
        f'<progress aria-label="rows" value="{standing.ended}" max="{max(1, standing.total)}" {_BAR_STYLE}></progress>'
    )
    return {"text/plain": standing.bar, "text/html": styled_html(bar)}


def _cells(row: StoredRow) -> tuple[str, str, str, str]:
    asked = json.loads(row.row.arguments)
    words = _first_words(asked) if isinstance(asked, dict) else ""
    came = shown(row.answer) if row.answer is not None and row.state == "done" else row.error or ""
    label = json.dumps(json.loads(row.row.label), ensure_ascii=False)
    return (_cell(label), _cell(words), _cell(came), row.state)


def _first_words(asked: Mapping[str, Any]) -> str:
    """The first text among arguments, or the last message's."""
    said = asked.get("messages")
    last = said[-1] if isinstance(said, list) and said else None
    values = [last.get("content")] if isinstance(last, dict) else asked.values()
    return next((value for value in values if isinstance(value, str)), "")


def _cell(text: str) -> str:
    return one_line(text[: 4 * _LONGEST_CELL], _LONGEST_CELL)
