from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.safety.plain_text import excerpt, one_line, page_words, plain_text

ANY_TEXT: Final = st.text(st.characters(exclude_categories=[]))
BIDIRECTIONAL: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("text", ["", "words", "tab\tand\nline", "Zürich, 東京, 🎈, العربية", "a\u200db"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_becomes_a_newline(end: str) -> None:
    assert plain_text(f"one{end}two") == "one\ntwo"


def test_a_carriage_return_does_not_hide_what_stood_before() -> None:
    assert plain_text("rm -rf ~\rls     ") == "rm -rf ~\nls     "


def test_terminal_sequences_become_visible() -> None:
    assert plain_text("\x1b]0;title\x07\x1b[31mred\x9b0m\x7f") == "␛]0;title␇␛[31mred\ufffd0m␡"


@pytest.mark.parametrize("control", BIDIRECTIONAL)
def test_bidirectional_controls_are_removed(control: str) -> None:
    assert plain_text(f"user{control}nimda") == "usernimda"


def test_the_two_halves_of_a_character_are_joined() -> None:
    assert plain_text("party \ud83c" + "\udf88") == "party 🎈"


def test_half_a_character_is_replaced_and_its_neighbours_stay() -> None:
    assert plain_text("a\ud83cb\udf88c\ud83c") == "a\ufffdb\ufffdc\ufffd"


def test_halves_in_the_wrong_order_are_two_replacements() -> None:
    assert plain_text("\udf88\ud83c!") == "\ufffd\ufffd!"


@given(ANY_TEXT)
def test_what_comes_out_can_be_encoded_and_does_not_act(text: str) -> None:
    shown = plain_text(text)
    shown.encode()
    assert all(letter in "\t\n" or letter.isprintable() or ord(letter) > 0x9F for letter in shown)
    assert not set(shown) & set(BIDIRECTIONAL)


@given(ANY_TEXT)
def test_plain_text_stays_plain_text(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)


def test_one_line_joins_lines_and_runs_of_spaces() -> None:
    assert one_line("  a\r\nb \t c\u2028d ") == "a b c d"


def test_a_line_of_the_limit_stays_and_a_longer_one_is_cut() -> None:
    assert one_line("x" * 500) == "x" * 500
    assert one_line("x" * 501) == "x" * 499 + "…"


@given(ANY_TEXT, st.integers(1, 40))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


MARKS: Final = ("\u0301", "\u20dd", "\u200b", "\u200d", "\u034f", "\ufe0f", "\U0001f3fb", "\u093e", "\U000e0061")


@given(st.lists(st.sampled_from([*MARKS, *MARKS, "a", " ", "\n", "語"]), max_size=200).map("".join), st.integers(0, 99))
def test_marks_without_end_are_broken_alike_wherever_the_text_is_cut(text: str, place: int) -> None:
    shown = plain_text(text)
    assert shown.replace("\u25cc", "") == text
    assert not any(set(shown[at : at + 21]) <= set(MARKS) for at in range(len(shown) - 20))
    first = plain_text(text[:place])
    assert first + plain_text(text[place:], first) == shown


@pytest.mark.parametrize(
    "text", ["e" + "\u0301" * 20, "a\u0301" * 500, "─" * 200, "😀" * 200, "👩\u200d👩\u200d👧" * 50]
)
def test_the_marks_that_people_write_stay_as_they_are(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body>", "502 Bad Gateway"),
        ("<!DOCTYPE html>\n<title>Error</title><pre>Cannot POST&nbsp;/a/b</pre>", "Error Cannot POST /a/b"),
        ("\ufeff<!doctype html><style>p > b {}</style><script>if (1 < 2) '<b>x</b>'</script><p>words", "words"),
        ("<!--[if IE 7]> <html class='ie'> <![endif]--><html>fish &amp; chips", "fish & chips"),
        ("<?xml version='1.0'?><Error><Code>Denied</Code><Message>No access</Message></Error>", "Denied No access"),
        ("<html><script>never ends <b>x</b>", ""),
        ("<prompt> is required, 1 < 2", "<prompt> is required, 1 < 2"),
        ("", ""),
    ],
)
def test_of_a_page_that_is_quoted_the_words_stay(page: str, words: str) -> None:
    assert page_words(page) == excerpt(page) == words


@pytest.mark.parametrize("body", ["\x1f\ufffd\x08\x00i", "\x00\x01\x02"])
def test_of_what_is_no_text_nothing_is_quoted(body: str) -> None:
    assert excerpt(body) == ""


def test_an_excerpt_is_short() -> None:
    assert len(excerpt("<p>" + "word <b>" * 100_000)) <= 500
    assert len(excerpt("x" * 1_000)) == 500
