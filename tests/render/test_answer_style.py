"""The sheet of an answer: once in each output, and only what is used of it."""

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from fal_notebook.render.answer_style import answer_style, styled_html, styled_once, unstyled
from fal_notebook.render.bundles import merged, reasoning_bundle, small_bundle, table_bundle, text_bundle

STYLE = "<style"
LARGEST = 5_000  # bytes of what is saved with an answer of words, code and tables
LARGEST_SHEET = 12_000  # the same of all parts


def test_the_sheet_is_compact_and_holds_nothing_that_loads_or_ends_it() -> None:
    saved = styled_once(text_bundle("words\n\n| a |\n|---|\n\n```py\nx\n```")["text/html"])
    assert len(saved.encode()) - len(unstyled(saved).encode()) < LARGEST
    assert len(answer_style().encode()) < LARGEST_SHEET
    assert not re.search(r"<|url\(|@import|/\*", answer_style())
    assert saved.count("!important") == 1


def test_every_output_has_its_style_once_and_in_front() -> None:
    parts = [text_bundle("| a |\n|---|\n"), text_bundle("```py\nx\n```"), small_bundle("line")]
    (bundle,) = merged(parts)
    assert bundle["text/html"].startswith(STYLE)
    assert bundle["text/html"].count(STYLE) == 1
    assert styled_once(bundle["text/html"]) == bundle["text/html"]
    assert STYLE not in unstyled(bundle["text/html"])


def test_an_output_has_only_the_rules_that_it_uses() -> None:
    small, words = small_bundle("line")["text/html"], text_bundle("words")["text/html"]
    code, table = text_bundle("```\nx\n```")["text/html"], table_bundle(["a"], [["b"]])["text/html"]
    assert len(small) < len(words) < len(code)
    assert (".fal-code pre" in words, ".fal-code pre" in code) == (False, True)
    assert ("tbody" in words, "& table" in table) == (False, True)


def test_what_is_none_of_an_answer_has_no_style() -> None:
    assert styled_once("<b>x</b>") == "<b>x</b>"
    assert STYLE in styled_html("<b>x</b>")


@pytest.mark.parametrize(
    ("text", "fallback"),
    [
        ("| a |\n|---|\n| b |\n", '<td style="text-align:left">'),
        ("| a |\n|--:|\n| b |\n", '<td style="text-align:right">'),
        ("| a |\n|---|\n| b |\n", '<div class="fal-table" style="overflow-x:auto" tabindex="0">'),
        ("- (شل)\n\n123 شل", '<p dir="auto" style="text-align:right">123'),
        ("```\nx\n```", '<code style="white-space:pre;'),
    ],
)
def test_what_matters_most_does_not_need_the_sheet(text: str, fallback: str) -> None:
    assert fallback in text_bundle(text)["text/html"]


def test_headings_of_an_answer_are_no_headings_of_the_notebook() -> None:
    html = text_bundle("# One\n\n> ## Two\n")["text/html"]
    assert re.findall(r"<h\d[^>]*>", html) == ['<h1 class="tocSkip" dir="auto">', '<h2 class="tocSkip">']


def test_a_page_does_not_break_the_lines_of_an_answer_twice() -> None:
    long = text_bundle("word " * 10, "text")["text/html"]
    assert "overflow-wrap:anywhere" not in long + text_bundle("words")["text/html"]


CODE = "def f(x):\n    y = x\n\n \n    return *y*\n\nf(1)"


@pytest.mark.parametrize(
    "bundle",
    [
        text_bundle(
            f"Some *words*,\n  *more*\n\n```py\n{CODE}\n```\n\n$$a\n+ b$$\n\n- a\n\n  b\n\n| a |\n|---|\n| *b* |\n"
        ),
        text_bundle(CODE, "text"),
        reasoning_bundle(f"Some words.\n\n    {CODE}\n", style="text"),
    ],
)
def test_markdown_that_holds_an_output_leaves_it_as_it_is(bundle: dict[str, str]) -> None:
    html = bundle["text/html"]
    assert MarkdownIt().render(html).rstrip("\n") == html.rstrip("\n")
    assert "\n    return *y*\n" in unescape(re.sub("<[^>]*>", "", html))
