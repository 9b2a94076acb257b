"""Code is coloured where its language is known, and what it costs is bounded."""

import re
import time
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.render.answer_style import answer_style
from fal_notebook.render.code_blocks import (
    _LEXER_OF,
    _LEXERS,
    COLOURS,
    LONGEST_COLOURED,
    MOST_COLOURS,
    code_block_html,
    colours_within,
)
from fal_notebook.render.markdown import markdown_html

SAMPLES = {
    "python": ("def f(x):\n    return 'a' + 1.5  # note\n", "kfkcsm"),
    "json": ('{"a": [1, "b", true]}', "fmsk"),
    "bash": ('for f in *.png; do echo "$f"; done', "kbs"),
    "c++": ('int main() { return 1; /* c */ std::cout << "x"; }', "bkmcs"),
    "java": ('public class A { int x = 1; // c\n String s = "a"; }', "kfbmcs"),
    "typescript": ("const x: number = 1 // c", "kbmc"),
    "diff": ("-old\n+new\n", "di"),
    "yaml": ("a: 1\nb: 'x'\n", "fs"),
}
PIECES = ("a", " ", "\n", "\n\n", "x\n", "(", "a(", "{", "'''", '"', "/*", "<", "${", "\\", "#", "- ", "a: ", "`", "é")
SLOWEST = 3.0  # seconds for the longest block on a busy machine; the worst lexer takes a tenth of this


def words(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html.partition("<code>")[2].partition("</code>")[0]))


@pytest.mark.parametrize("language", SAMPLES)
def test_code_has_the_colours_of_its_language(language: str) -> None:
    code, letters = SAMPLES[language]
    html = code_block_html(code, language)
    assert set(letters) <= set(re.findall(r'class="fal-([a-z])"', html))
    assert f'<div class="fal-code-head">{language}</div>' in html
    assert words(html) == code


@pytest.mark.parametrize("language", ["", "whatever", "<b>", "guess", "text", "__class__"])
def test_code_of_an_unknown_language_is_plain(language: str) -> None:
    assert "<code>def f(): 1</code>" in code_block_html("def f(): 1", language)


@given(
    st.sampled_from(sorted(_LEXER_OF)), st.text(max_size=80) | st.sampled_from([code for code, _ in SAMPLES.values()])
)
def test_no_letter_of_code_is_lost(language: str, code: str) -> None:
    assert words(code_block_html(code, language)) == code


def test_code_that_is_long_has_no_colours() -> None:
    assert "<span" in code_block_html("x = 1\n" * (LONGEST_COLOURED // 6), "py")
    assert "<span" not in code_block_html("x = 1\n" * (LONGEST_COLOURED // 6 + 1), "py")
    assert "<span" not in code_block_html("x = 1;" * 100, "py")


def test_an_output_has_a_bounded_number_of_coloured_words() -> None:
    fence = "```py\n" + "1 + 1\n" * 1_000 + "```\n"
    html = markdown_html(fence * 6)
    assert html.count('<span class="fal-m">') == MOST_COLOURS
    assert words(html.rpartition("fal-code-head")[2]) == "1 + 1\n" * 1_000
    assert colours_within('<span class="fal-m">1</span> <span class="fal-m">2</span>', 0) == ("1 2", 0)


def test_every_colour_has_a_rule() -> None:
    assert [each for each in COLOURS if f".{each}" not in answer_style()] == []


@pytest.mark.rig
@pytest.mark.parametrize("lexer", _LEXERS)
def test_hostile_code_costs_no_lexer_long(lexer: str) -> None:
    language = _LEXERS[lexer].split()[0]
    for piece in PIECES:
        line = piece * (400 // len(piece)) if "\n" not in piece else piece
        code = ((line + ("" if "\n" in piece else "\n")) * LONGEST_COLOURED)[:LONGEST_COLOURED]
        began = time.thread_time()
        code_block_html(code, language)
        assert time.thread_time() - began < SLOWEST, (lexer, piece)
