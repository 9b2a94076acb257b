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
    with pytest.raises(InvalidRequest, match="cannot be sent as JSON"):
        encode({"x": value})


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"a": 1, "messages": [{"content": {1, 2}}]}, r"messages\[0\].content: cannot be sent as JSON: set has no"),
        ({"a": {"b": [0, float("nan")]}}, r"a.b\[1\]: cannot be sent as JSON: Out of range"),
        ({"mask": np.zeros((2, 2), "int64")}, r"mask: this ndarray is no picture: its numbers are int64"),
        ({"mask": np.array([1, 2])}, r"mask: this ndarray is no picture: its shape is \(2,\)"),
        ({"picture": Path("none.png")}, r"picture: there is no file none.png"),
    ],
)
def test_an_error_names_the_argument(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{words}"):
        encode(arguments)


def test_the_name_of_a_file_is_not_sent_as_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert json.loads(encode({"image_url": "cat.png"})) == {"image_url": "cat.png"}
    Path("cat.png").write_bytes(b"x")
    with pytest.raises(InvalidRequest, match=r"did you mean image_url=@cat.png"):
        encode({"image_url": "cat.png"})
    assert json.loads(encode({"prompt": "cat.png"})) == {"prompt": "cat.png"}
