"""Many requests in a real kernel: what a notebook shows of them, and what interrupts and restarts do to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import wait_until
from .kernels import Kernel, kernel, left_open
from .many.asked import ENDPOINT, Asked, serving

ROWS = "rows = [{'text': f'row {n}'} for n in range(20)]"


@pytest.fixture(scope="module")
def served() -> Iterator[Asked]:
    with serving(max_requests=4) as found:
        yield found


@pytest.fixture
def asked(served: Asked) -> Asked:
    served.begin_anew()
    return served


@pytest.fixture(scope="module")
def lab(served: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": served.url}, cwd=tmp_path_factory.mktemp("many")) as running:
        running.run(f"import fal_notebook as fal\n{ROWS}")
        yield running


def test_a_run_is_shown_while_it_goes_on_and_is_static_at_its_end(lab: Kernel, asked: Asked) -> None:
    lab.displayed.clear()
    cell = lab.run(f"run = fal.map('{ENDPOINT}', rows, prompt='{{text}}', hold=True)\nrun")
    (shown,) = cell.outputs
    assert "0 of 20 done" in shown["data"]["text/plain"]
    assert not left_open(cell)
    asked.let_go()
    lab.wait_for("100 %", "20 of 20 done", "ROW ", "row ")  # the gateway refuses some, so that any may be last
    assert lab.run("run.wait()").status == "ok"
    assert lab.run("run").outputs[0]["data"]["text/plain"] == lab.wait_for("100 %", "20 of 20 done")


def test_the_page_gets_at_most_two_updates_a_second(lab: Kernel, asked: Asked) -> None:
    cell = lab.run(
        f"import time\nt = time.monotonic()\nfal.map('{ENDPOINT}', rows, prompt='{{text}}', pause=0.2).follow()"
    )
    seconds = float(lab.value("time.monotonic() - t"))
    updates = [each for each in cell.messages if each["header"]["msg_type"] == "update_display_data"]
    assert 1 <= len(updates) <= 2 * seconds + 2
    assert "20 of 20 done" in updates[-1]["content"]["data"]["text/plain"]


def test_a_cell_that_waits_for_a_run_shows_it_once(lab: Kernel, asked: Asked) -> None:
    cell = lab.run(f"run = fal.map('{ENDPOINT}', rows[:6], prompt='{{text}}', pause=0.6)\nrun.wait()")
    assert len(cell.outputs) == 1
    assert len(lab.run("run").outputs) == 1
    assert len(lab.run("run.wait()").outputs) == 1


def test_a_run_that_stops_by_itself_says_so_in_the_cell_that_waits_however_soon(lab: Kernel, asked: Asked) -> None:
    cell = lab.run(f"run = fal.map('{ENDPOINT}', rows, prompt='{{text}}', cost=1.0, budget=1.0).wait()")
    assert "stopped: the budget is used up · run.resume(budget=…) goes on" in cell.plain
    assert len(lab.run("run.wait()").outputs) == 1
    assert "budget is used up" in lab.run("for row in run.resume(budget=2.0): pass").plain


def test_a_row_without_a_value_gives_no_words_and_any_column_can_be_named(lab: Kernel, asked: Asked) -> None:
    days = "'day': pd.to_datetime(['2026-01-01'] * 2)"
    lab.run(f"import pandas as pd\nodd = pd.DataFrame({{'Its text': ['good', None], 'n': [1.5, None], {days}}})")
    lab.run(f"%%falstream {ENDPOINT} --each odd -o run\n<{{{{Its text}}}}> <{{{{n}}}}> <{{{{day}}}}>")
    assert (
        lab.value("[row['output'] for row in run.records()]") == "['<GOOD> <1.5> <2026-01-01>', '<> <> <2026-01-01>']"
    )


def test_a_cell_is_sent_for_each_row(lab: Kernel, asked: Asked) -> None:
    lab.run("loud = '!'")
    cell = lab.run(
        f"%%falstream {ENDPOINT} n:={{{{len(text)}}}} --each rows -o run\nsay {{{{text.title()}}}}{{{{loud}}}}"
    )
    assert cell.status == "ok", cell.error
    assert "20 of 20 done" in cell.plain
    assert lab.value("run[3]['output']") == "'SAY ROW 3!'"
    assert lab.value("_fal is run") == "True"
    assert asked.bill["say Row 3!"] == 1


def test_a_row_s_columns_are_its_arguments_where_the_cell_has_no_expression(lab: Kernel, asked: Asked) -> None:
    lab.run("people = [{'prompt': 'a', 'cost': 0.25}, {'prompt': 'b', 'cost': 0.5}]")
    lab.run(f"%falstream {ENDPOINT} --each people -o run")
    assert lab.value("[row['cost'] for row in run.records()]") == "[0.25, 0.5]"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--each nobody", "--each nobody: no such variable"),
        ("--to labels.fal", "--to goes with --each"),
        ("--each rows --chat talk", "--each goes without --chat"),
        ("--each loud", "a str has no rows"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_sent(lab: Kernel, asked: Asked, line: str, words: str) -> None:
    lab.run("loud = '!'")
    cell = lab.run(f"%%falstream {ENDPOINT} {line}\n{{{{text}}}}")
    assert words in cell.printed.replace("\n", " ")
    assert not asked.bill


def test_a_name_that_is_no_column_is_an_error_before_anything_is_sent(lab: Kernel, asked: Asked) -> None:
    cell = lab.run(f"%%falstream {ENDPOINT} --each rows\n{{{{txet}}}}")
    assert "name 'txet' is not defined" in cell.printed.replace("\n", " ")
    assert not asked.bill


def test_a_dry_run_tells_what_is_known(lab: Kernel, asked: Asked) -> None:
    assert "20 rows · price: unknown" in lab.run(f"%%falstream {ENDPOINT} --each rows --dry-run\n{{{{text}}}}").plain
    assert not asked.bill


def test_an_interrupt_stops_sending_and_the_same_cell_goes_on(lab: Kernel, asked: Asked) -> None:
    code = f"%%falstream {ENDPOINT} hold:=true --each rows --to stopped.fal -o run\n{{{{text}}}}"
    cell = lab.run_interrupted(code, after="0 of 20 done")
    assert "KeyboardInterrupt" in cell.error
    assert "the same call again, or run.resume(), goes on" in cell.error.replace("\n", " ")
    assert len(asked.bill) <= 4
    asked.let_go()
    assert "20 of 20 done" in lab.run(code).plain
    assert set(asked.bill.values()) == {1}


def test_a_kernel_that_is_restarted_in_the_middle_goes_on_with_what_is_missing(lab: Kernel, asked: Asked) -> None:
    lab.run(f"fal.map('{ENDPOINT}', rows, prompt='{{text}}', hold=True, to='restarted.fal')")
    wait_until(lambda: asked.at_work == 2)
    lab.restart(now=True)
    asked.let_go()
    lab.run("import fal_notebook as fal\nrun = fal.attach('restarted.fal').wait()")
    assert lab.value("(run.standing.counts['done'], run.standing.counts['unknown'])") == "(18, 2)"
    assert set(asked.bill.values()) == {1}
    assert "2 unknown" in lab.run("run").plain
    lab.run(ROWS)


def test_two_kernels_cannot_drive_one_run(lab: Kernel, asked: Asked, tmp_path: Path) -> None:
    path = tmp_path / "both.fal"
    lab.run(f"run = fal.map('{ENDPOINT}', ['a'], hold=True, to={str(path)!r})")
    with kernel({"FAL_NOTEBOOK_URL": asked.url}) as other:
        other.run("import fal_notebook as fal")
        refused = other.run(f"fal.attach({str(path)!r})")
        assert "is driven by another kernel" in refused.error.replace("\n", " ")
        asked.let_go()
        lab.run("run.wait()")
        assert other.run(f"fal.attach({str(path)!r})[0]['output']").plain == "'A'"


def test_stop_ends_the_runs_in_the_background(lab: Kernel, asked: Asked) -> None:
    lab.run(f"run = fal.map('{ENDPOINT}', rows, prompt='{{text}}', hold=True)")
    wait_until(lambda: asked.at_work == 2)
    assert lab.run("%falstream stop").plain == "stopped 1 request"
    asked.let_go()
    lab.run("run.wait()")
    assert lab.value("run.standing.reason") == "'cancelled'"
    assert lab.value("run.standing.counts['done']") == "2"


def test_rows_that_take_long_to_read_are_counted_while_they_are_read(lab: Kernel, asked: Asked) -> None:
    lab.run("import time\ndef slowly():\n    for n in range(4):\n        time.sleep(0.5)\n        yield f'slow {n}'")
    cell = lab.run(f"fal.map('{ENDPOINT}', slowly()).wait_quietly()\nNone")
    assert cell.status == "ok", cell.error
    shown = [each["content"]["data"]["text/plain"] for each in cell.messages if "data" in each["content"]]
    assert shown[0].startswith("reading rows: ")
    assert "4 rows read in 2 s" in cell.plain
    assert "read" not in lab.run(f"fal.map('{ENDPOINT}', ['quick']).wait_quietly()\nNone").plain
