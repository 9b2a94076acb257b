import asyncio
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

import fal_notebook as fal
from fal_notebook.client.arguments import encode, settled, together
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


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (pandas.NaT, None),
        (pandas.NA, None),
        (pandas.Series([1, None], dtype="Int64"), [1, None]),
        (pandas.Series([pandas.Timestamp("2026-01-02"), pandas.NaT]), ["2026-01-02T00:00:00", None]),
        (polars.DataFrame({"d": [date(2026, 1, 2)]}), [{"d": "2026-01-02"}]),
        ({"a": {"b": [Decimal("1.5"), (Size.SQUARE,)]}}, {"a": {"b": [1.5, ["square_hd"]]}}),
        (Result("a/b", media=[Media("image/png", url="https://fal.media/a.png")]), "https://fal.media/a.png"),
        (10**400, 10**400),
    ],
)
def test_what_has_such_values_within_it_goes_as_they_do(value: object, sent: Any) -> None:
    assert json.loads(encode({"x": value})) == {"x": sent}


def test_a_file_within_a_dataclass_or_a_model_is_sent_as_a_file(tmp_path: Path) -> None:
    @dataclass
    class Lora:
        path: Path

    class Order(pydantic.BaseModel):
        image: Path
        page: pydantic.HttpUrl
        secret: pydantic.SecretStr

    (tmp_path / "a.png").write_bytes(b"x")
    order = Order.model_validate({"image": tmp_path / "a.png", "page": "https://fal.ai/x", "secret": "word"})
    sent = json.loads(encode({"loras": [Lora(tmp_path / "a.png")], "order": order}))
    assert sent["loras"] == [{"path": "data:image/png;base64,eA=="}]
    assert sent["order"] == {"image": "data:image/png;base64,eA==", "page": "https://fal.ai/x", "secret": "**********"}


def test_a_table_is_text_with_all_rows_where_a_text_is_wanted() -> None:
    long = pandas.DataFrame({"n": range(200)})
    assert json.loads(encode({"prompt": long}))["prompt"].split() == ["n", *map(str, range(200))]
    named = pandas.DataFrame({"a": [1]}, index=["row"])
    assert json.loads(encode({"prompt": named}))["prompt"] == ",a\nrow,1"
    assert json.loads(encode({"prompt": polars.Series("p", [1, 2])}))["prompt"] == "p\n1\n2"
    assert json.loads(encode({"rows": named})) == {"rows": [{"a": 1}]}


def test_each_file_is_read_once_and_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"first")
    given = {"file": path, "list": [1]}
    once = settled(given)
    path.write_bytes(b"second")
    given["list"].append(2)  # type: ignore[attr-defined]  # it is the list
    assert settled(once)["file"].data == b"first"
    assert json.loads(encode(once)) == {"file": "data:text/plain;base64,Zmlyc3Q=", "list": [1]}


def test_an_answer_of_several_files_is_no_file() -> None:
    answer = Result("a/b", media=[Media("image/png", b"a"), Media("image/png", b"b")])
    with pytest.raises(InvalidRequest, match=r"image_url cannot be sent.* has 2 files \(give one of them: result"):
        encode({"image_url": answer})
    assert json.loads(encode({"prompt": answer})) == {"prompt": ""}


@pytest.mark.parametrize("value", [Size, pydantic.BaseModel, print])
def test_a_class_or_a_function_is_no_value(value: object) -> None:
    with pytest.raises(InvalidRequest, match=r"x cannot be sent as JSON: .* has no JSON form"):
        encode({"x": value})


def test_what_fails_in_another_package_is_told_with_the_argument() -> None:
    class Broken:
        def tolist(self) -> None:
            raise RuntimeError("no memory on the device")

    with pytest.raises(
        InvalidRequest, match=r"a\[0\]\.b cannot be sent as JSON: RuntimeError: no memory on the device"
    ):
        encode({"a": [{"b": Broken()}]})


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
    with pytest.raises(InvalidRequest, match=r"^items\[0\]\.mask_url is the name of a file.*=@cat.png, or Path"):
        encode({"items": [{"mask_url": "cat.png"}]})
    with pytest.raises(InvalidRequest, match=r"^image_urls is the name of a file.*\(did you mean Path\('cat.png'\)"):
        encode({"image_urls": ["https://fal.media/a.png", "cat.png"]})


def test_words_in_the_place_of_the_arguments_are_refused_with_what_to_write() -> None:
    assert together({"a": 1, "b": 1}, {"b": 2}) == {"a": 1, "b": 2}
    words: Any = "Hi"
    for ask in (fal.run, fal.stream):
        with pytest.raises(InvalidRequest, match="the arguments are a dict, not str") as caught:
            ask("test/echo", words)
        assert caught.value.hint == 'or give them by name, as prompt="…"'
    with pytest.raises(InvalidRequest, match="a dict, not str"):
        asyncio.run(fal.arun("test/echo", words))
    with pytest.raises(InvalidRequest, match="a dict, not str"):
        fal.map("test/echo", ["a"], words)
