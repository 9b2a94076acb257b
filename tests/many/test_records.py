import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import polars as pl
import pytest

from fal_notebook.errors import InvalidRequest
from fal_notebook.many import records as module
from fal_notebook.many.export import export
from fal_notebook.many.journal import Journal
from fal_notebook.many.journal_view import JournalView
from fal_notebook.many.records import records, to_pandas, to_polars
from fal_notebook.many.rows import Rows, fill
from fal_notebook.many.stored import Answer, Outcome
from fal_notebook.many.summary import summary_bundle
from fal_notebook.media.media import Media

from ..render.test_bundles import PNG

JSON = {"content-type": "application/json"}
TEXT = {"Content-Type": "text/event-stream"}
HOSTILE = "<script>alert(1)</script>\x1b[2J"


def run(path: Path, source: Any, answers: list[tuple[dict[str, str], bytes]], **given: Any) -> JournalView:
    rows = Rows(source, given, "a/b")
    with Journal.drive(path, rows.header) as journal:
        fill(journal, rows)
        for number, (headers, body) in enumerate(answers):
            journal.intend([number], "queue")
            journal.submitted([(number, f"id-{number}", {})])
            if body:
                journal.answered([Answer(number, 200, headers, body)])
                journal.concluded([Outcome(number, "done", seconds=1.0, cost=0.5)])
            else:
                journal.concluded([Outcome(number, "failed", "422: no")])
    return JournalView.open(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.fal"


@pytest.fixture
def view(path: Path) -> Any:
    table = pd.DataFrame({"text": ["a", "b", "c"], "n": [1, 2, 3]}, index=["x", "y", "z"])
    with run(path, table, [(JSON, b'{"output": "cat"}'), (JSON, b"")], prompt="Say {text}") as found:
        yield found


def test_a_record_has_the_rows_own_columns_and_what_came(view: JournalView) -> None:
    empty = dict.fromkeys(module.FACTS)
    done = {"output": "cat", "status": "done", "request_id": "id-0", "seconds": 1.0, "cost": 0.5}
    failed = {"error": "422: no", "status": "failed", "request_id": "id-1"}
    assert list(records(view)) == [
        {"text": "a", "n": 1, **empty, **done},
        {"text": "b", "n": 2, **empty, **failed},
        {"text": "c", "n": 3, **empty, "status": "new"},
    ]


@pytest.mark.parametrize(
    ("headers", "body", "output"),
    [
        (JSON, b'{"output": "words"}', "words"),
        (JSON, b'{"output": "", "usage": {}}', ""),
        (JSON, b'{"score": 0.5}', {"score": 0.5}),
        (TEXT, b'data: {"output": "wor"}\n\ndata: {"output": "words"}\n\n', "words"),
        ({"content-type": "text/plain"}, b"words", "words"),
        (JSON, b"no json", "no json"),
        ({}, b'{"output": "words"}', "words"),
    ],
)
def test_the_output_is_what_the_answer_says(path: Path, headers: dict[str, str], body: bytes, output: Any) -> None:
    with run(path, ["a"], [(headers, body)]) as view:
        assert [each["output"] for each in records(view)] == [output]


def test_a_file_is_a_file(path: Path) -> None:
    with run(path, ["a"], [({"content-type": "image/png"}, PNG)]) as view:
        (record,) = records(view)
        assert isinstance(record["output"], Media)
        assert record["output"].data == PNG


def test_a_column_that_is_named_like_what_came_is_kept(path: Path) -> None:
    source = [{"prompt": "a", "status": "mine", "output": "old"}, {"prompt": "b", "status": "mine", "error": "own"}]
    with run(path, source, [(JSON, b'{"output": "new"}')], prompt="{prompt}") as view:
        first, second = records(view)
        assert (first["status"], first["fal_status"], first["output"], first["fal_output"]) == (
            "mine",
            "done",
            "old",
            "new",
        )
        assert (second["error"], second["error_"]) == (None, "own")


def test_a_table_comes_out_with_the_index_that_went_in(view: JournalView, tmp_path: Path) -> None:
    table = to_pandas(view)
    assert list(table.index) == ["x", "y", "z"]
    assert list(table.columns) == ["text", "n", *module.FACTS]
    assert table.loc["x", "output"] == "cat"
    source = pd.DataFrame({"prompt": ["a"]}, index=pd.MultiIndex.from_tuples([(1, "b")]))
    with run(tmp_path / "b.fal", source, []) as other:
        assert list(to_pandas(other).index) == [(1, "b")]
    with run(tmp_path / "c.fal", ["a", "b"], []) as other:
        assert list(to_pandas(other).index) == [0, 1]
    with run(tmp_path / "d.fal", [], []) as other:
        assert len(to_pandas(other)) == len(to_polars(other)) == 0


def test_the_names_and_kinds_of_a_table_come_back_and_no_index_is_lost_in_a_file(path: Path, tmp_path: Path) -> None:
    times = pd.to_datetime(["2026-01-01", None], utc=True)
    index = pd.MultiIndex.from_arrays([["x", "y"], pd.to_datetime(["2026-01-01", "2026-01-02"])], names=["id", None])
    table = pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-01-01", None]),
            "at": times,
            "took": pd.to_timedelta([90, None], unit="s"),
            "sort": pd.Categorical(["a", "b"]),
            "n": pd.array([1, None], dtype="Int64"),
            "id": [7, 8],
        },
        index=index,
    )
    with run(path, table, [(JSON, b'{"output": "cat"}')], prompt="{day}") as view:
        found = to_pandas(view)
        pd.testing.assert_frame_equal(found[list(table)], table)
        assert table.join(found[["output"]])["output"].tolist()[0] == "cat"
        for name in ("x.csv", "x.jsonl"):
            export(view, tmp_path / name)
        (first, _) = csv.DictReader((tmp_path / "x.csv").read_text().splitlines())
        assert (first["id_"], first["level_1"], first["id"]) == ("x", "2026-01-01T00:00:00", "7")
        assert json.loads((tmp_path / "x.jsonl").read_text().splitlines()[1])["id_"] == "y"
        assert to_polars(view).columns[:2] == ["id_", "level_1"]


def test_numbered_rows_have_no_index_in_a_file(path: Path, tmp_path: Path) -> None:
    with run(path, pd.DataFrame({"text": ["a"]}), [(JSON, b'{"output": "cat"}')], prompt="{text}") as view:
        assert export(view, tmp_path / "x.csv").read_text().startswith("text,output,")


def test_an_index_with_a_name_alone_comes_back(path: Path, tmp_path: Path) -> None:
    table = pd.DataFrame({"text": ["a", "b"]}, index=pd.Index([0, 1], name="id"))
    with run(path, table, [(JSON, b'{"output": "cat"}')], prompt="{text}") as view:
        assert to_pandas(view).index.name == "id"
        assert export(view, tmp_path / "x.csv").read_text().startswith("id,text,output,")


def test_a_table_of_polars_holds_answers_of_any_kind(path: Path) -> None:
    answers = [(JSON, b'{"output": "words"}'), (JSON, b'{"score": 1}'), ({"content-type": "image/png"}, PNG)]
    with run(path, ["a", "b", "c"], answers) as view:
        table = to_polars(view)
        assert table["output"].to_list()[:2] == ["words", '{"score": 1}']
        assert table["cost"].dtype == pl.Float64


def test_what_is_not_installed_is_told(view: JournalView, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(module, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    with pytest.raises(InvalidRequest, match="pip install pandas"):
        to_pandas(view)
    with pytest.raises(InvalidRequest, match="pip install polars"):
        to_polars(view)
    with pytest.raises(InvalidRequest, match="takes polars"):
        export(view, path.with_name("a.parquet"))
    assert sorted(each.suffix for each in path.parent.iterdir() if "fal" not in each.name) == []
    assert len(export(view, path.with_name("a.csv")).read_text().splitlines()) == 4


def test_a_run_is_exported(view: JournalView, tmp_path: Path) -> None:
    lines = export(view, tmp_path / "a.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [each.pop("index") for each in found] == ["x", "y", "z"]
    assert found == list(records(view))
    with export(view, tmp_path / "a.csv").open(newline="") as file:
        assert [row["output"] for row in csv.DictReader(file)] == ["cat", "", ""]
    assert pl.read_parquet(export(view, tmp_path / "a.parquet"))["n"].to_list() == [1, 2, 3]
    with pytest.raises(InvalidRequest, match=r"ends with \.jsonl or"):
        export(view, tmp_path / "a.xlsx")


def test_a_file_that_was_there_stays_where_the_new_one_cannot_be_written(
    view: JournalView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goal = tmp_path / "a.jsonl"
    goal.write_text("old")
    monkeypatch.setattr(JournalView, "rows", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(OSError, match="gone"):
        export(view, goal)
    assert goal.read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def test_a_summary_is_static_and_harmless(path: Path) -> None:
    answers = [(JSON, json.dumps({"output": HOSTILE}).encode()), (JSON, b"")]
    with run(path, [HOSTILE, "b", "c"], answers) as view:
        bundle = summary_bundle(view)
    assert "66 %\na/b · 1 of 3 done · 1 failed · 1 waiting · $0.5 spent" in bundle["text/plain"]
    assert "<script" not in bundle["text/html"]
    assert "\x1b" not in bundle["text/plain"] + bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "422: no" in bundle["text/html"]


def test_a_summary_of_nothing_is_a_line(path: Path) -> None:
    with run(path, [], []) as view:
        assert summary_bundle(view)["text/plain"].endswith("a/b · 0 of 0 done")
