"""Many requests over fal's queue, against a real queue that also fails on purpose."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fal_notebook as fal
from fal_notebook.errors import FalNotebookError, InvalidRequest
from fal_notebook.local.queue_faults import Operation, QueueFault
from fal_notebook.local.queue_settings import Working
from fal_notebook.many import queue_engine
from fal_notebook.many.choice import choose
from fal_notebook.many.journal import Journal
from fal_notebook.many.queue_engine import QueueHabits
from fal_notebook.many.queue_lookup import Unknown, matches
from fal_notebook.many.run import Run
from fal_notebook.wire.queue_protocol import ListedRequest

from ..conftest import KEY, wait_until
from ..local.queues import APP
from ..queue_place import QueuePlace, queue_place


@pytest.fixture(scope="module")
def shared() -> Iterator[QueuePlace]:
    with queue_place(working=Working(concurrency=4, retry_seconds=0.01)) as running:
        yield running


@pytest.fixture
def place(shared: QueuePlace, monkeypatch: pytest.MonkeyPatch) -> QueuePlace:
    monkeypatch.setenv("FAL_NOTEBOOK_URL", shared.url)
    monkeypatch.setenv("FAL_KEY", KEY)
    shared.renew()
    return shared


@pytest.fixture
def habits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def change(**given: Any) -> None:
        usual = {"in_vain": 100.0, "lookups": (0.2, 0.2), **given}
        monkeypatch.setattr(queue_engine, "QueueHabits", lambda: QueueHabits(**usual))

    change()
    return change


def rows(name: str, count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"x": f"{name} {number}", **more} for number in range(count)]


def ask(path: Path, asked: list[dict[str, Any]]) -> Run:
    found: Run = fal.map(APP, asked, to=path, engine="queue")
    return found


def leave_in_queue(place: QueuePlace, path: Path, name: str) -> None:
    """Submit a row, and end the run while the queue works on it."""
    place.echo.released = False
    run = ask(path, rows(name, 1, wait=True))
    wait_until(lambda: states(run) == ["submitted"])
    run.cut()
    wait_until(lambda: not run.is_running)
    place.echo.released = True


def states(run: Run) -> list[str]:
    return [each["fal_status"] if "fal_status" in each else each["status"] for each in run.records()]


pytestmark = pytest.mark.usefixtures("habits")


def test_each_row_is_submitted_once_and_has_its_own_answer(place: QueuePlace, tmp_path: Path) -> None:
    before, asked = place.submitted, rows("each", 40)
    run = ask(tmp_path / "run.fal", asked).wait()
    assert [each["output"] for each in run.records()] == asked
    assert all(each["request_id"] for each in run.records())
    assert place.submitted == before + 40
    assert run.wait() is run


def test_what_was_submitted_goes_on_in_another_kernel(place: QueuePlace, tmp_path: Path) -> None:
    place.echo.released = False
    path, before = tmp_path / "run.fal", place.submitted
    run = ask(path, rows("later", 10, wait=True))
    wait_until(lambda: states(run) == ["submitted"] * 10)
    run.cut()
    wait_until(lambda: not run.is_running)
    assert states(run) == ["submitted"] * 10
    place.echo.released = True
    again = fal.attach(path).wait()
    assert states(again) == ["done"] * 10
    assert place.submitted == before + 10


def test_a_lost_submission_that_was_received_is_found_in_the_list(place: QueuePlace, tmp_path: Path) -> None:
    place.faults.arm(Operation.SUBMIT, QueueFault.LOST, times=3)
    before = place.submitted
    run = ask(tmp_path / "run.fal", rows("found", 8)).wait()
    assert states(run) == ["done"] * 8
    assert place.submitted == before + 8


def test_equal_rows_do_not_take_each_others_requests(place: QueuePlace, tmp_path: Path) -> None:
    place.faults.arm(Operation.SUBMIT, QueueFault.LOST, times=2)
    run = ask(tmp_path / "run.fal", [{"x": "equal"}] * 6).wait()
    assert states(run) == ["done"] * 6
    assert len({each["request_id"] for each in run.records()}) == 6
    assert place.echo.calls["equal"] == 6


def test_a_submission_that_was_not_received_stays_unknown_until_the_user_sends_it_again(
    place: QueuePlace, tmp_path: Path
) -> None:
    place.faults.arm(Operation.SUBMIT, QueueFault.CUT, times=2)
    before = place.submitted
    run = ask(tmp_path / "run.fal", rows("unknown", 6)).wait()
    assert sorted(states(run)) == ["done"] * 4 + ["unknown"] * 2
    assert place.submitted == before + 4
    run.retry(unknown=True).wait()
    assert states(run) == ["done"] * 6
    assert place.submitted == before + 6


def test_what_the_list_shows_late_is_found_by_attaching(
    place: QueuePlace, tmp_path: Path, habits: Callable[..., None]
) -> None:
    habits(lookups=())
    path = tmp_path / "run.fal"
    place.echo.released = False
    place.faults.arm(Operation.SUBMIT, QueueFault.LOST)
    run = ask(path, rows("lagging", 1, wait=True)).wait()
    assert states(run) == ["unknown"]
    place.echo.released = True
    wait_until(lambda: place.queue.bill().worked_on == place.submitted)
    assert states(fal.attach(path).wait()) == ["done"]
    assert place.echo.calls["lagging 0"] == 1


def test_a_refused_submission_is_sent_again(place: QueuePlace, tmp_path: Path) -> None:
    place.faults.arm(Operation.SUBMIT, QueueFault.REFUSED, times=3, status=429)
    before = place.submitted
    run = ask(tmp_path / "run.fal", rows("refused", 6)).wait()
    assert states(run) == ["done"] * 6
    assert place.submitted == before + 6


@pytest.mark.parametrize("operation", [Operation.STATUS, Operation.RESULT])
def test_questions_that_fail_are_asked_again(place: QueuePlace, tmp_path: Path, operation: Operation) -> None:
    for fault in (QueueFault.CUT, QueueFault.HALF, QueueFault.LOST, QueueFault.REFUSED):
        place.faults.arm(operation, fault, times=2)
    run = ask(tmp_path / "run.fal", rows(f"again {operation}", 6)).wait()
    assert states(run) == ["done"] * 6


def test_a_row_that_fails_stands_in_the_table(place: QueuePlace, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = [{"x": "fails", "status": 422}, {"x": "works"}, {"x": "breaks", "status": 500}]
    run = ask(tmp_path / "run.fal", asked).wait()
    assert states(run) == ["failed", "done", "failed"]
    assert "as you wished" in run[0]["error"]


def test_cancel_takes_out_what_waits_and_keeps_what_is_at_work(place: QueuePlace, tmp_path: Path) -> None:
    place.echo.released = False
    run = ask(tmp_path / "run.fal", rows("cancelled", 12, wait=True))
    wait_until(lambda: states(run).count("submitted") == 12)
    wait_until(lambda: sum(place.echo.calls[f"cancelled {each}"] for each in range(12)) == 4)
    run.cancel()
    wait_until(lambda: states(run).count("cancelled") == 8)
    place.echo.released = True
    run.wait()
    assert states(run).count("done") == 4
    run.resume().wait()
    assert states(run) == ["done"] * 12
    assert place.queue.bill().charged == place.queue.bill().worked_on - 1  # one failed with 500 above


def test_a_key_that_is_not_accepted_stops_the_run(
    place: QueuePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", "11111111-aaaa:another-secret-key")
    run = ask(tmp_path / "run.fal", rows("key", 3)).wait()
    assert states(run) == ["new"] * 3
    assert "401" in run.standing.reason
    assert "another-secret" not in (tmp_path / "run.fal").read_bytes().decode("latin-1")


def test_a_row_that_the_queue_does_not_know_any_more_fails(
    place: QueuePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_engine, "_MOST_UNKNOWN", 2)
    path = tmp_path / "run.fal"
    leave_in_queue(place, path, "gone")
    with Journal.drive(path) as journal, journal.transaction():
        journal._connection.execute("UPDATE states SET request_id = 'not-there', links = '{}'")
    again = fal.attach(path)
    wait_until(lambda: not again.is_running)
    assert states(again) == ["failed"]
    assert "404" in str(again[0]["error"])


def test_links_to_another_host_in_a_journal_are_not_followed(place: QueuePlace, tmp_path: Path) -> None:
    path = tmp_path / "run.fal"
    leave_in_queue(place, path, "links")
    with Journal.drive(path) as journal, journal.transaction():
        journal._connection.execute("UPDATE states SET links = ?", ('{"status_url": "http://127.0.0.1:9/x"}',))
    assert states(fal.attach(path).wait()) == ["done"]


def test_a_request_that_takes_longer_than_its_timeout_is_taken_out(place: QueuePlace, tmp_path: Path) -> None:
    place.echo.released = False
    run = fal.map(APP, rows("slow", 1, wait=True), to=tmp_path / "run.fal", engine="queue", timeout=0.3).wait()
    place.echo.released = True
    assert states(run) == ["failed"]
    assert "did not finish within 0.3 s" in run[0]["error"]


def test_what_is_in_the_list_is_a_rows_only_if_it_asks_for_the_same() -> None:
    asked = [Unknown(1, {"a": 1, "b": 2}, 0.0), Unknown(2, {"a": 1, "b": 2}, 0.0), Unknown(3, {"a": 2}, 0.0)]
    found = [ListedRequest(name, "", 200, {"b": 2, "a": 1}) for name in ("new", "old", "known")]
    found.append(ListedRequest("other", "", 200, {"a": 3}))
    assert matches(asked, found, {"known"}) == {1: "old", 2: "new"}


def test_the_engine_is_chosen_by_the_endpoint_and_the_rows_and_says_why() -> None:
    assert choose("auto", "fal-ai/veo3", 3) == (
        "queue",
        "since its requests take minutes: it goes on without this kernel",
    )
    assert choose("auto", "fal-ai/any-llm", 20)[0] == "sockets"
    assert choose("auto", "fal-ai/any-llm", 20_000)[0] == "queue"
    assert choose("auto", "fal-ai/any-llm/stream", 20_000)[0] == "sockets"
    assert choose("auto", "fal-ai/veo3", 3, "ws://127.0.0.1:8000")[0] == "sockets"
    assert choose("queue", "acme/echo", 3, "ws://127.0.0.1:8000") == ("queue", "as you say")
    with pytest.raises(InvalidRequest):
        choose("other", "a/b", 1)


def test_the_queue_of_fal_is_not_asked_for_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    with pytest.raises(FalNotebookError, match="does not stream"):
        fal.map("fal-ai/any-llm/stream", ["a"], to=tmp_path / "run.fal", engine="queue")
