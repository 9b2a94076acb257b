import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.bounded_json import DEEPEST, MOST_VALUES, TooMuchJSON, decode_json


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
