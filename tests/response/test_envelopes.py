import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.response.envelopes import Envelope

WORDS = st.text(max_size=30)


def output(value: Any) -> str | None:
    return value["output"] if isinstance(value, dict) and set(value) == {"output", "partial"} else None


def event(words: str, *, ascii_only: bool = True) -> str:
    return json.dumps({"output": words, "partial": True}, ensure_ascii=ascii_only)


def envelope() -> Envelope:
    known = Envelope.of(event("Hi"), output)
    assert known is not None
    return known


def test_a_shape_is_the_json_around_the_words() -> None:
    assert envelope() == Envelope('{"output": ', ', "partial": true}')


def test_the_words_are_found_where_their_name_stands_elsewhere_too() -> None:
    data = '{"text": "no", "output": "Hi", "partial": {"output": "no"}}'
    found = Envelope.of(data, lambda value: value["output"] if value else None)
    assert found == Envelope('{"text": "no", "output": ', ', "partial": {"output": "no"}}')


@pytest.mark.parametrize(
    "data", ["", "[DONE]", '{"output": 1}', '{"output": "Hi', '{"image": "x"}', '{"output": "a"} {']
)
def test_what_says_no_words_has_no_shape(data: str) -> None:
    assert Envelope.of(data, output) is None


@pytest.mark.parametrize(
    "data",
    [
        '{"output": "a", "partial": false}',
        '{"output": "a", "x": 1, "partial": true}',
        '{"output": "a", "output": "b", "partial": true}',
        '{"output": ["a"], "partial": true}',
        '{"output": "a, "partial": true}',
        '{"output": "a" , "partial": true}',
        '{"output": , "partial": true}',
        '{"output": "\n", "partial": true}',
    ],
)
def test_an_event_of_another_shape_has_no_words_of_this_one(data: str) -> None:
    assert envelope().words(data) is None


@given(WORDS)
def test_the_words_are_those_that_decoding_the_event_gives(words: str) -> None:
    for ascii_only in (True, False):
        assert envelope().words(event(words, ascii_only=ascii_only)) == words


@given(WORDS, WORDS)
def test_a_snapshot_begins_another_if_all_up_to_the_end_of_its_words_does(words: str, more: str) -> None:
    for ascii_only in (True, False):
        older, newer = (event(each, ascii_only=ascii_only) for each in (words, words + more))
        if newer[: len(older)] == older[: len(older)]:
            assert envelope().begins(older, newer)
        if envelope().begins(older, newer):
            assert newer.startswith(older.removesuffix('", "partial": true}'))
        other = event("not this", ascii_only=ascii_only)
        assert not envelope().begins(other, newer) or newer[12:].startswith("not this")


def test_equal_and_longer_snapshots_outdate_a_snapshot() -> None:
    assert envelope().begins(event("Hello"), event("Hello"))
    assert envelope().begins(event("Hello"), event("Hello, you"))
    assert not envelope().begins(event("Hello, you"), event("Hello"))
    assert not envelope().begins(event("Hallo"), event("Hello, you"))


def test_words_that_hold_the_shape_itself_are_no_end() -> None:
    older, newer = event("x"), event('x", "partial": true} y')
    assert envelope().words(newer) == 'x", "partial": true} y'
    assert envelope().begins(older, newer)
    assert not envelope().begins(newer, older)
