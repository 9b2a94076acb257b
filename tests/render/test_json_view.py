import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fal_notebook.render.bundles import as_html, merged, small_bundle
from fal_notebook.render.json_view import folded_json_bundle, json_bundle, json_words, more_bundle

from .test_bundles import WILD, acting
from .test_markdown import HTML, QUOTED

scalars = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False)
json_values = some.recursive(
    scalars | some.text('aé"\\ {', max_size=150),
    lambda inner: some.lists(inner) | some.dictionaries(some.text('ab"', max_size=9), inner),
)
DETECTIONS = {
    "detections": [{"label": "cat", "score": 0.9, "box": [number, 2, 3, 4]} for number in range(200)],
    "model": "yolo",
}
ROUNDED, DEEP = 2**53, json.loads("[" * 40 + "]" * 40)


def lines_open(html: str) -> int:
    """How many lines are seen before anything is unfolded."""
    lines = 0
    shut: list[bool] = []
    for tag in re.findall(r"<details(?: [^>]*)?>|</details>|<summary>|<div>", html):
        if tag.startswith("<details"):
            shut.append(" open" not in tag)
        elif tag == "</details>":
            shut.pop()
        elif not any(shut[:-1] if tag == "<summary>" else shut):
            lines += 1
    return lines


def test_what_fits_on_a_line_stands_on_one() -> None:
    assert json_bundle({"a": ["é"]})["text/plain"] == '{"a": ["é"]}'
    boxes = [{"label": "cat", "box": [1, 2, 3, 4], "score": 0.5}] * 3
    line = '{"label": "cat", "box": [1, 2, 3, 4], "score": 0.5}'
    assert json_bundle(boxes)["text/plain"] == f"[\n  {line},\n  {line},\n  {line}\n]"


@given(json_values)
def test_the_plain_text_is_the_value(value: Any) -> None:
    assert json.loads(json_words(value)) == value


def test_long_strings_in_json_are_cut_and_say_their_length() -> None:
    shown = json_bundle({"image": ["x " * 1_000, "y " * 6_173, "z" * 12_345]})["text/plain"]
    assert "x " * 1_000 + '"' in shown
    assert "y " * 1_000 + '… (12,346 characters)"' in shown
    assert '"' + "z" * 60 + '… (12,345 characters)"' in shown


def test_json_nested_as_deep_as_it_comes_is_shown() -> None:
    value = json.loads("[" * 700 + "7" + "]" * 700)
    assert "7" in json_bundle(value)["text/plain"]


def test_of_two_hundred_detections_a_dozen_are_open_at_first_and_all_are_there() -> None:
    html = json_bundle(DETECTIONS)["text/html"]
    assert 12 <= lines_open(html) <= 20
    assert all(f"[{number}, 2, 3, 4]" in html for number in range(200))
    assert "<i>… 188 more</i>" in html


@given(json_values)
def test_no_value_has_more_open_lines_than_a_window(value: Any) -> None:
    assert lines_open(json_bundle(value)["text/html"]) <= 60


def test_the_html_of_a_huge_value_has_a_bound() -> None:
    html = json_bundle([[number, "x" * 90] for number in range(100_000)])["text/html"]
    assert len(html) < 1_000_000
    assert "more, in the result's data" in html.replace("&#x27;", "'")


def test_jupyterlab_gets_a_small_value_as_data_of_its_own_and_the_size_is_bounded() -> None:
    assert json_bundle(DETECTIONS, native=True)["application/json"] == DETECTIONS
    assert "application/json" not in json_bundle(DETECTIONS)
    for value in (
        {"a": "x" * 100_001},
        {"a": float("nan")},
        {"a": 2**53},
        {"a": "\ud800"},
        json.loads("[" * 40 + "]" * 40),
    ):
        assert "application/json" not in json_bundle(value, native=True)


def test_data_of_its_own_is_not_joined_with_what_stands_below_it() -> None:
    data, line = json_bundle([1], native=True), small_bundle("a")
    assert merged([data, line]) == [data, line]
    (whole,) = merged([as_html(data), line])
    assert set(whole) == {"text/plain", "text/html"}


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *WILD])
def test_hostile_keys_and_strings_cannot_act(text: str) -> None:
    value = {text: [text, {text: [text] * 30}], "long": {f"{text}{number}": [text] * 20 for number in range(30)}}
    for bundle in (json_bundle(value), folded_json_bundle(text, value), more_bundle(value)):
        assert acting(bundle) == []
        assert not set(bundle["text/plain"]) & set("\x1b\r\x00\x07\x9b\u202e\ud800\udfff")
        json.dumps(bundle, ensure_ascii=False).encode()


def test_the_rest_of_an_answer_is_a_fold_with_its_names() -> None:
    bundle = more_bundle({"timings": {"inference": 1.8}, "seed": 42, "a": 1, "b": 2, "c": 3, "d": 4})
    assert "<summary>more from the endpoint: timings, seed, a, b, c, …</summary>" in bundle["text/html"]
    assert bundle["text/plain"].startswith("[more from the endpoint: timings, seed, a, b, c, …] {")
