import json
import re
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.safety import bounded_json
from fal_notebook.safety.bounded_json import DEEPEST, MOST_VALUES, TooMuchJSON, decode_json

from ..interrupt_delay import longest_interrupt_delay


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_value_is_what_json_says(value: Any) -> None:
    assert decode_json(json.dumps(value)) == decode_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("text", ["", "{", b"\xff", "nan"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        decode_json(text)
    assert not isinstance(caught.value, TooMuchJSON)


def test_values_are_counted_outside_of_strings() -> None:
    assert decode_json("[" + "1," * (MOST_VALUES - 2) + "1]")[-1] == 1
    assert decode_json(json.dumps(["\\" * 5 + '",[{' * MOST_VALUES])) != []
    with pytest.raises(TooMuchJSON, match="has more than 1,000,000 values"):
        decode_json("[" + "1," * MOST_VALUES + "1]")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth_is_bounded(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    assert decode_json(opening * DEEPEST + "1" + closing * DEEPEST)
    with pytest.raises(TooMuchJSON, match="is nested deeper than 200"):
        decode_json(opening * (DEEPEST + 1) + "1" + closing * (DEEPEST + 1))


def test_memory_is_bounded_where_it_is_much() -> None:
    assert len(decode_json("[" + '{"a":1},' * 100_000 + "{}]")) == 100_001
    with pytest.raises(TooMuchJSON, match="more than 8 times its size"):
        decode_json("[" + '{"a":1},' * 300_000 + "{}]")


SPACES = st.sampled_from(["", "", " ", "\n\t"])
SCALARS = (
    st.sampled_from(
        ["null", "true", "NaN", "-Infinity", "0", "-1.5e3", '""', r'"\""', r'"\\"', r'"\ud83d\ude00"', '"[,{"']
    )
    | st.lists(
        st.sampled_from(["a", "ä", r"\ud83d", r"\uDE00", r"\u00e4", r"\n", r"\\", r"\"", "\ud83d", "\ude00"])
    ).map(lambda parts: f'"{"".join(parts)}"')
    | st.text().map(json.dumps)
    | st.integers().map(str)
)


@st.composite
def spaced(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """A list or an object as text, with spaces anywhere and names that return."""
    is_list = draw(st.booleans())
    members = []
    for value in draw(st.lists(inner, max_size=8)):
        name = "" if is_list else f'"{draw(st.sampled_from("abc"))}"{draw(SPACES)}:{draw(SPACES)}'
        members.append(f"{draw(SPACES)}{name}{value}{draw(SPACES)}")
    text = ",".join(members) or str(draw(SPACES))
    return f"[{text}]" if is_list else f"{{{text}}}"


TEXTS = st.recursive(SCALARS, spaced, max_leaves=40)


def in_pieces(text: str | bytes, size: int) -> Any:
    """The value, decoded in pieces of so many characters however short it is."""
    with mock.patch.multiple(bounded_json, _LONG_TEXT=0, _PIECE_LENGTH=size, _SHORTEST_PIECE=1):
        return decode_json(text)


@given(TEXTS, st.integers(1, 60))
def test_a_value_is_the_same_in_pieces(text: str, size: int) -> None:
    value = repr(json.loads(text))
    assert repr(in_pieces(text, size)) == repr(in_pieces(text.encode("utf-8", "surrogatepass"), size)) == value


@given(TEXTS, st.integers(2, 60))
def test_what_stands_in_strings_is_left_out_however_the_text_is_cut(text: str, size: int) -> None:
    with mock.patch.object(bounded_json, "_PIECE_LENGTH", size):
        left = "".join(bounded_json._without_strings(text))
    strings = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
    assert strings.sub("", left) == strings.sub("", text)


@given(TEXTS, st.integers(1, 60), st.integers(0), st.sampled_from([*'[]{},:"1a\\ ', ""]))
def test_what_is_no_json_is_none_in_pieces(text: str, size: int, place: int, change: str) -> None:
    place %= len(text)
    text = text[:place] + change + text[place + 1 :]
    try:
        value = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"char \d"):
            in_pieces(text, size)
    else:
        assert repr(in_pieces(text, size)) == repr(value)


LONG_TEXTS = {
    "numbers": b"[" + b"0.12345678901234567," * 900_000 + b"1]",
    "rows": b"[" + (b"[" + b"0.12345678901234567," * 1_000 + b"1],") * 800 + b"1]",
    "members": b"{" + b",".join(b'"a%d":0.12345678901234567' % number for number in range(500_000)) + b"}",
    "nested": b'[{"a":' * 90 + b"[" + b"0.12345678901234567," * 900_000 + b"1]" + b"}]" * 90,
    "rows nested": b"[" + (b"[" * 150 + b"1.5," * 8_000 + b"1" + b"]" * 150 + b",") * 100 + b"1]",
    "long words": b"[" + (b'"' + b"word" * 100_000 + b'",') * 60 + b"1]",
    "one text of many commas": b'{"a":"' + b"[,{" * 10_000_000 + b'"}',
    "one text of escapes": b'{"a":"' + rb"\u00e4" * 5_000_000 + b'"}',
    "escaped quotes": b'{"a":"' + rb"\"[," * 7_000_000 + b'"}',
    "broken at its end": b"[" + b"0.12345678901234567," * 900_000 + b"x",
}


@pytest.mark.parametrize("name", LONG_TEXTS)
def test_an_interrupt_is_heard_while_a_long_text_is_decoded(name: str) -> None:
    text = LONG_TEXTS[name]
    with longest_interrupt_delay() as delay:
        try:
            value = decode_json(text)
        except ValueError:
            value = None
    assert delay[0] < 0.15  # three times what it may be, for a busy machine
    if value is not None:
        assert value == json.loads(text)
