"""The line at the foot of an answer with what is folded below it, and an error above that line.

Both are static: the fold is a ``<details>``, which needs no script. In a page that has no style of ours it still folds.
"""

from collections.abc import Iterable

from ..safety.plain_text import one_line, plain_text
from .answer_style import SMALL, styled_html
from .bundles import Bundle
from .markdown import preformatted_html, text_html

_FOOT = SMALL.replace("fal-small", "fal-small fal-fold fal-foot")
# For where the style sheet is removed. The colour of the bar is legible on light and dark pages.
_ERROR_STYLE = "border-left:3px solid #d32f2f;padding-left:.7em"
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
    lines = "".join(f"<div>{_fact_html(*fact)}</div>" for fact in facts)
    if quote:
        shown = plain_text(quote[:_LONGEST_QUOTE]) + ("…" if len(quote) > _LONGEST_QUOTE else "")
        lines += f"<div>its own words</div>{preformatted_html(shown)}"
    summary = f"<summary>{text_html(one_line(line))}</summary>"
    html = f"<details {_FOOT}>{summary}<div>{lines}</div></details>"
    return {"text/plain": one_line(plain), "text/html": styled_html(html)}


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
    return {"text/plain": one_line(plain), "text/html": styled_html(html)}


def _fact_html(name: str, value: str) -> str:
    return f"<span>{text_html(one_line(name))}</span> <span>{text_html(one_line(value))}</span>"
