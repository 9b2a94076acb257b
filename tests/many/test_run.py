import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas  # type: ignore[import-untyped]  # it ships no hints
import polars
import pytest

import fal_notebook as fal
from fal_notebook.client.prices import Price
from fal_notebook.errors import CredentialsError, InvalidRequest, JournalError
from fal_notebook.many import start
from fal_notebook.many.estimate import Estimate
from fal_notebook.many.journal import Journal
from fal_notebook.many.journal_view import JournalView
from fal_notebook.many.progress import Standing
from fal_notebook.many.rows import Rows, fill
from fal_notebook.many.terminal_line import fitted

from ..conftest import KEY, wait_until
from .asked import ENDPOINT, PNG, Asked, serving


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    with serving(max_requests=4) as found:
        monkeypatch.setenv("FAL_NOTEBOOK_URL", found.url)
        yield found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.fal"


def test_a_table_goes_in_and_a_table_comes_out_with_its_index(asked: Asked, path: Path) -> None:
    table = pandas.DataFrame({"text": ["a", "b", "c"], "size": [1, 2, 3]}, index=["x", "y", "z"])
    found = fal.map(ENDPOINT, table, prompt="say {text}", to=path).wait().to_pandas()
    assert list(found.index) == ["x", "y", "z"]
    assert list(found["output"]) == ["SAY A", "SAY B", "SAY C"]
    assert list(found["size"]) == [1, 2, 3]
    assert set(found["status"]) == {"done"}
    assert set(found["cost"]) == {0.001}
    assert found["request_id"].notna().all()
    assert (found["seconds"] > 0).all()


def test_polars_lists_and_generators_are_rows_too(asked: Asked) -> None:
    assert fal.map(ENDPOINT, polars.DataFrame({"prompt": ["a"]})).wait()[0]["output"] == "A"
    assert fal.map(ENDPOINT, ["b", "c"]).wait()[-1]["output"] == "C"
    assert [row["output"] for row in fal.map(ENDPOINT, (f"g{n}" for n in range(3))).wait()[1:]] == ["G1", "G2"]
    run = fal.map(ENDPOINT, [{"n": 1}, {"n": 2}], prompt=lambda row: f"n{row['n']}", cost=0.5).wait()
    assert run.to_polars()["cost"].to_list() == [0.5, 0.5]


def test_every_row_is_worked_on_once_whatever_the_limit(asked: Asked, path: Path) -> None:
    run = fal.map(ENDPOINT, [f"row {n}" for n in range(200)], to=path).wait()
    assert [row["output"] for row in run.records()] == [f"ROW {n}" for n in range(200)]
    assert set(asked.bill.values()) == {1}
    assert len(asked.bill) == 200
    assert asked.most <= 4
    assert "200 of 200 done" in repr(run)
    assert "$0.2 spent" in repr(run)


def test_a_row_that_fails_stands_in_the_table_and_is_sent_again_only_when_asked(asked: Asked, path: Path) -> None:
    asked.fails["row 2"] = 422
    run = fal.map(ENDPOINT, [f"row {n}" for n in range(5)], to=path).wait()
    (failed,) = run.failed
    assert failed["prompt"] == "row 2"
    assert failed["status"] == "failed"
    assert "422" in failed["error"]
    assert "not so" in failed["error"]
    assert [row["status"] for row in run.records()] == ["done", "done", "failed", "done", "done"]
    asked.fails.clear()
    assert run.retry(failed=True).wait().failed == []
    assert run[2]["output"] == "ROW 2"
    assert asked.bill == {"row 0": 1, "row 1": 1, "row 2": 2, "row 3": 1, "row 4": 1}
    with pytest.raises(InvalidRequest, match="say which rows"):
        run.retry()


def test_ten_equal_failures_stop_the_run(asked: Asked, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fal.map(ENDPOINT, [f"row {n}" for n in range(60)], status=500, why="out of memory", to=path).wait()
    assert run.standing.counts["failed"] < 30
    assert "stopped: 10 rows failed in the same way" in (said := capsys.readouterr().err)
    assert run.stopped.startswith("10 rows failed in the same way")
    assert "run.failed lists what failed, run.retry(failed=True) sends it again" in said
    shown = run._repr_mimebundle_()["text/html"]
    assert "<strong>stopped: 10 rows failed in the same way" in shown
    assert shown.count("stopped: ") == 1
    assert "out of memory" in repr(run)
    assert "waiting" in run.standing.words


def test_a_key_that_is_not_accepted_stops_the_run_and_no_row_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(key=KEY) as asked:
        monkeypatch.setenv("FAL_NOTEBOOK_URL", asked.url)
        monkeypatch.setenv("FAL_KEY", "33333333-bbbb:44444444cccc")
        run = fal.map(ENDPOINT, [f"row {n}" for n in range(20)], to=path).wait()
        assert "401" in run.standing.reason
        assert run.standing.counts["new"] == 20
        monkeypatch.setenv("FAL_KEY", KEY)
        assert run.resume().wait().standing.counts["done"] == 20
        assert set(asked.bill.values()) == {1}
    assert KEY.encode() not in b"".join(each.read_bytes() for each in path.parent.glob("run.fal*"))


def test_an_empty_balance_stops_the_run_and_no_row_is_lost(asked: Asked, path: Path) -> None:
    run = fal.map(ENDPOINT, [f"row {n}" for n in range(20)], status=402, to=path).wait()
    assert "402" in run.standing.reason
    assert run.standing.counts["new"] == 20


def test_a_row_whose_answer_was_lost_is_unknown_and_never_sent_again_by_itself(asked: Asked, path: Path) -> None:
    rows = [{"prompt": "a"}, {"prompt": "b", "cut": True}, {"prompt": "c"}]
    run = fal.map(ENDPOINT, rows, to=path).wait()
    assert [row["status"] for row in run.records()] == ["done", "unknown", "done"]
    assert "1 unknown" in repr(run)
    run = fal.attach(path).wait()
    run = fal.map(ENDPOINT, rows, to=path).wait()
    assert asked.bill == {"a": 1, "b": 1, "c": 1}
    assert [row["prompt"] for row in run.unknown] == ["b"]
    run.retry(unknown=True).wait()
    assert asked.bill["b"] == 2


def test_without_a_connection_nothing_is_lost_and_the_run_stops_after_ten_tries(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fal_notebook.many.conduct._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("fal_notebook.many.conduct._LONGEST_PAUSE", 0.001)
    monkeypatch.setattr("fal_notebook.wire.handshake._PAUSES", ())
    with serving() as asked:
        url = asked.url
    monkeypatch.setenv("FAL_NOTEBOOK_URL", url)
    run = fal.map(ENDPOINT, ["a", "b"], to=path).wait()
    assert "no connection in 10 tries" in run.standing.reason
    assert run.standing.counts["new"] == 2


def test_the_same_call_goes_on_and_other_rows_or_another_endpoint_are_refused(asked: Asked, path: Path) -> None:
    fal.map(ENDPOINT, ["a", "b"], to=path).wait()
    assert fal.map(ENDPOINT, ["a", "b"], to=path).wait()[1]["output"] == "B"
    assert asked.bill == {"a": 1, "b": 1}
    with pytest.raises(JournalError, match=r'row 1 is {"prompt": "b"}, and now {"prompt": "x"}'):
        fal.map(ENDPOINT, ["a", "x"], to=path)
    with pytest.raises(JournalError, match="rows/work, and now other/one"):
        fal.map("other/one", ["a", "b"], to=path)
    assert fal.attach(path).standing.counts["done"] == 2


def test_a_file_in_which_a_row_cannot_be_sent_is_not_left_behind(asked: Asked, path: Path) -> None:
    with pytest.raises(InvalidRequest, match="row 1"):
        fal.map(ENDPOINT, [{"n": 1}, {"n": 0}], prompt=lambda row: 1 / row["n"], to=path)
    assert list(path.parent.glob("run*")) == []


def test_rows_come_as_they_end_and_a_slow_one_holds_no_other(asked: Asked) -> None:
    run = fal.map(ENDPOINT, [{"prompt": "slow", "hold": True}, *({"prompt": f"row {n}"} for n in range(30))])
    found = []
    for row in run:
        found.append(row["prompt"])
        if len(found) == 30:
            assert "slow" not in found
            asked.let_go()
    assert found[-1] == "slow"
    assert sorted(found) == sorted(row["prompt"] for row in run.records())
    assert [row["prompt"] for row in run] == found


def test_cancel_sends_nothing_more_takes_what_is_under_way_and_resume_goes_on(asked: Asked, path: Path) -> None:
    run = fal.map(ENDPOINT, [f"row {n}" for n in range(20)], hold=True, to=path)
    wait_until(lambda: asked.at_work == 2)
    run.cancel()
    assert run.is_running
    asked.let_go()
    run.wait()
    assert run.standing.counts["done"] == sum(asked.bill.values()) < 20
    assert "stopped: cancelled" in repr(run)
    assert fal.attach(path).wait().standing.counts["done"] == 20
    assert set(asked.bill.values()) == {1}


def test_a_run_that_was_about_to_stop_leaves_nothing_in_the_output_of_the_one_that_goes_on(
    asked: Asked, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fal.map(ENDPOINT, ["a", "b", "c"], hold=True, to=path)
    wait_until(lambda: asked.at_work == 2)
    run.cancel()
    asked.let_go()
    again = fal.map(ENDPOINT, ["a", "b", "c"], hold=True, to=path).wait()
    assert (again.standing.counts["done"], capsys.readouterr().err) == (3, "")


def test_an_interrupt_in_wait_leaves_a_run_that_goes_on(asked: Asked, path: Path) -> None:
    run = fal.map(ENDPOINT, [f"row {n}" for n in range(20)], hold=True, to=path)

    def interrupt() -> None:
        wait_until(lambda: asked.at_work == 2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt, match=r"0 of 20 done .* the same call again, or run.resume\(\), goes on"):
        run.wait()
    asked.let_go()
    assert run.resume().wait().standing.counts["done"] == 20
    assert set(asked.bill.values()) == {1}


def test_a_wait_with_a_time_out_ends_and_the_run_goes_on(asked: Asked) -> None:
    run = fal.map(ENDPOINT, ["a"], hold=True)
    assert run.wait(0.05).is_running
    asked.let_go()
    assert run.wait()[0]["output"] == "A"


def test_a_run_can_be_awaited(asked: Asked) -> None:
    async def work() -> str:
        run = await fal.map(ENDPOINT, ["a", "b"])
        return str(run[1]["output"])

    assert asyncio.run(work()) == "B"


def test_whoever_iterates_or_awaits_is_told_why_a_run_stopped(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    run = fal.map(ENDPOINT, ["a", "b", "c"], cost=1.0, budget=1.0)
    assert len(list(run)) == 1
    assert "stopped: the budget is used up · run.resume(budget=…) goes on" in capsys.readouterr().err

    async def work() -> str:
        return (await fal.map(ENDPOINT, ["a", "b", "c"], cost=1.0, budget=1.0)).stopped

    assert asyncio.run(work()) == "the budget is used up"
    assert "stopped: the budget is used up" in capsys.readouterr().err


def test_who_waits_is_told_that_rows_failed_however_soon(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.fails = {"b": 422}
    run = fal.map(ENDPOINT, ["a", "b"]).wait()
    assert "1 failed · $0.001 spent · run.failed lists what failed" in capsys.readouterr().err
    assert "1 failed" in run.standing.words
    list(fal.map(ENDPOINT, ["a", "b"]))  # each row says so itself
    assert capsys.readouterr().err == ""


def test_in_a_narrow_terminal_the_bar_and_the_name_give_way_to_the_numbers() -> None:
    now = Standing("openrouter/router/openai/v1/chat/completions", 10, {"done": 2, "new": 8}, is_running=True)
    assert fitted(now, 120).startswith("████")
    assert now.endpoint in fitted(now, 120)
    assert fitted(now, 60) == "████░░░░░░░░░░░░░░░░ 20 % 2 of 10 done · 8 waiting"
    assert fitted(now, 40) == "20 % · 2 of 10 done · 8 waiting"
    assert fitted(now, 10) == "20 % · 2 of"[:10]


def test_a_run_that_came_to_its_end_has_not_stopped(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert fal.map(ENDPOINT, ["a"]).wait().stopped == ""
    assert capsys.readouterr().err == ""


def test_a_budget_is_not_passed(asked: Asked, path: Path) -> None:
    run = fal.map(ENDPOINT, [f"row {n}" for n in range(50)], cost=0.1, budget=1.0, to=path).wait()
    assert run.standing.counts["done"] == 10
    assert run.standing.spent == pytest.approx(1.0)
    with pytest.raises(TypeError, match=r"found by number, as run\[0\]; run.to_pandas\(\)\['text'\] is a column"):
        run["text"]  # type: ignore[call-overload]
    assert run.standing.reason == "the budget is used up"
    assert fal.attach(path, budget=1.5).wait().standing.counts["done"] == 15


def test_where_fal_says_what_a_request_costs_a_budget_counts_with_that(
    asked: Asked, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_price", lambda *_: Price(0.1, "requests"))
    run = fal.map(ENDPOINT, [f"row {n}" for n in range(50)], cost=None, pause=0.02, budget=1.0, to=path).wait()
    assert (run.standing.counts["done"], run.standing.reason) == (10, "the budget is used up")
    assert asked.most > 1
    assert fal.attach(path, budget=1.5).wait().standing.counts["done"] == 15


def test_what_a_picture_costs_is_no_price_of_a_request(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "_price", lambda *_: Price(0.1, "images"))
    run = fal.map(ENDPOINT, ["a", "b", "c"], cost=None, pause=0.01, budget=1.0).wait()
    assert (run.standing.counts["done"], asked.most) == (1, 1)
    assert run.standing.reason == "the cost of an answer is not known"


def test_a_budget_lasts_until_another_one_is_given(asked: Asked, path: Path) -> None:
    rows = [f"row {n}" for n in range(50)]
    run = fal.map(ENDPOINT, rows, cost=0.1, budget=1.0, to=path).wait()
    assert "run.resume(budget=…) goes on" in run.standing.words
    assert fal.attach(path).wait().standing.counts["done"] == 10
    assert run.resume(budget=1.2).wait().standing.counts["done"] == 12
    del run
    assert fal.attach(path).wait().standing.counts["done"] == 12
    assert fal.map(ENDPOINT, rows, cost=0.1, budget=1.3, to=path).wait().standing.counts["done"] == 13


def test_a_budget_that_cannot_be_kept_is_given_up_on_demand(asked: Asked, path: Path) -> None:
    run = fal.map(ENDPOINT, ["a", "b", "c"], cost=None, budget=1.0, to=path).wait()
    assert 'not known · run.resume(budget=float("inf")) goes on without a budget' in run.standing.words
    assert run.resume(budget=float("inf")).wait().standing.counts["done"] == 3


def test_a_run_that_goes_on_takes_a_new_budget(asked: Asked, path: Path) -> None:
    rows = [f"row {n}" for n in range(50)]
    run = fal.map(ENDPOINT, rows, cost=0.1, hold=True, to=path)
    wait_until(lambda: run.standing.counts["intent"] == 2)
    assert fal.map(ENDPOINT, rows, cost=0.1, hold=True, budget=0.3, to=path) is run
    with pytest.raises(InvalidRequest, match="budget is a number"):
        run.resume(budget=-1)
    asked.let_go()
    assert run.wait().standing.counts["done"] <= 4
    assert run.standing.reason == "the budget is used up"


def test_a_run_without_a_connection_says_so_while_it_tries_again(path: Path) -> None:
    run = fal.map(ENDPOINT, ["a", "b"], to=path, base_url="ws://127.0.0.1:9")
    wait_until(lambda: "tries again: no connection to ws://127.0.0.1:9" in run.standing.words)
    run.cancel()
    run.wait()
    assert "tries again" not in run.standing.words
    assert "stopped: cancelled · run.resume() goes on" in run.standing.words


def test_a_run_that_is_about_to_stop_has_no_time_left() -> None:
    now = Standing("a/b", 10, {"done": 2, "intent": 3, "new": 5}, rate=2.0, is_running=True)
    assert "4 s left" in now.words
    assert replace(now, reason="interrupted").words == (
        "a/b · 2 of 10 done · 3 under way · 5 waiting · 2.0 rows/s · stopped: interrupted"
    )


def test_rows_that_ask_the_same_are_asked_once_where_that_is_wanted(asked: Asked) -> None:
    run = fal.map(ENDPOINT, ["a", "b", "a"], unique=True).wait()
    assert [row["output"] for row in run.records()] == ["A", "B", "A"]
    assert asked.bill == {"a": 1, "b": 1}
    fal.map(ENDPOINT, ["c", "c"]).wait()
    assert asked.bill["c"] == 2


def test_a_dry_run_sends_nothing_and_tells_what_is_known(asked: Asked) -> None:
    found = fal.map(ENDPOINT, ["a", "b", "a"], dry_run=True)
    assert (found.rows, found.duplicates, found.dollars) == (3, 1, None)
    assert "1 duplicate, asked as often as they stand there" in str(found)
    assert "price: unknown" in str(found)
    assert fal.map(ENDPOINT, ["a", "b", "a"], unique=True, dry_run=True).requests == 2
    assert not asked.bill


def test_a_price_is_told_as_fal_tells_it_and_summed_up_only_where_a_row_is_a_unit() -> None:
    known = Estimate("a/b", 400, 0, is_unique=False, refused={}, checked=0, price=Price(0.025, "requests"), engine="x")
    assert "price: $0.025 per request, $10 in all" in str(known)
    assert "price: $0.025 per image · " in str(replace(known, price=Price(0.025, "images")))
    expected = replace(known, price=None, expected=12.5)
    assert "price: unknown, some $12.5 in all, as fal expects of earlier requests" in str(expected)


def test_before_many_rows_what_is_known_is_told(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    fal.map(ENDPOINT, ["a"] * 100).wait()
    assert "duplicates" not in capsys.readouterr().err
    fal.map(ENDPOINT, ["a"] * 101).wait()
    assert "rows/work · 101 rows · 100 duplicates" in capsys.readouterr().err


def test_without_a_file_the_journal_goes_with_the_run(asked: Asked) -> None:
    run = fal.map(ENDPOINT, ["a"]).wait()
    folder = run.path.parent
    assert 'to="NAME.fal" keeps it' in repr(run)
    assert folder.exists()
    del run
    wait_until(lambda: not folder.exists())


def test_the_same_call_while_the_run_goes_on_gives_the_same_run(asked: Asked, path: Path) -> None:
    run = fal.map(ENDPOINT, ["a", "b", "c"], hold=True, to=path)
    assert fal.map(ENDPOINT, ["a", "b", "c"], hold=True, to=path) is run
    assert fal.attach(path) is run
    with pytest.raises(JournalError, match="of other rows"):
        fal.map(ENDPOINT, ["a", "b", "d"], hold=True, to=path)
    asked.let_go()
    run.wait()


def test_another_kernel_cannot_drive_the_run_but_takes_it_over_at_its_end(asked: Asked, path: Path) -> None:
    run = fal.map(ENDPOINT, ["a", "b"], hold=True, to=path)
    attach = f"import fal_notebook as fal; print(fal.attach({str(path)!r}).wait()[1]['output'])"
    command = [sys.executable, "-c", attach]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"{path} is driven by another kernel" in refused.stderr
    asked.let_go()
    run.wait()
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "B\n"


def test_a_program_that_ends_takes_what_is_under_way_and_nothing_is_unknown(asked: Asked, path: Path) -> None:
    code = f"import fal_notebook as fal; fal.map({ENDPOINT!r}, [str(n) for n in range(500)], to={str(path)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    with JournalView.open(path) as view:
        counts = view.counts()
    assert counts["unknown"] == counts["intent"] == 0
    assert counts["done"] == sum(asked.bill.values()) < 500
    assert fal.attach(path).wait().standing.counts["done"] == 500
    assert set(asked.bill.values()) == {1}


@pytest.mark.skipif(sys.platform == "win32", reason="it kills")
def test_a_kernel_that_is_killed_loses_nothing_and_bills_nothing_twice(asked: Asked, path: Path) -> None:
    rows = "[str(n) for n in range(300)]"
    code = f"import fal_notebook as fal; fal.map({ENDPOINT!r}, {rows}, pause=0.01, to={str(path)!r}).wait()"
    for part in range(1, 4):
        kernel = subprocess.Popen([sys.executable, "-c", code])
        wait_until(lambda part=part: sum(asked.bill.values()) > 60 * part, seconds=60)  # type: ignore[misc]
        kernel.kill()
        kernel.wait()
    run = fal.attach(path).wait()
    counts = run.standing.counts
    assert counts["done"] + counts["unknown"] == 300
    assert counts["unknown"] <= 3 * 2 * 8  # those under way, and as many whose intent was written ahead
    assert set(asked.bill.values()) == {1}
    assert all(row["output"] == row["prompt"] for row in run.records() if row["status"] == "done")
    run.retry(unknown=True).wait()
    assert run.standing.counts["done"] == 300


def test_what_may_be_read_without_a_key_is(path: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    fal.map(ENDPOINT, ["a", "b"], budget=0.0015, to=path).wait()
    monkeypatch.delenv("FAL_NOTEBOOK_URL")
    with sqlite3.connect(path) as file:
        file.execute("DELETE FROM header WHERE name LIKE 'setting %'")
    file.close()
    run = fal.attach(path)
    assert run[0]["output"] == "A"
    assert "no fal credentials" in run.standing.reason
    with pytest.raises(CredentialsError):
        run.resume()


def test_the_host_of_a_run_is_that_with_which_it_began(
    asked: Asked, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAL_NOTEBOOK_URL")
    fal.map(ENDPOINT, ["a", "b"], budget=0.0015, to=path, base_url=asked.url).wait()
    assert fal.attach(path, budget=1).wait().standing.counts["done"] == 2


def test_files_of_answers_are_saved_under_the_number_of_their_row(asked: Asked, tmp_path: Path) -> None:
    run = fal.map(ENDPOINT, [{"prompt": "a"}, {"prompt": "b", "picture": True}]).wait()
    (saved,) = run.save(tmp_path / "pictures")
    assert saved.name == "0001.png"
    assert saved.read_bytes() == PNG
    assert run[1]["output"].data == PNG
    assert [each.name for each in run.save(tmp_path / "pictures")] == ["0001.png"]


def test_a_run_is_exported(asked: Asked, tmp_path: Path) -> None:
    run = fal.map(ENDPOINT, ["a", "b"]).wait()
    lines = run.export(tmp_path / "x.jsonl").read_text().splitlines()
    assert [json.loads(line)["output"] for line in lines] == ["A", "B"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"engine": "bus"}, "none of auto, sockets, queue"),
        ({"budget": -1}, "budget is a number"),
        ({"timeout": 0}, "timeout is a number"),
    ],
)
def test_wrong_settings_are_refused_and_nothing_is_sent(asked: Asked, wrong: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        fal.map(ENDPOINT, ["a"], **wrong)  # type: ignore[call-overload]
    assert not asked.bill


def test_an_answer_is_plain_text_wherever_a_run_is_shown(asked: Asked) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>\x1b[31m"
    run = fal.map(ENDPOINT, [hostile]).wait()
    bundle = run._repr_mimebundle_()
    assert "<IMG" not in bundle["text/html"]
    assert "<img" not in bundle["text/html"]
    assert "<script" not in bundle["text/html"].lower()
    assert "\x1b" not in bundle["text/plain"]


def test_rows_that_the_schema_refuses_fail_without_being_sent(
    asked: Asked, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_NOTEBOOK_SCHEMAS", "on")
    rows = [{"prompt": f"row {n}", "size": "large" if n == 7 else n} for n in range(101)]
    assert fal.map(ENDPOINT, rows, dry_run=True).refused.keys() == {7}
    run = fal.map(ENDPOINT, rows, to=path).wait()
    (failed,) = run.failed
    assert failed["prompt"] == "row 7"
    assert failed["error"].startswith("not sent: size")
    assert "row 7" not in asked.bill
    assert len(asked.bill) == 100
    assert fal.map(ENDPOINT, rows, check="off").wait()[7]["status"] == "done"


def test_rows_that_stand_in_the_queue_end_there(asked: Asked, path: Path) -> None:
    rows = Rows(["a", "b"], {}, ENDPOINT)
    with Journal.drive(path, rows.header) as journal:
        fill(journal, rows)
        journal.intend([0], "queue")
        journal.submitted([(0, "r1", {})])
    with pytest.raises(InvalidRequest, match="began on fal's queue"):
        fal.attach(path, engine="sockets")
    assert not asked.bill


def test_a_full_disk_stops_the_run_and_nothing_is_sent_twice(
    asked: Asked, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fal_notebook.many.ledger._PAUSES", (0.001,))
    run = fal.map(ENDPOINT, [{"prompt": f"{n} " * 20_000} for n in range(20)], hold=True, to=path)
    wait_until(lambda: asked.at_work == 2)
    assert run.journal is not None
    ((pages,),) = run.journal._read("PRAGMA page_count")
    run.journal._read(f"PRAGMA max_page_count = {pages}")
    asked.let_go()
    with pytest.raises(JournalError, match="the disk is full"):
        run.wait()
    assert "the disk is full" in run.standing.reason
    run = fal.attach(path).wait()
    assert run.standing.counts["done"] + run.standing.counts["unknown"] == 20
    assert set(asked.bill.values()) == {1}
