"""The messages of formatted words, applied as a page applies them; the page itself is tested in a browser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.display.growing_words import GrowingWords
from fal_notebook.render.answer_style import with_fallbacks
from fal_notebook.render.bundles import CUT_NOTE, LONGEST_TEXT, text_bundle
from fal_notebook.render.markdown import markdown_html, text_html
from fal_notebook.response.updates import Text
from fal_notebook.safety.plain_text import plain_text

from ..growing_page import GrowingPage


def shown(words: GrowingWords) -> GrowingPage:
    page = GrowingPage()
    page.apply(words.whole())
    return page


@given(st.lists(st.tuples(st.text("ab😀\u202e*- \n\r"), st.booleans()), max_size=12))
def test_a_page_has_the_same_after_all_messages_as_a_page_that_is_told_everything_at_once(
    pieces: list[tuple[str, bool]],
) -> None:
    words, page, length = GrowingWords(), GrowingPage(), 0
    for piece, is_taken in pieces:
        words.feed(Text(piece, length))
        length += len(piece)
        if is_taken:
            page.apply(words.take())
            assert vars(page) == vars(shown(words))
    page.apply(words.take(last=True))
    assert vars(page) == vars(shown(words))
    assert page.tail == ""
    assert words.html() == markdown_html(plain_text("".join(piece for piece, _ in pieces)))


@given(st.lists(st.text("a😀\n\r*- ", max_size=30), min_size=1, max_size=8), st.data())
def test_a_rewritten_text_leaves_nothing_of_what_it_replaces(snapshots: list[str], data: st.DataObject) -> None:
    words, page, before = GrowingWords(), GrowingPage(), ""
    for snapshot in snapshots:
        kept = next((n for n, pair in enumerate(zip(before, snapshot, strict=False)) if pair[0] != pair[1]), None)
        offset = min(len(before), len(snapshot)) if kept is None else kept
        words.feed(Text(snapshot[offset:], offset))
        before = snapshot
        if data.draw(st.booleans()):
            page.apply(words.take())
    page.apply(words.take(last=True))
    assert vars(page) == vars(shown(words))
    assert words.html() == markdown_html(plain_text(snapshots[-1]))


def test_of_a_tail_only_what_is_new_is_told() -> None:
    words = GrowingWords()
    words.feed(Text("a 😀 **b**", 0))
    assert words.take() == {"keep": 0, "blocks": [], "tail": [0, '<p dir="auto">a 😀 <strong>b</strong></p>\n', False]}
    assert words.take() is None
    words.feed(Text(" c", 9))
    assert words.take() == {"keep": 0, "blocks": [], "tail": [37, " c</p>\n", False]}


def test_a_rewrite_keeps_the_blocks_before_it() -> None:
    words = GrowingWords()
    words.feed(Text("# a\n\nb\n\nc\n\n", 0))
    words.take()
    words.feed(Text("d\n\n", 8))
    assert words.take() == {"keep": 2, "blocks": [['<p dir="auto">d</p>\n', False]], "tail": [0, "", False]}


def test_a_text_that_is_too_long_for_a_page_is_cut_with_a_note() -> None:
    words, size = GrowingWords(), 250_000
    for number in range(12):
        words.feed(Text("x" * (size - 1) + "\n", number * size))
        words.take()
    words.take(last=True)
    html = "".join(block.html for block in words.blocks)
    assert html.replace(CUT_NOTE.strip(), "").count("x") == LONGEST_TEXT - LONGEST_TEXT // size
    assert html.count(CUT_NOTE.strip()) == 1


def test_a_rewrite_below_the_cut_is_shown_and_one_beyond_it_is_not() -> None:
    words = GrowingWords()
    words.feed(Text("x" * (LONGEST_TEXT + 10), 0))
    words.take()
    words.feed(Text("y" * 20, LONGEST_TEXT + 5))
    assert words.take() is None
    words.feed(Text("short", 3))
    words.take(last=True)
    assert [block.html for block in words.blocks] == ['<p dir="auto">xxxshort</p>\n']


@pytest.mark.parametrize("text", ["", "*a* $x$", "- a\n\n- b", "[a] b\n\n[a]: https://fal.ai", "x" * 300_000])
def test_its_html_is_a_part_of_the_answer_that_stays(text: str) -> None:
    words = GrowingWords()
    words.feed(Text(text, 0))
    words.take(last=True)
    assert with_fallbacks(words.html()) in text_bundle(text)["text/html"]


def test_what_looks_like_html_is_told_as_text() -> None:
    words = GrowingWords()
    words.feed(Text("<b>", 0))
    message = words.take()
    assert message is not None
    assert message["tail"][1] == f'<p dir="auto">{text_html("<b>")}</p>\n'
