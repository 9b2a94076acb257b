"""The line at the foot of an answer with what is folded below it, and an error above that line.

Both are static: the fold is a ``<details>``, which needs no script. In a page that has no style of ours it still folds.
"""

from collections.abc import Iterable

from ..safety.plain_text import one_line, plain_text
from .bundles import Bundle
from .markdown import preformatted_html, text_html

_SMALL_STYLE = "color:var(--jp-ui-font-color2,#717171);font-size:85%;margin:.35em 0 0;overflow-wrap:anywhere"
_NAME_STYLE = "display:inline-block;min-width:7em"
_SELECT_STYLE = "user-select:all"  # a click selects all of it
# The words have the colour of the page's text, and the bar at their side is legible on light and dark pages.
_ERROR_STYLE = "border-left:3px solid #d32f2f;padding:.1em 0 .1em .7em;margin:.5em 0 .35em;overflow-wrap:break-word"
_LONGEST_QUOTE = 20_000  # characters of a server's own words

Facts = Iterable[tuple[str, str]]
"""Names and values."""


def foot_bundle(line: str, plain: str, facts: Facts, quote: str = "") -> Bundle:
    """The line below an answer, as a fold.

    Args:
        line: the line that is seen.
        plain: the line where there is only plain text; nothing folds there.
        facts: what is folded, each on a line of its own.
        quote: a server's own words, which are folded, too.
    """
    folded = "".join(f"<div>{_fact_html(*fact)}</div>" for fact in facts)
    if quote:
        shown = plain_text(quote[:_LONGEST_QUOTE]) + ("…" if len(quote) > _LONGEST_QUOTE else "")
        folded += f"<div>its own words</div>{preformatted_html(shown)}"
    html = (
        f'<details class="fal-fold fal-foot fal-small" style="{_SMALL_STYLE}">'
        f"<summary>{text_html(one_line(line))}</summary>{folded}</details>"
    )
    return {"text/plain": one_line(plain), "text/html": html}


def error_bundle(headline: str, advice: str, plain: str) -> Bundle:
    """An error as a reader of a page sees it: what happened, in bold, and what to do.

    Args:
        headline: what happened.
        advice: what to do.
        plain: both, where there is only plain text.
    """
    below = f"<div>{text_html(one_line(advice))}</div>" if advice else ""
    html = (
        f'<div class="fal-error" style="{_ERROR_STYLE}"><strong>{text_html(one_line(headline))}</strong>{below}</div>'
    )
    return {"text/plain": one_line(plain), "text/html": html}


def _fact_html(name: str, value: str) -> str:
    shown = f'<span style="{_SELECT_STYLE}">{text_html(one_line(value))}</span>'
    return f'<span style="{_NAME_STYLE}">{text_html(one_line(name))}</span> {shown}'
