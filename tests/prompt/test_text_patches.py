import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.prompt.text_patches import PageText, TextPatch
from fal_notebook.render.bundles import CUT_NOTE, LONGEST_TEXT
from fal_notebook.response.updates import Text
from fal_notebook.safety.plain_text import plain_text


def page_after(page: str, patch: TextPatch | None) -> str:
    """The page's text after a patch. The page is JavaScript, which counts UTF-16 code units."""
    if patch is None:
        return page
    return page.encode("utf-16-le")[: 2 * patch.offset].decode("utf-16-le") + patch.new


@given(st.lists(st.text(), max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_the_patches_add_up_to_the_text_wherever_they_are_cut(words: list[str], takes: list[bool]) -> None:
    text, page, length = PageText(), "", 0
    for word, take in zip(words, takes, strict=False):
        text.feed(Text(word, length))
        length += len(word)
        page = page_after(page, text.take() if take else None)
    page = page_after(page, text.take(last=True))
    assert page == text.shown == plain_text("".join(words))


@given(st.lists(st.text("ab😀\r\n\u202e"), min_size=1, max_size=8), st.data())
def test_a_rewritten_text_arrives_unchanged(snapshots: list[str], data: st.DataObject) -> None:
    text, page, before = PageText(), "", ""
    for snapshot in snapshots:
        kept = next((n for n, pair in enumerate(zip(before, snapshot, strict=False)) if pair[0] != pair[1]), None)
        offset = min(len(before), len(snapshot)) if kept is None else kept
        text.feed(Text(snapshot[offset:], offset))
        before = snapshot
        if data.draw(st.booleans()):
            page = page_after(page, text.take())
    assert page_after(page, text.take(last=True)) == plain_text(snapshots[-1])


def test_only_what_is_new_is_sent() -> None:
    text = PageText()
    text.feed(Text("a😀b", 0))
    assert text.take() == TextPatch(0, "a😀b")
    assert text.take() is None
    text.feed(Text("c", 3))
    assert text.take() == TextPatch(4, "c")


def test_a_rewrite_sends_only_what_follows_the_common_beginning() -> None:
    text = PageText()
    text.feed(Text("😀 the red cat", 0))
    text.take()
    text.feed(Text("blue cat", 6))
    assert text.take() == TextPatch(7, "blue cat")


@pytest.mark.parametrize(("first", "second"), [("a\r", "\nb"), ("a\ud83d", "\ude00b")])
def test_the_first_half_of_a_pair_waits_for_the_second(first: str, second: str) -> None:
    text = PageText()
    text.feed(Text(first, 0))
    assert text.take() == TextPatch(0, "a")
    text.feed(Text(second, 2))
    patch = text.take()
    assert patch is not None
    assert "a" + patch.new == plain_text(first + second)


def test_a_half_that_stays_alone_is_made_visible() -> None:
    text = PageText()
    text.feed(Text("a\ud83d", 0))
    text.take()
    assert text.take(last=True) == TextPatch(1, "\N{REPLACEMENT CHARACTER}")


def test_a_text_that_is_too_long_for_a_page_is_cut_with_a_note() -> None:
    text, page, size = PageText(), "", 1_000_000
    for number in range(50):
        text.feed(Text("x" * (size - 1) + "\n", number * size))
        page = page_after(page, text.take())
    assert page == text.shown == "x" * (LONGEST_TEXT - 1) + "\n" + CUT_NOTE
    assert text.take(last=True) is None


def test_a_rewrite_below_the_cut_is_shown_and_one_beyond_it_is_not() -> None:
    text = PageText()
    text.feed(Text("x" * (LONGEST_TEXT + 10), 0))
    page = page_after("", text.take())
    text.feed(Text("y" * 20, LONGEST_TEXT + 5))
    assert text.take() is None
    text.feed(Text("short", 3))
    page = page_after(page, text.take())
    assert page == text.shown == "xxxshort"
    text.feed(Text("z" * LONGEST_TEXT, 8))
    assert page_after(page, text.take()) == text.shown == "xxxshort" + "z" * (LONGEST_TEXT - 8) + CUT_NOTE


@pytest.mark.parametrize("end", ["\r", "\ud83d"])
def test_a_half_right_before_the_cut_is_not_held_back(end: str) -> None:
    text = PageText()
    text.feed(Text("x" * (LONGEST_TEXT - 1) + end + "\n", 0))
    page = page_after("", text.take())
    assert page == text.shown == plain_text("x" * (LONGEST_TEXT - 1) + end) + CUT_NOTE


@given(st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_long_runs_of_combining_marks_are_broken_at_the_same_places_however_they_arrive(lengths: list[int]) -> None:
    text, page, length = PageText(), "", 0
    for each in lengths:
        text.feed(Text("\u0301" * each, length))
        length += each
        page = page_after(page, text.take())
    assert page == text.shown == plain_text("\u0301" * length)
