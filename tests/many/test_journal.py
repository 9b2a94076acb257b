import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from fal_notebook.errors import JournalError
from fal_notebook.many import journal_file, lease
from fal_notebook.many.journal import Journal
from fal_notebook.many.journal_view import JournalView
from fal_notebook.many.stored import Answer, Header, Outcome, Row, StoredRow
from fal_notebook.safety.redaction import Redaction

from ..conftest import KEY

HEADER = Header("fal-ai/any-llm", '{"model": "m"}', '{"prompt": "{text}"}')
SECRET = KEY.partition(":")[2]


def rows(count: int, start: int = 0) -> Iterator[Row]:
    for number in range(start, start + count):
        yield Row(str(number), json.dumps({"text": f"t{number}"}), json.dumps({"prompt": f"t{number}"}))


def made(path: Path, count: int = 5, header: Header = HEADER) -> Journal:
    journal = Journal.drive(path, header)
    journal.add(rows(count))
    return journal


def states(journal: JournalView) -> list[str]:
    return [row.state for row in journal.rows()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.fal"


def test_a_row_goes_through_its_states_and_keeps_what_came(path: Path) -> None:
    with made(path) as journal:
        journal.intend([0, 1, 2], "queue")
        journal.submitted([(0, "id-0", {"status": "https://x/0"}), (1, "id-1", {})])
        journal.withdraw([2])
        journal.answered([Answer(0, 200, {"content-type": "application/json"}, b'{"output": "a"}')])
        assert [each.number for each in journal.unparsed()] == [0]
        journal.concluded([Outcome(0, "done", seconds=1.5, cost=0.25), Outcome(1, "failed", error="422: no")])
        counts = {state: count for state, count in journal.counts().items() if count}
        assert counts == {"new": 3, "done": 1, "failed": 1}
        assert journal.unparsed() == []
    with JournalView.open(path) as view:
        found = view.row(0)
        assert (found.state, found.request_id, found.links) == ("done", "id-0", {"status": "https://x/0"})
        assert (found.seconds, found.cost, found.error) == (1.5, 0.25, None)
        assert found.answer == Answer(0, 200, {"content-type": "application/json"}, b'{"output": "a"}')
        assert view.row(1).error == "422: no"
        assert view.cost() == 0.25
        assert view.arguments([4]) == {4: {"model": "m", "prompt": "t4"}}
        with pytest.raises(IndexError):
            view.row(5)


def test_a_state_that_cannot_follow_is_refused_and_nothing_of_it_is_written(path: Path) -> None:
    with made(path) as journal:
        journal.intend([0], "queue")
        with pytest.raises(ValueError, match="intent"):
            journal.intend([1, 0], "queue")
        with pytest.raises(ValueError, match="done"):
            journal.concluded([Outcome(2, "done")])
        with pytest.raises(ValueError, match="done"):
            journal.retry("done")
        assert states(journal) == ["intent", "new", "new", "new", "new"]


def test_what_may_have_been_received_is_unknown_after_a_restart_and_not_sent_again_by_itself(path: Path) -> None:
    with made(path) as journal:
        journal.intend([0, 1], "sockets")
        journal.intend([2, 3], "queue")
        journal.submitted([(0, "a", {}), (2, "b", {})])
        journal.answered([Answer(1, 200, {}, b"paid")])
    with Journal.drive(path) as journal:
        assert states(journal) == ["unknown", "intent", "submitted", "unknown", "new"]
        assert [each.body for each in journal.unparsed()] == [b"paid"]
        assert journal.in_state("new") == [4]
        assert journal.retry("unknown") == 2
        assert journal.in_state("new") == [0, 3, 4]


def test_a_row_that_is_sent_again_keeps_the_earlier_answer_and_its_cost(path: Path) -> None:
    with made(path, 1) as journal:
        for body, cost in ((b"first", 0.5), (b"second", 0.25)):
            journal.retry("failed")
            journal.intend([0], "sockets")
            journal.answered([Answer(0, 500, {}, body)])
            journal.concluded([Outcome(0, "failed", "500", cost=cost)])
        assert journal.cost() == 0.75
        assert journal.row(0).answer == Answer(0, 500, {}, b"second")
    assert sqlite3.connect(path).execute("SELECT COUNT(*) FROM answers").fetchone() == (2,)


def test_several_writes_reach_the_disk_together_or_not_at_all(path: Path) -> None:
    with made(path) as journal:
        with pytest.raises(KeyboardInterrupt), journal.transaction():  # noqa: PT012 - both are in it
            journal.intend([0], "queue")
            journal.intend([1], "queue")
            raise KeyboardInterrupt
        assert states(journal) == ["new"] * 5


def test_the_same_rows_have_the_same_hash_however_they_came(tmp_path: Path) -> None:
    with made(tmp_path / "a") as first, Journal.drive(tmp_path / "b", HEADER) as second:
        second.add(rows(2))
        assert first.rows_hash != second.rows_hash
        second.add(rows(3, 2))
        assert first.rows_hash == second.rows_hash
        assert not second.is_whole
        second.end_of_rows()
        assert second.is_whole


def test_equal_rows_can_be_asked_once(path: Path) -> None:
    with Journal.drive(path, Header("a/b", is_unique=True)) as journal:
        journal.add([Row("0", '{"a": 1}', "{}"), Row("1", '{"a": 2}', "{}"), Row("2", "{}", '{"x": 1}')])
        assert journal.in_state("new") == [0, 2]
        journal.intend([0], "queue")
        journal.answered([Answer(0, 200, {}, b"shared")])
        journal.concluded([Outcome(0, "done")])
        found = list(journal.rows())
        assert [each.state for each in found] == ["done", "done", "new"]
        assert found[1].answer == Answer(1, 200, {}, b"shared")
        assert found[1].same_as == 0


@pytest.mark.parametrize("header", [Header("other/one"), Header("fal-ai/any-llm", '{"model": "other"}')])
def test_the_journal_of_another_run_is_refused_with_both_named(path: Path, header: Header) -> None:
    made(path).close()
    with pytest.raises(JournalError, match=r"other.*new file") as caught:
        Journal.drive(path, header)
    assert "any-llm" in str(caught.value) or '"m"' in str(caught.value)
    with Journal.drive(path, HEADER) as journal:
        assert len(journal) == 5


def test_the_key_is_in_no_byte_of_the_journal(path: Path) -> None:
    redaction = Redaction(KEY)
    with Journal.drive(path, Header("a/b", json.dumps({"token": KEY})), redaction) as journal:
        journal.add([Row("0", json.dumps({"k": KEY}), json.dumps({"prompt": f"my key is {KEY}"}))])
        journal.intend([0], "queue")
        journal.submitted([(0, f"id-{SECRET}", {"status": f"https://x/?key={KEY}"})])
        journal.answered([Answer(0, 422, {"x-echo": KEY}, json.dumps({"input": KEY}).encode())])
        journal.concluded([Outcome(0, "failed", f"bad {KEY}")])
        journal.add([Row("1", "{}", "{}")])
        journal.intend([1], "queue")
        journal.answered([Answer(1, 200, {}, b"\xff\xfe" + KEY.encode())])
        while_open = b"".join(each.read_bytes() for each in path.parent.iterdir() if each.is_file())
        assert journal.arguments([0]) == {0: {"token": "[key]", "prompt": "my key is [key]"}}
        assert json.loads(journal.row(0).answer.body) == {"input": "[key]"}  # type: ignore[union-attr]
    assert SECRET.encode() not in while_open
    assert SECRET.encode() not in path.read_bytes()
    Journal.drive(path, Header("a/b", json.dumps({"token": KEY})), redaction).close()


def test_nobody_else_can_drive_a_run_and_anybody_can_look(path: Path) -> None:
    with made(path) as journal:
        with pytest.raises(JournalError, match="another run in this kernel"):
            Journal.drive(path)
        code = f"from fal_notebook.many.journal import Journal; Journal.drive({str(path)!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert f"another kernel (process {os.getpid()}" in done.stderr
        with JournalView.open(path) as view:
            journal.intend([0], "queue")
            assert states(view) == ["intent", "new", "new", "new", "new"]
    Journal.drive(path).close()


def test_two_processes_that_come_at_the_same_time_get_it_one_after_the_other(path: Path) -> None:
    made(path).close()
    code = (
        "import sys, time; from fal_notebook.many.journal import Journal\n"
        f"try:\n    journal = Journal.drive({str(path)!r})\nexcept Exception as exc:\n    print('refused', exc)\n"
        "else:\n    print('drives', flush=True); sys.stdin.read(); journal.close()"
    )
    asked = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [each.stdout.readline().split()[0] for each in asked]  # type: ignore[union-attr]
    for each in asked:
        each.communicate()
    assert sorted(said) == ["drives", "refused", "refused", "refused"]


def test_the_lease_of_a_process_that_was_killed_is_free_at_once(path: Path) -> None:
    code = (
        "import sys, time; from fal_notebook.many.journal import Journal\n"
        f"journal = Journal.drive({str(path)!r})\njournal.intend([0], 'queue')\nprint(1, flush=True)\ntime.sleep(60)"
    )
    made(path).close()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        with pytest.raises(JournalError, match=f"process {other.pid}"):
            Journal.drive(path)
        other.send_signal(signal.SIGKILL)
        other.wait()
    with Journal.drive(path) as journal:
        assert journal.row(0).state == "unknown"


def test_a_journal_that_nobody_holds_any_more_is_free(path: Path) -> None:
    journal = made(path)
    assert journal._lease is not None
    journal._lease.close()
    Journal.drive(path).close()


def test_a_lease_on_another_machine_ends_half_a_minute_after_its_last_sign_of_life(path: Path) -> None:
    journal = made(path)
    with sqlite3.connect(path) as other:
        other.execute(
            "UPDATE lease SET place = 'elsewhere', machine = 'far', holder = 'other', beat = ?", [time.time()]
        )
    with pytest.raises(JournalError, match=r"process \d+ on far"):
        Journal.drive(path)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE lease SET beat = beat - 31")
    with Journal.drive(path) as second:
        assert states(second) == ["new"] * 5
        with pytest.raises(JournalError, match="taken over"):  # as a machine that slept finds
            journal.intend([0], "queue")
        assert not journal.may_write
        assert not journal.beat()
        assert states(second) == ["new"] * 5
    other.close()


def test_a_thread_keeps_the_lease(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_BEAT", 0.01)
    with made(path), sqlite3.connect(path) as other:
        beats: set[tuple[float]] = set()
        deadline = time.monotonic() + 10
        while len(beats) < 3 and time.monotonic() < deadline:
            beats.add(other.execute("SELECT beat FROM lease").fetchone())
    other.close()
    assert len(beats) >= 3


def test_threads_may_write_at_once(path: Path) -> None:
    with made(path, 200) as journal:

        def work(start: int) -> None:
            for number in range(start, start + 50):
                journal.intend([number], "sockets")
                journal.answered([Answer(number, 200, {}, str(number).encode())])
                journal.concluded([Outcome(number, "done")])

        threads = [threading.Thread(target=work, args=[start]) for start in (0, 50, 100, 150)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert journal.counts()["done"] == 200
        assert all(row.answer and row.answer.body == str(row.number).encode() for row in journal.rows())


@pytest.mark.parametrize("where", [0, 40])
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(path: Path, where: int) -> None:
    data = b"text,label\n" * 1_000
    path.write_bytes(data[where:])
    with pytest.raises(JournalError, match="not a journal"):
        Journal.drive(path, HEADER)
    assert path.read_bytes() == data[where:]


def test_the_database_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE rows (a)")
    other.close()
    before = path.read_bytes()
    for drive in (Journal.drive, JournalView.open, partial(Journal.drive, header=HEADER)):
        with pytest.raises(JournalError, match="another SQLite file"):
            drive(path)
    assert path.read_bytes() == before


def test_a_missing_or_empty_journal_is_told(path: Path) -> None:
    for drive in (Journal.drive, JournalView.open):
        with pytest.raises(JournalError, match="is not there"):
            drive(path)
        assert not path.exists()
    path.touch()
    for drive in (Journal.drive, JournalView.open):
        with pytest.raises(JournalError, match="is empty"):
            drive(path)
    with pytest.raises(JournalError, match="could not be used"):
        Journal.drive(path / "below" / "x.fal", HEADER)
    Journal.drive(path, HEADER).close()


def test_a_journal_of_a_newer_library_is_refused_and_left_as_it_is(path: Path) -> None:
    made(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    before = path.read_bytes()
    for drive in (Journal.drive, JournalView.open):
        with pytest.raises(JournalError, match=r"newer fal_notebook: version 99.*upgrade"):
            drive(path)
    assert path.read_bytes() == before


def test_a_journal_of_an_older_library_is_migrated_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(path).close()
    older = journal_file.STEPS
    monkeypatch.setattr(journal_file, "STEPS", (*older, ("ALTER TABLE rows ADD COLUMN more", "NO SQL")))
    with pytest.raises(JournalError, match="could not be used"):
        Journal.drive(path)
    monkeypatch.setattr(journal_file, "STEPS", (*older, ("ALTER TABLE rows ADD COLUMN more",)))
    with pytest.raises(JournalError, match="attach brings it up to date"):
        JournalView.open(path)
    with Journal.drive(path) as journal:
        assert len(journal) == 5
        assert journal._read("SELECT more FROM rows LIMIT 1") == [(None,)]
    JournalView.open(path).close()


def test_a_run_of_an_older_library_is_not_migrated_under_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made(path) as journal:
        newer = (*journal_file.STEPS, ("ALTER TABLE rows ADD COLUMN more",))
        with monkeypatch.context() as patch:
            patch.setattr(journal_file, "STEPS", newer)
            with pytest.raises(JournalError, match="is driven by"):
                Journal.drive(path)
        assert journal._read("PRAGMA user_version") == [(len(journal_file.STEPS),)]


@pytest.mark.parametrize("at", [0, 100, 4096, 8192, 12288, 16384, 20480, 24576])
def test_a_damaged_journal_is_an_error_that_says_so_and_never_a_wrong_answer(path: Path, at: int) -> None:
    with made(path, 200) as journal, journal.transaction():
        for number in range(200):
            journal.intend([number], "queue")
            journal.answered([Answer(number, 200, {}, b"right" * 20)])
            journal.concluded([Outcome(number, "done")])
    data = bytearray(path.read_bytes())
    data[at : at + 300] = b"\xa5" * 300
    path.write_bytes(data)
    found: list[StoredRow] = []
    with contextlib.suppress(JournalError), Journal.drive(path) as journal:  # any other error would be shown
        found = list(journal.rows())
    assert {each.answer and each.answer.body for each in found} <= {b"right" * 20, None}


def test_a_journal_that_was_cut_off_is_damaged(path: Path) -> None:
    made(path, 500).close()
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(JournalError, match="damaged"), Journal.drive(path) as journal:
        list(journal.rows())


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
def test_a_full_disk_stops_before_anything_is_sent_and_loses_nothing(path: Path) -> None:
    with made(path, 100) as journal:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (sum(each.stat().st_size for each in path.parent.iterdir()), limits[1])
        )
        try:
            sent = 0
            with pytest.raises(JournalError, match=r"disk"):  # noqa: PT012 - how far it comes is what is asked
                for number in range(100):
                    journal.intend([number], "queue")
                    sent += 1
                    journal.answered([Answer(number, 200, {}, os.urandom(20_000))])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert journal.may_write
        assert len(journal.in_state("intent")) == sent
        journal.concluded([Outcome(each.number, "done") for each in journal.unparsed()])  # room was made
    with Journal.drive(path) as journal:
        assert journal.counts()["new"] == 100 - sent


def test_a_full_database_says_that_the_disk_is_full(path: Path) -> None:
    with made(path, 1) as journal:
        journal._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(JournalError, match="disk is full"):
            journal.add(rows(1_000, 1))
        assert len(journal) == 1


def test_on_a_network_drive_there_is_no_write_ahead_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made(path) as journal:
        assert journal._read("PRAGMA journal_mode") == [("wal",)]
        assert journal._read("PRAGMA synchronous") == [(2,)]
    monkeypatch.setattr(journal_file, "is_on_network", lambda _: True)
    with Journal.drive(path) as journal:
        assert journal._read("PRAGMA journal_mode") == [("delete",)]
        assert journal._read("PRAGMA synchronous") == [(2,)]
        journal.intend([0], "queue")
        with JournalView.open(path) as view:
            assert view.row(0).state == "intent"


def test_a_copy_of_the_process_does_not_give_the_lease_back(path: Path) -> None:
    with made(path) as journal:
        code = "import os; os._exit(0)"
        subprocess.run([sys.executable, "-c", code], check=True)
        journal._process = -1
        journal.close()
        journal._process = os.getpid()
        journal.intend([0], "queue")
    with pytest.raises(JournalError, match="was closed"):
        journal.intend([1], "queue")
    journal.close()
