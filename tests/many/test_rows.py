import dataclasses
import datetime
import decimal
import json
import sqlite3
import tracemalloc
import uuid
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pydantic
import pytest
from PIL import Image

from fal_notebook.errors import InvalidRequest, JournalError
from fal_notebook.many.journal import Journal
from fal_notebook.many.row_templates import RowTemplates
from fal_notebook.many.rows import Rows, fill
from fal_notebook.many.stored import Row
from fal_notebook.media.media import Media
from fal_notebook.safety.redaction import Redaction

from ..conftest import KEY

TABLE = {"text": ["a", "b", "a"], "n": [1, 2, 3]}


def asked(source: Any, **given: Any) -> list[dict[str, Any]]:
    rows = Rows(source, given, "a/b")
    constants = json.loads(rows.header.constants)
    return [{**constants, **json.loads(row.arguments)} for row in rows]


def labels(source: Any) -> list[Any]:
    return [json.loads(row.label) for row in Rows(source, {}, "a/b")]


@pytest.mark.parametrize(
    "source",
    [
        pd.DataFrame(TABLE),
        pl.DataFrame(TABLE),
        pl.LazyFrame(TABLE),
        [{"text": text, "n": n} for text, n in zip(*TABLE.values(), strict=True)],
        ({"text": text, "n": n} for text, n in zip(*TABLE.values(), strict=True)),
        [namedtuple("Line", TABLE)(*values) for values in zip(*TABLE.values(), strict=True)],
    ],
    ids=["pandas", "polars", "lazy", "dicts", "generator", "named tuples"],
)
def test_a_table_of_any_kind_gives_the_same_rows(source: Any) -> None:
    rows = Rows(source, {"prompt": "Say {text}", "model": "m", "n": "{n}", "up": lambda row: row["n"] + 1}, "a/b")
    assert json.loads(rows.header.constants) == {"model": "m"}
    assert json.loads(rows.header.templates) == {"prompt": "Say {text}", "n": "{n}", "up": None}
    found = list(rows)
    assert [json.loads(row.arguments) for row in found] == [
        {"prompt": "Say a", "n": 1, "up": 2},
        {"prompt": "Say b", "n": 2, "up": 3},
        {"prompt": "Say a", "n": 3, "up": 4},
    ]
    assert [json.loads(row.columns) for row in found] == [
        {"text": t, "n": n} for t, n in zip(*TABLE.values(), strict=True)
    ]


@pytest.mark.parametrize(
    "source", [["a", "b"], pd.Series(["a", "b"]), pl.Series(["a", "b"]), np.array(["a", "b"]), iter("ab")]
)
def test_plain_values_are_prompts(source: Any) -> None:
    assert asked(source, model="m") == [{"model": "m", "prompt": "a"}, {"model": "m", "prompt": "b"}]


def test_columns_are_arguments_where_no_template_says_otherwise_and_a_constant_stands_above_them() -> None:
    assert asked([{"prompt": "a", "model": "x"}], model="m") == [{"prompt": "a", "model": "m"}]
    assert asked([{"prompt": "a", "id": 7}], prompt="{prompt}!") == [{"prompt": "a!"}]


def test_the_index_comes_back() -> None:
    assert labels(pd.DataFrame(TABLE, index=["x", "y", "z"])) == ["x", "y", "z"]
    assert labels(pd.Series(["a", "b"], index=[7, 7])) == [7, 7]
    assert labels(pd.DataFrame(TABLE, index=pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a")]))) == [
        [1, "a"], [1, "b"], [2, "a"],
    ]  # fmt: skip
    assert labels(pd.DataFrame({"a": [1]}, index=[pd.Timestamp("2026-11-30")])) == ["2026-11-30T00:00:00"]
    assert labels(["a", "b"]) == [0, 1]


@pytest.mark.parametrize(
    ("template", "becomes"),
    [
        ("{text}", 'a"{n}'),
        ("{n}", 5),
        ("{n} {text}", '5 a"{n}'),
        ("{{text}} is {n}", "{text} is 5"),
        ('{"label": {n}}', '{"label": 5}'),
        ("a set {1, 2} and {}", "a set {1, 2} and {}"),
        ("{two words}!", "w!"),
        ("{none}|", "|"),
        ("{none}", None),
        ("", ""),
        ("{", "{"),
        ("{n", "{n"),
        ("{{{n}}}", "{5}"),
        ("{{{other}}}", "{{{other}}}"),
    ],
)
def test_a_template_is_filled_with_columns_and_other_braces_are_text(template: str, becomes: Any) -> None:
    row = {"text": 'a"{n}', "n": 5, "two words": "w", "none": None}
    templates = RowTemplates({"prompt": template}, row)
    assert {**templates.constants, **templates.arguments(row)} == {"prompt": becomes}


def test_a_name_that_is_no_column_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidRequest, match=r"prompt uses \{txt\}, which is no column: there are n, text"):
        Rows(pd.DataFrame(TABLE), {"prompt": "{txt}"}, "a/b")


def test_a_row_that_cannot_be_sent_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"row 1: a row has no text: it has n"):
        list(Rows([{"text": "a"}, {"n": 1}], {"prompt": "{text}"}, "a/b"))
    with pytest.raises(InvalidRequest, match=r"row y: the function for prompt failed: ZeroDivisionError"):
        list(Rows(pd.DataFrame({"n": [1, 0]}, index=["x", "y"]), {"prompt": lambda row: 1 / row["n"]}, "a/b"))
    with pytest.raises(InvalidRequest, match=r"row 0: prompt cannot be sent as JSON"):
        list(Rows([{"prompt": object()}], {}, "a/b"))


@pytest.mark.parametrize("source", ["words", b"bytes", {"prompt": "a"}, 7, None])
def test_what_has_no_rows_is_refused(source: Any) -> None:
    with pytest.raises(InvalidRequest, match="has no rows"):
        Rows(source, {}, "a/b")


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="same name"):
        Rows(pd.DataFrame([[1, 2]], columns=["a", "a"]), {}, "a/b")


def test_what_is_missing_is_null() -> None:
    table = pd.DataFrame(
        {"a": [1.5, None], "b": pd.array([1, None], dtype="Int64"), "c": [pd.Timestamp("2026"), pd.NaT]}
    )
    assert asked(table) == [{"a": 1.5, "b": 1, "c": "2026-01-01"}, {"a": None, "b": None, "c": None}]


DAYS = [datetime.datetime(2026, 1, 1), None, datetime.datetime(2026, 1, 31)]
TIMES = {"day": DAYS, "at": [*DAYS[:2], datetime.datetime(2026, 1, 31, 9, 30)]}


@pytest.mark.parametrize("source", [pd.DataFrame(TIMES), pl.DataFrame(TIMES)], ids=["pandas", "polars"])
def test_the_times_of_a_column_of_days_have_the_day_alone_as_their_words(source: Any) -> None:
    given = {"prompt": "<{day}> <{at}>", "day": "{day}", "name": lambda row: row["day"] and f"{row['day']:%A}"}
    first, second, third = asked(source, **given)
    assert first == {"prompt": "<2026-01-01> <2026-01-01 00:00:00>", "day": "2026-01-01", "name": "Thursday"}
    assert second == {"prompt": "<> <>", "day": None, "name": None}
    assert third["prompt"] == "<2026-01-31> <2026-01-31 09:30:00>"
    assert asked(source["day"])[0] == {"prompt": "2026-01-01"}


def test_times_with_a_zone_keep_it() -> None:
    aware = pd.DataFrame({"day": pd.to_datetime(DAYS, utc=True)})
    assert asked(aware, prompt="{day}!")[0] == {"prompt": "2026-01-01 00:00:00+00:00!"}


@dataclasses.dataclass
class Review:
    text: str
    stars: int


class Model(pydantic.BaseModel):
    text: str
    stars: int


def test_records_of_all_kinds_are_rows() -> None:
    database = sqlite3.connect(":memory:")
    query = "SELECT 'good' AS text, 5 AS stars"
    cursor = database.execute(query)
    database.row_factory = sqlite3.Row
    array = np.array([("good", 5)], dtype=[("text", "U9"), ("stars", "i8")])
    sources = (cursor, database.execute(query), array, [Review("good", 5)], [Model(text="good", stars=5)])
    for source in (*sources, [pd.Series({"text": "good", "stars": 5})]):
        (row,) = Rows(source, {"prompt": "{text}, {stars}"}, "a/b")
        assert json.loads(row.columns) == {"text": "good", "stars": 5}
        assert json.loads(row.arguments) == {"prompt": "good, 5"}
    with pytest.raises(InvalidRequest, match=r"two columns have the same name.*SELECT … AS …"):
        Rows(database.execute("SELECT 1 AS a, 2 AS a"), {}, "a/b")
    with pytest.raises(InvalidRequest, match=r"a dict has no rows.*DataFrame"):
        Rows({"text": ["good"]}, {}, "a/b")
    picture = Media("image/png", b"x")
    assert json.loads(next(iter(Rows([picture], {}, "a/b"))).arguments) == {"prompt": picture.data_uri()}


def test_a_day_can_all_that_the_table_s_time_can() -> None:
    (day,) = (row["day"] for row in source_rows(pd.DataFrame({"day": DAYS[:1]})))
    assert (day.day_name(), day.year, day.day_of_week) == ("Thursday", 2026, 3)
    assert str(day + datetime.timedelta(hours=10)) == "2026-01-01 10:00:00"
    assert day + pd.Timedelta(days=1) == pd.Timestamp("2026-01-02")
    assert (day < pd.Timestamp("2026-01-02"), day == pd.Timestamp("2026-01-01")) == (True, True)


def source_rows(source: Any) -> list[dict[str, Any]]:
    """The rows as a function of the user's gets them."""
    found: list[dict[str, Any]] = []

    def prompt(row: dict[str, Any]) -> str:
        found.append(row)
        return ""

    list(Rows(source, {"prompt": prompt}, "a/b"))
    return found


def test_values_that_json_does_not_know_are_sent_as_anywhere_and_stored_as_a_few_words() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    (row,) = Rows([{"image": picture, "day": datetime.date(2026, 1, 2), "n": np.int64(7)}], {}, "a/b")
    sent = json.loads(row.arguments)
    assert sent["image"].startswith("data:image/png;base64,")
    assert (sent["day"], sent["n"]) == ("2026-01-02", 7)
    assert len(row.columns) < 300
    assert json.loads(row.columns)["day"] == "2026-01-02"


def test_numbers_and_names_of_other_kinds_are_stored_as_such() -> None:
    kinds = {"price": decimal.Decimal("1.50"), "took": datetime.timedelta(seconds=90), "id": uuid.UUID(int=7)}
    (row,) = Rows([{**kinds, "prompt": "x"}], {"prompt": "{prompt}"}, "a/b")
    assert json.loads(row.columns) == {"price": 1.5, "took": 90.0, "id": str(uuid.UUID(int=7)), "prompt": "x"}


def test_a_text_holds_no_bytes_and_no_pictures() -> None:
    for value in (b"x", Image.new("RGB", (4, 4))):
        with pytest.raises(InvalidRequest, match=r"row 0: \{it\} is a .*, which a text cannot hold \(give it as an"):
            list(Rows([{"it": value}], {"prompt": "see {it}"}, "a/b"))


def test_columns_in_two_braces_alone_are_refused_since_all_rows_would_be_the_same() -> None:
    with pytest.raises(
        InvalidRequest, match=r"prompt has \{\{text\}\}, which is text in braces.*\(\{text\} is the column"
    ):
        Rows(pd.DataFrame(TABLE), {"prompt": "Say {{text}}"}, "a/b")
    assert asked([{"text": "a"}], prompt="{{text}} is {text}") == [{"prompt": "{text} is a"}]
    assert asked([{"text": "a"}], prompt="{{other}}")[0]["prompt"] == "{{other}}"


def test_a_prompt_is_the_only_message_of_an_endpoint_that_takes_a_conversation() -> None:
    def sent(**given: Any) -> list[dict[str, Any]]:
        rows = Rows(["a", "b"], given, "openrouter/router/openai/v1/chat/completions")
        return [{**json.loads(rows.header.constants), **json.loads(row.arguments)} for row in rows]

    said = [{"role": "user", "content": "a"}]
    assert sent(model="m")[0] == {"model": "m", "messages": said}
    assert sent(prompt="{prompt}!", system="Be short.")[0] == {
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "a!"}]
    }
    empty = Rows(["", None], {}, "openrouter/router/openai/v1/chat/completions")  # one row must not stop all others
    assert [json.loads(row.arguments) for row in empty] == [{"messages": [{"role": "user", "content": ""}]}] * 2
    assert sent(prompt="hi")[1] == {"messages": [{"role": "user", "content": "hi"}]}
    assert sent(messages=lambda row: [row["prompt"]])[0] == {"messages": ["a"]}


def test_a_table_without_rows_may_have_templates() -> None:
    sources: list[Any] = [pd.DataFrame({"t": []}), pl.DataFrame({"t": []}), []]
    for source in sources:
        assert list(Rows(source, {"prompt": "Say {t} in {{braces}}"}, "a/b")) == []


def test_rows_are_read_as_they_are_wanted() -> None:
    read = []

    def source() -> Iterator[str]:
        for number in range(1_000_000):
            read.append(number)
            yield f"row {number}"

    rows = iter(Rows(source(), {}, "a/b"))
    next(rows)
    assert len(read) == 1
    next(rows)
    assert len(read) == 2


def test_no_rows_are_no_error(tmp_path: Path) -> None:
    sources: list[Any] = [[], pd.DataFrame({"a": []}), iter(())]
    for source in sources:
        assert list(Rows(source, {"prompt": "x"}, "a/b")) == []
    with Journal.drive(tmp_path / "a.fal", Rows([], {}, "a/b").header) as journal:
        fill(journal, [])
        assert journal.is_whole
        assert list(journal.rows()) == []


def numbered(count: int, **changed: str) -> list[dict[str, Any]]:
    return [{"prompt": changed.get(f"r{number}", f"p{number}")} for number in range(count)]


def fill_from(path: Path, source: Any, **given: Any) -> int:
    rows = Rows(source, given, "a/b")
    with Journal.drive(path, rows.header, Redaction(KEY)) as journal:
        fill(journal, rows)
        return len(journal)


def test_the_same_call_goes_on_with_the_rows_that_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.fal"
    rows = Rows(numbered(2_500), {}, "a/b")
    with Journal.drive(path, rows.header) as journal:
        journal.add(row for _, row in zip(range(1_234), rows, strict=False))
    assert fill_from(path, numbered(2_500)) == 2_500
    assert fill_from(path, numbered(2_500)) == 2_500
    with Journal.drive(path) as journal:
        assert [json.loads(each.row.arguments)["prompt"] for each in journal.rows()] == [f"p{n}" for n in range(2_500)]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (numbered(1_100, r1050="other"), r'row 1050 is \{"prompt": "p1050"\}, and now \{"prompt": "other"\}'),
        (numbered(1_050), "it has 1100, and now there are 1050"),
        (numbered(1_101), "it has 1100, and now there are at least 1101"),
        ([], "it has 1100, and now there are 0"),
    ],
)
def test_other_rows_are_refused_and_named(tmp_path: Path, source: Any, says: str) -> None:
    path = tmp_path / "a.fal"
    fill_from(path, numbered(1_100))
    with pytest.raises(JournalError, match=says):
        fill_from(path, source)
    assert fill_from(path, numbered(1_100)) == 1_100


def test_a_key_in_a_row_is_no_other_row(tmp_path: Path) -> None:
    path = tmp_path / "a.fal"
    for _ in range(2):
        assert fill_from(path, [{"prompt": f"key {KEY}"}]) == 1
    assert KEY.partition(":")[2].encode() not in path.read_bytes()


def test_a_hundred_thousand_rows_do_not_stand_in_memory(tmp_path: Path) -> None:
    source = ({"text": f"some text of row {number}", "n": number} for number in range(20_000))
    rows = Rows(source, {"prompt": "Say {text}"}, "a/b")
    with Journal.drive(tmp_path / "a.fal", rows.header) as journal:
        tracemalloc.start()
        fill(journal, rows)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(journal) == 20_000
    assert most < 5_000_000


def test_a_hash_knows_the_borders_between_texts() -> None:
    assert Row("1", "2", "3").identity != Row("12", "", "3").identity
    assert Row("1", "x", "3").asked == Row("2", "y", "3").asked
