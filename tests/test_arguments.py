import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.arguments import encode, from_cell, from_line, split_line
from fal_notebook.errors import InvalidRequest
from fal_notebook.media import Media
from fal_notebook.result import Result

NAMES = {"n": 7, "topic": "the sea", "d": {"a b": [1, 2]}, "none": None}


def line(text: str) -> dict[str, Any]:
    return from_line(split_line(text), NAMES)


def cell(text: str, *, as_text: bool = False) -> dict[str, Any]:
    return from_cell(text, "prompt", NAMES, as_text=as_text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  fal-ai/any-llm   model=m ", ["fal-ai/any-llm", "model=m"]),
        ('prompt="two words" -o x', ["prompt=two words", "-o", "x"]),
        ("prompt='two words'", ["prompt=two words"]),
        ("""prompt="it's" x='say "a"'""", ["prompt=it's", 'x=say "a"']),
        ('prompt=""', ["prompt="]),
        (r"path=C:\new\table", [r"path=C:\new\table"]),
        (r'f="\frac{a}{b} \n"', [r"f=\frac{a}{b} \n"]),
        ("colour=#ff0000 # no comment", ["colour=#ff0000", "#", "no", "comment"]),
        ('x={{ d["a b"] }} y=1', ['x={{ d["a b"] }}', "y=1"]),
        ('x={{ "it\'s" }}', ['x={{ "it\'s" }}']),
        ('x="{{ d["a b"] }} and"', ['x={{ d["a b"] }} and']),
        ("x={{n}} y={{n}} z={{ n + 1 }}", ["x={{n}}", "y={{n}}", "z={{ n + 1 }}"]),
        ("x={{ {'a': {'b': 1}} }} y", ["x={{ {'a': {'b': 1}} }}", "y"]),
        ("größe=1 🎈=2", ["größe=1", "🎈=2"]),
        ('sizes:="[1, 2]"', ["sizes:=[1, 2]"]),
    ],
)
def test_a_line_is_split_at_spaces_outside_of_quotes_and_expressions(text: str, words: list[str]) -> None:
    assert split_line(text) == words


@pytest.mark.parametrize("text", ["prompt=it's", 'prompt="x', "x={{n}} y='"])
def test_a_quotation_mark_without_its_partner_is_told(text: str) -> None:
    with pytest.raises(InvalidRequest, match="a quotation mark in the line has no partner"):
        split_line(text)


@given(st.lists(st.text(st.characters(exclude_characters="{}'\" \t\r\n", exclude_categories=["Co"]), min_size=1)))
def test_words_without_quotes_come_back(words: list[str]) -> None:
    assert split_line(" ".join(words)) == words


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("model=google/gemini", {"model": "google/gemini"}),
        ("steps=28", {"steps": "28"}),
        ("steps:=28 fast:=true seed:=null", {"steps": 28, "fast": True, "seed": None}),
        ("size:='{\"w\": 1}' l:=[1,2]", {"size": {"w": 1}, "l": [1, 2]}),
        ("url=https://x?a=b&c:=d", {"url": "https://x?a=b&c:=d"}),
        ("a.b-c_d=1", {"a.b-c_d": "1"}),
        ("prompt=", {"prompt": ""}),
        ("x==1", {"x": "=1"}),
        ("x=1 x=2", {"x": "2"}),
        ("steps={{n}}", {"steps": 7}),
        ("steps:={{n}}", {"steps": 7}),
        ("steps:={{none}}", {"steps": None}),
        ("steps:={{n}}0", {"steps": 70}),
        ("x={{n}}0", {"x": "70"}),
        ('x={{ d["a b"] }}', {"x": [1, 2]}),
        ('x="{{topic}}, {{ d["a b"] }}"', {"x": "the sea, [1, 2]"}),
    ],
)
def test_a_line_gives_texts_and_json_values(text: str, arguments: dict[str, Any]) -> None:
    assert line(text) == arguments


@pytest.mark.parametrize("text", ["word", "=x", "1x=2", "a b=1", ":=1"])
def test_a_word_that_is_no_assignment_is_told(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no argument"):
        line(text)


@pytest.mark.parametrize("text", ["x:=word", "x:=", "x:={{topic}}", "x:='{a: 1}'"])
def test_a_value_that_is_no_json_is_told(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is not JSON \(x=.* sends text\)"):
        line(text)


def test_an_error_about_a_value_of_two_lines_is_one_line() -> None:
    with pytest.raises(InvalidRequest) as caught:
        from_line(["x:={{ words }}"], {"words": "a\nb\x1b[2J"})
    assert len(str(caught.value).splitlines()) == 1
    assert "\x1b" not in str(caught.value)


def test_braces_are_left_alone_without_a_namespace() -> None:
    assert from_line(["x={{n}}"], None) == {"x": "{{n}}"}
    assert from_cell("{{n}} cats", "prompt", None, as_text=False) == {"prompt": "{{n}} cats"}


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        (" \n\t\n", {}),
        ("Explain {{topic}}.\n", {"prompt": "Explain the sea."}),
        ("\n  indented\n\n", {"prompt": "  indented"}),
        ('{"a": 1, "b": ["{{n}}", {"c": "{{topic}}!"}]}', {"a": 1, "b": [7, {"c": "the sea!"}]}),
        ('\n {\n  "a": null\n }\n', {"a": None}),
        ("{}", {}),
        ("{a} is a set", {"prompt": "{a} is a set"}),
        ("{'a': 1}", {"prompt": "{'a': 1}"}),
        ("[1, 2]", {"prompt": "[1, 2]"}),
        ("7", {"prompt": "7"}),
        ("{{n}}", {"prompt": 7}),
        ("$5 and \\frac{a}{b}", {"prompt": "$5 and \\frac{a}{b}"}),
    ],
)
def test_a_cell_is_a_json_object_or_text(text: str, arguments: dict[str, Any]) -> None:
    assert cell(text) == arguments


@pytest.mark.parametrize("text", ['{"a": 1', "{", '{"a": 1} and words', '{"a"}'])
def test_a_cell_that_begins_as_json_and_is_none_is_told(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"the cell is not JSON: .* \(--field prompt sends it as text\)"):
        cell(text)


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": 1', "{}"])
def test_a_cell_is_text_when_asked(text: str) -> None:
    assert cell(text, as_text=True) == {"prompt": text}


def test_the_cells_field_has_any_name() -> None:
    assert from_cell("Hi", "text", {}, as_text=False) == {"text": "Hi"}


@pytest.mark.parametrize("value", [{}, {"a": [1, 2.5, None, True, "é", {"b": []}]}, {"half": "\ud83c"}])
def test_json_values_go_as_they_are(value: dict[str, Any]) -> None:
    assert json.loads(encode(value)) == value


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Media("image/png", url="https://fal.media/a.png"), "https://fal.media/a.png"),
        (Media("text/plain", b"Hello"), "data:text/plain;base64,SGVsbG8="),
        (Media("image/png", b"x", url="https://fal.media/a.png"), "https://fal.media/a.png"),
        (Result("a/b", text="A cat"), "A cat"),
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),  # noqa: FBT003 - NumPy's own form
        (np.array(3), 3),
        (np.str_("a"), "a"),
    ],
)
def test_what_is_at_hand_goes_as_json(value: object, sent: Any) -> None:
    assert json.loads(encode({"x": value})) == {"x": sent}
    assert json.loads(encode({"x": [{"y": value}]})) == {"x": [{"y": sent}]}


def looped() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["x"] = value
    return value


def nested() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        np.float64("nan"),
        np.float32("inf"),
        np.array([1, 2]),
        b"bytes",
        {1, 2},
        object(),
        {(1, 2): 3},
        np.datetime64("2025-01-01"),
        looped(),
        nested(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="these arguments cannot be sent as JSON"):
        encode({"x": value})


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    deep = '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(InvalidRequest, match="not JSON"):
        from_cell(deep, "prompt", None, as_text=False)
    with pytest.raises(InvalidRequest):
        from_line([f"a:={deep}"], None)
