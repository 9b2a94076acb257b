import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.errors import InvalidRequest
from fal_notebook.media.media import Media
from fal_notebook.prompt.argument_rows import Form, InvalidForm, Row, are_same

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def row(name: str, text: str, kind: str = "json") -> Row:
    return {"id": f"{name} {text}", "name": name, "kind": kind, "text": text}


def arguments_of(rows: list[Row]) -> dict[str, object]:
    """The arguments that edited rows stand for."""
    form = Form({})
    form.take(rows)
    return form.arguments()


def shown(row: Row) -> tuple[str, str, str]:
    return row["name"], row["kind"], row["text"]


@given(st.dictionaries(st.text("abc_", min_size=1), JSON))
def test_rows_keep_every_value_and_its_type(arguments: dict[str, object]) -> None:
    assert json.dumps(arguments_of([{**row, "id": "mine"} for row in Form(arguments).rows])) == json.dumps(arguments)


@given(st.dictionaries(st.text(), JSON))
def test_rows_that_nobody_edited_keep_any_value(arguments: dict[str, object]) -> None:
    form = Form(arguments)
    form.take([{"id": row["id"]} for row in form.rows])
    assert form.arguments() == arguments
    json.dumps(form.rows, ensure_ascii=False).encode()


def test_text_that_no_message_can_carry_is_shown_as_json() -> None:
    form = Form({"lone": "\ud800", "a\udc00": ["\udfff"]})
    assert [shown(row) for row in form.rows] == [("lone", "json", '"\\ud800"'), ("a\ufffd", "json", '["\\udfff"]')]


def test_rows_that_python_has_replaced_are_dropped_and_new_rows_keep_the_order_of_the_page() -> None:
    form = Form({"a": 1, "b": 2})
    form.take([{"id": form.rows[1]["id"]}, {"id": "given z"}, row("n", "3")])
    assert list(form.arguments().items()) == [("b", 2), ("n", 3)]


def test_an_edited_name_that_exists_already_is_refused() -> None:
    form = Form({"a": 1})
    form.take([{"id": form.rows[0]["id"]}, row(" a ", "3")])
    with pytest.raises(InvalidForm, match="a is there twice"):
        form.arguments()


def test_text_is_shown_without_quotation_marks() -> None:
    assert [shown(row) for row in Form({"model": "m", "seed": 7}).rows] == [
        ("model", "text", "m"),
        ("seed", "json", "7"),
    ]


def test_empty_rows_are_no_arguments() -> None:
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
def test_a_wrong_row_is_named(wrong: Row, said: str) -> None:
    with pytest.raises(InvalidForm, match=said) as caught:
        arguments_of([row("a", "1"), wrong])
    assert list(caught.value.problems) == [1]


def test_a_value_that_json_cannot_express_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        Form({"x": object()})


def test_a_file_is_a_row_with_its_name_and_size_that_stands_for_the_file() -> None:
    file = Media("image/png", b"x" * 2_000, file_name="cat.png")
    form = Form({"image_url": file, "image_urls": [file, file], "n": 1})
    assert [row["kind"] for row in form.rows] == ["file", "file", "json"]
    assert form.rows[0]["text"] == "cat.png · 2.0 kB"
    form.take([{"id": row["id"]} for row in form.rows])
    assert form.arguments() == {"image_url": file, "image_urls": [file, file], "n": 1}
    form.take([{"id": "another", "name": "image_url", "kind": "file", "text": "cat.png"}])
    with pytest.raises(InvalidForm, match="choose it again"):
        form.arguments()


def test_arguments_with_files_are_compared_without_their_bytes() -> None:
    file, other = Media("image/png", b"x" * 10_000_000), Media("image/png", b"y")
    assert are_same({"a": file, "b": [file], "c": 1}, {"a": file, "b": [file], "c": 1})
    assert not are_same({"a": file}, {"a": other})
    assert not are_same({"a": [file]}, {"a": [file, file]})
    assert not are_same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert not are_same({"a": 1}, {"a": 1.0})
