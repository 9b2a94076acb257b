import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import numpy as np
import pandas  # type: ignore[import-untyped]  # its stubs are a package of their own
import polars
import pydantic
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
        {1, 2},
        object(),
        {(1, 2): 3},
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
        ({"a": 1, "image": np.array([1])}, "image cannot be sent as JSON: this ndarray is no picture: its shape is (1"),
        (
            {"mask": np.zeros((2, 2), "int64")},
            "mask cannot be sent as JSON: this ndarray is no picture: its numbers are",
        ),
        (
            {"loras": [{"scale": 1}, {"scale": {2}}]},
            "loras[1].scale cannot be sent as JSON: set has no JSON form",
        ),
        ({"a": {"b": float("nan")}}, "a.b cannot be sent as JSON: JSON has no nan"),
        ({"a": [np.float32("inf")]}, "a[0] cannot be sent as JSON: JSON has no inf"),
        ({"a": {(1, 2): 3}}, "a cannot be sent as JSON: a key is a tuple (keys are text)"),
        ({"picture": Path("none.png")}, "picture cannot be sent as JSON: there is no file none.png"),
        ({"day": object()}, "day cannot be sent as JSON: object has no JSON form (str(…) makes text of it)"),
        ({"a": [([0.0], {1})]}, "a[0][1] cannot be sent as JSON: set has no JSON form (list(…) makes a list of it)"),
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


class Size(Enum):
    SQUARE = "square_hd"


@dataclass
class Point:
    x: int
    when: date


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (timedelta(minutes=1.5), 90.0),
        (Decimal("3"), 3),
        (Decimal("0.25"), 0.25),
        (Size.SQUARE, "square_hd"),
        (Point(1, date(2026, 1, 2)), {"x": 1, "when": "2026-01-02"}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pandas.DataFrame({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        (pandas.Series([1.5, float("nan")]), [1.5, None]),
        (pandas.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        (polars.DataFrame({"a": [1, 2]}), [{"a": 1}, {"a": 2}]),
        (polars.Series([1, 2]), [1, 2]),
        (b"\x89PNG\r\n\x1a\n0000", "data:image/png;base64,iVBORw0KGgowMDAw"),
        (([0], 16_000), [[0], 16_000]),
    ],
)
def test_what_stands_for_a_plain_value_goes_as_that(value: object, sent: Any) -> None:
    assert json.loads(encode({"x": value})) == {"x": sent}
    assert json.loads(encode({"x": [{"y": value}]})) == {"x": [{"y": sent}]}


def test_a_pydantic_model_goes_as_its_fields() -> None:
    class Shape(pydantic.BaseModel):
        width: int
        made: date = date(2026, 1, 2)

    assert json.loads(encode({"size": Shape(width=3)})) == {"size": {"width": 3, "made": "2026-01-02"}}


def test_the_name_of_a_file_is_not_sent_as_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert json.loads(encode({"image_url": "cat.png"})) == {"image_url": "cat.png"}
    Path("cat.png").write_bytes(b"x")
    with pytest.raises(InvalidRequest, match=r"did you mean image_url=@cat.png"):
        encode({"image_url": "cat.png"})
    assert json.loads(encode({"prompt": "cat.png"})) == {"prompt": "cat.png"}
