"""The look of answers: one stylesheet, given once with each output.

An output is saved with its notebook, so it gets only the parts of the sheet that it uses. Where a front end removes
the sheet, which JupyterLab does in a notebook that it does not trust, styles within the elements take its place for
what matters most: code and tables scroll sideways, and a table's words stand at its left.
"""

import re
from functools import cache
from pathlib import Path

from .mathematics import TYPESET

_SHEETS = ("answer.css", "cards.css", "json_view.css")
_PART = re.compile(r"/\* part ([^*]*)\*/")
_COMMENT = re.compile(r"/\*[^*]*\*/")
_SPACE = re.compile(r"\s+")
_NEEDLESS_SPACE = re.compile(r" ?([{};,>]|(?<=[\w-]):(?= )) ?")
_STYLE = re.compile(r'<style class="fal-style">[^<]*</style>\n?')
_BLANK_LINE = re.compile(r"(?<=\n)([ \t]*)\n")
_TINT = "background:rgba(128,128,128,.08)"
_FALLBACKS = {
    "<td>": '<td style="text-align:left">',
    "<th>": '<th style="text-align:left">',
    '<div class="fal-table" ': '<div class="fal-table" style="overflow-x:auto" ',
    '<div class="fal-code">': '<div class="fal-code" style="margin:0 0 .8em">',
    '<div class="fal-code-head">': f'<div class="fal-code-head" style="padding:.45em 1.1em 0;font-size:80%;{_TINT}">',
    '<pre tabindex="0"><code>': (
        f'<pre tabindex="0" style="overflow-x:auto;padding:.6em .9em;{_TINT}">'
        '<code style="white-space:pre;background:transparent">'
    ),
}
# Headings of answers are none of the notebook's: JupyterLab's table of contents leaves out those of this class.
_HEADING = re.compile(r"<(h[1-6])(?=[ >])")
_NO_CONTENTS = r'<\1 class="tocSkip"'
_RIGHT_TO_LEFT = re.compile(r'<p dir="auto">(?=[\W\d_]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff])')
QUIET_STYLE = "color:var(--jp-ui-font-color2,#717171);overflow-wrap:anywhere"
"""The style of quiet words where the sheet is not."""
SMALL = 'class="fal-small" style="font-size:85%"'
"""The attributes of a small line."""


def styled_html(html: str) -> str:
    """HTML as a part of an answer, with the style that it uses."""
    return styled_once(f'<div class="fal-answer">{html}</div>')


def styled_once(html: str) -> str:
    """HTML of which parts may have their style, with all of it in front, and without blank lines.

    The style has a line of its own: that, too, decides in Markdown where HTML ends.
    """
    bare = without_blank_lines(unstyled(html))
    if 'class="fal-' not in bare:
        return bare
    style = "".join(css for marks, css in _parts() if not marks or any(mark in bare for mark in marks))
    return f'<style class="fal-style">{style}</style>\n{bare}'


def without_blank_lines(html: str) -> str:
    """The same HTML, no line of which is empty: nbconvert can make it a part of Markdown, where it would end there."""
    return _BLANK_LINE.sub(r"\1&#10;", html)


def with_fallbacks(html: str) -> str:
    """The HTML with what a saved output needs: styles that do not need the sheet, and formulas that keep their TeX.

    Its headings are marked as none of the notebook's. MathJax replaces the TeX in a page; a script copies it from the
    attribute.
    """
    for bare, styled in _FALLBACKS.items():
        html = html.replace(bare, styled)
    html = TYPESET.sub(_with_tex, _HEADING.sub(_NO_CONTENTS, html))
    return _RIGHT_TO_LEFT.sub('<p dir="auto" style="text-align:right">', html)


def _with_tex(match: re.Match[str]) -> str:
    attribute = match[1].replace('"', "&quot;")
    return f'<span data-tex="{attribute}">{match[1]}</span>'


def unstyled(html: str) -> str:
    """The HTML without the style, for a page that has it."""
    return _STYLE.sub("", html)


@cache
def answer_style() -> str:
    """The whole sheet, for a page that shows many answers."""
    return "".join(css for _, css in _parts())


@cache
def _parts() -> list[tuple[list[str], str]]:
    """The parts of the sheet, each with the marks of HTML that uses it; the first has none, and is always used."""
    sheet = "".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in _SHEETS)
    first, *others = _PART.split(sheet)
    marked = zip(others[::2], others[1::2], strict=True)
    return [([], short_css(first)), *((marks.split(), short_css(css)) for marks, css in marked)]


def short_css(css: str) -> str:
    """A stylesheet without comments and needless space."""
    return _NEEDLESS_SPACE.sub(r"\1", _SPACE.sub(" ", _COMMENT.sub("", css))).replace(";}", "}").strip()
