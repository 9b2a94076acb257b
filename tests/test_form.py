import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.errors import InvalidRequest
from fal_notebook.form import InvalidForm, Row, arguments_of, rows_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def row(name: str, text: str, kind: str = "json") -> Row:
    return {"name": name, "kind": kind, "text": text}


@given(st.dictionaries(st.text("abc_", min_size=1), JSON))
def test_rows_keep_every_value_and_its_type(arguments: dict[str, object]) -> None:
    assert json.dumps(arguments_of(rows_of(arguments))) == json.dumps(arguments)


def test_text_stands_without_quotation_marks() -> None:
    assert rows_of({"model": "m", "seed": 7}) == [row("model", "m", "text"), row("seed", "7")]


def test_rows_that_are_wholly_empty_mean_nothing() -> None:
    assert arguments_of([row("", "", "text"), row(" ", " ")]) == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (row("seed", "seven"), "seed is not JSON: Expecting value at character 1"),
        (row("seed", ""), "seed is not JSON"),
        (row("seed", "NaN"), "NaN is no JSON value"),
        (row("", "7"), "an argument has no name"),
        (row("a", "2"), "a is there twice"),
        (row("deep", "[" * 100_000), "deep is nested too deeply"),
    ],
)
def test_a_row_that_cannot_be_meant_is_named(wrong: Row, said: str) -> None:
    with pytest.raises(InvalidForm, match=said) as caught:
        arguments_of([row("a", "1"), wrong])
    assert list(caught.value.problems) == [1]


def test_what_json_has_not_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        rows_of({"x": object()})
