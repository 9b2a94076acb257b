import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fal_notebook.client.arguments import encode
from fal_notebook.client.result import Result
from fal_notebook.errors import InvalidRequest
from fal_notebook.media.media import Media


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
    with pytest.raises(InvalidRequest, match=r"^x.* cannot be sent as JSON: "):
        encode({"x": value})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"a": 1, "image": np.array([1])}, "image cannot be sent as JSON: ndarray has no JSON form (.tolist() makes"),
        (
            {"loras": [{"scale": 1}, {"scale": {2}}]},
            "loras[1].scale cannot be sent as JSON: set has no JSON form",
        ),
        ({"a": {"b": float("nan")}}, "a.b cannot be sent as JSON: JSON has no nan"),
        ({"a": [np.float32("inf")]}, "a[0] cannot be sent as JSON: JSON has no inf"),
        ({"a": {(1, 2): 3}}, "a cannot be sent as JSON: a key is a tuple (keys are text)"),
        (
            {"picture": b"x"},
            "picture cannot be sent as JSON: bytes has no JSON form (give a file as its URL: fal",
        ),
        ({"picture": Path("a.png")}, "give a file as its URL"),
        ({"day": date(2025, 1, 1)}, "day cannot be sent as JSON: date has no JSON form (str(…) makes text of it)"),
        ({"a": looped()}, "a.x cannot be sent as JSON: it holds itself"),
        ({"a": nested()}, "… cannot be sent as JSON: it is nested too deeply"),
        ({"a\n" * 200: {1}}, "… cannot be sent as JSON: set has no"),
    ],
)
def test_a_value_that_cannot_be_sent_is_named_with_what_to_do(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        encode(arguments)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250
