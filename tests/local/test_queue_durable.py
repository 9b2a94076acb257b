"""A queue whose process is killed goes on with what was in its file."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fal_notebook.local.queue_requests import Bill, Submission
from fal_notebook.local.queue_settings import Working
from fal_notebook.local.queue_store import QueueFileError, QueueStore

from ..conftest import wait_until
from .queues import Client, Echo, queue_of
from .wire import SECONDS

ROOT = Path(__file__).parents[2]
KEY = "made-up-id:made-up-secret"
COMMAND = [sys.executable, "-c", "import sys; from fal_notebook.local.cli import main; sys.exit(main())", "serve"]
SLOW = """
import asyncio, json
async def app(scope, receive, send):
    if scope["type"] == "http":
        body = (await receive())["body"]
        with open("calls.txt", "a") as calls:
            calls.write(str(json.loads(body)["x"]) + "\\n")
        await asyncio.sleep(json.loads(body).get("seconds", 0))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
"""


@contextmanager
def killed(folder: Path, *options: str) -> Iterator[Client]:
    """Serve the application of a folder, with its queue in a file there, and kill it with the block."""
    command = [*COMMAND, "slow:app", "--queue", "queue.db", *options]
    with subprocess.Popen(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split(" queue on ")[1].split(". For")[0]
            client = Client(url)
            yield client
            client.close()
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait(SECONDS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(SLOW)
    return tmp_path


def calls(folder: Path) -> list[str]:
    return (folder / "calls.txt").read_text().split()


def test_a_killed_queue_goes_on_with_what_waited_and_begins_anew_what_was_at_work(folder: Path) -> None:
    with killed(folder) as client:
        done = client.submit({"x": 0})
        client.wait(done)
        told = [client.submit({"x": number, "seconds": 1}) for number in range(1, 5)]
        client.wait(told[0], "IN_PROGRESS")
        wait_until(lambda: len(calls(folder)) == 3)
    with killed(folder) as client:
        # The addresses are those of the first server: what a client kept is the id.
        again = [client.ask("GET", f"/acme/echo/requests/{each['request_id']}/status") for each in (done, *told)]
        assert [each.status_code for each in again] == [200, 202, 202, 202, 202]
        path = f"/acme/echo/requests/{told[-1]['request_id']}"
        wait_until(lambda: client.ask("GET", f"{path}/status").status_code == 200)
        assert client.ask("GET", path).json() == {"x": 4, "seconds": 1}
        assert calls(folder) == ["0", "1", "2", "1", "2", "3", "4"]
        bill = client.ask("GET", "/bill").json()
        assert bill == {"submitted": 5, "worked_on": 5, "runs": 7, "charged": 5, "units": 5.0}


@pytest.mark.beside
def test_a_queue_that_is_killed_again_and_again_loses_and_repeats_no_answer(folder: Path) -> None:
    ids: list[str] = []
    for turn in range(8):
        with killed(folder, "--queue-concurrency", "4") as client:
            for number in range(25):
                ids.append(client.submit({"x": 25 * turn + number, "seconds": 0.01})["request_id"])
            time.sleep(0.02 * turn)  # the kill comes at another place each time
    with killed(folder, "--queue-concurrency", "4") as client:
        for number, each in enumerate(ids):
            path = f"/acme/echo/requests/{each}"
            wait_until(lambda path=path: client.ask("GET", f"{path}/status").status_code == 200)  # type: ignore[misc]
            assert client.ask("GET", path).json()["x"] == number
        bill = client.ask("GET", "/bill").json()
    assert (bill["submitted"], bill["worked_on"], bill["charged"]) == (200, 200, 200)
    assert bill["runs"] == len(calls(folder)) or bill["runs"] > len(calls(folder))  # killed before the call began


def test_a_result_is_there_after_a_usual_end_too(tmp_path: Path) -> None:
    echo = Echo()
    with queue_of(echo, tmp_path / "queue.db") as (client, _):
        told = client.submit({"x": 1})
        client.wait(told)
        client.wait(client.submit({"x": 2, "wait": True}), "IN_PROGRESS")
    echo.released = True
    with queue_of(echo, tmp_path / "queue.db") as (client, queue):
        assert client.ask("GET", f"/acme/echo/requests/{told['request_id']}").json() == {"x": 1}
        wait_until(lambda: queue.bill() == Bill(submitted=2, worked_on=2, runs=3, charged=2, units=2))


def test_what_waits_goes_on_without_any_request(tmp_path: Path) -> None:
    echo = Echo()
    with queue_of(echo, tmp_path / "queue.db") as (client, _):
        client.wait(client.submit({"x": 1, "wait": True}), "IN_PROGRESS")
    echo.released = True
    with queue_of(echo, tmp_path / "queue.db") as (_, queue):
        wait_until(lambda: queue.bill().charged == 1)


def test_what_waits_begins_after_the_applications_start(tmp_path: Path) -> None:
    started: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.sleep(0.1)
        started.append("application")
        yield

    async def answer(_request: Request) -> JSONResponse:
        started.append("request")
        return JSONResponse({})

    store = QueueStore(tmp_path / "queue.db")
    store.add(Submission("an-id", "acme/echo", "", (), b"{}", time.time()))
    store.close()
    app = Starlette(routes=[Route("/acme/echo", answer, methods=["POST"])], lifespan=lifespan)
    with queue_of(app, tmp_path / "queue.db") as (_, queue):
        wait_until(lambda: queue.bill().charged == 1)
    assert started == ["application", "request"]


def test_deadlines_and_priorities_outlive_the_process(tmp_path: Path) -> None:
    echo, one = Echo(), Working(concurrency=1)
    with queue_of(echo, tmp_path / "queue.db", working=one) as (client, _):
        client.submit({"x": "first", "wait": True})
        client.submit({"x": "low"}, headers={"X-Fal-Queue-Priority": "low"})
        late = client.submit({"x": "late"}, headers={"X-Fal-Request-Start-Timeout": "0.2"})
        client.submit({"x": "normal"})
    time.sleep(0.2)  # the deadline passes
    with queue_of(echo, tmp_path / "queue.db", working=one) as (client, _):
        status = f"/acme/echo/requests/{late['request_id']}/status"
        wait_until(lambda: client.ask("GET", status).status_code == 200)
        assert client.ask("GET", status).json()["error_type"] == "request_timeout"
        echo.released = True
        wait_until(lambda: len(echo.started) == 4)
        assert echo.started == ["first", "first", "normal", "low"]


def test_the_key_is_not_in_the_file(tmp_path: Path) -> None:
    with queue_of(Echo(), tmp_path / "queue.db", key=KEY) as (client, _):
        headers = {"Authorization": f"Key {KEY}"}
        told = client.submit({"x": 1}, headers=headers)
        wait_until(lambda: client.ask("GET", told["status_url"], headers=headers).status_code == 200)
    for file in tmp_path.iterdir():
        assert b"made-up-secret" not in file.read_bytes()


def test_a_file_of_another_version_or_kind_is_refused(tmp_path: Path) -> None:
    newer = tmp_path / "newer.db"
    QueueStore(newer).close()
    database = sqlite3.connect(newer)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(QueueFileError, match="version 99"):
        QueueStore(newer)
    other = tmp_path / "other.db"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(QueueFileError, match="version 0"):
        QueueStore(other)
    with pytest.raises(QueueFileError, match="unable to open"):
        QueueStore(tmp_path / "nowhere" / "queue.db")
    text = tmp_path / "text.db"
    text.write_text(json.dumps({"not": "a database"}) * 100)
    with pytest.raises(QueueFileError, match="file is not a database"):
        QueueStore(text)


def test_two_queues_do_not_work_on_one_file(tmp_path: Path) -> None:
    with queue_of(Echo(), tmp_path / "queue.db") as (client, _):
        client.submit({"x": 1})
        with pytest.raises(QueueFileError, match="locked"):
            QueueStore(tmp_path / "queue.db")
    QueueStore(tmp_path / "queue.db").close()


def test_a_full_disk_refuses_new_requests_and_loses_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    echo = Echo()
    with queue_of(echo, tmp_path / "queue.db", working=Working(concurrency=1)) as (client, queue):
        told = client.submit({"x": 1, "wait": True, "size": 200_000})
        client.wait(told, "IN_PROGRESS")
        database = queue._store._database
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")  # what SQLite says is the same
        assert client.ask("POST", "/acme/echo", json={"x": "a" * 100_000}).status_code == 500
        echo.released = True
        wait_until(lambda: "waits anew" in caplog.text)
        assert client.status(told)["status"] != "COMPLETED"
        assert queue.bill().submitted == 1
    with queue_of(echo, tmp_path / "queue.db") as (client, queue):
        wait_until(lambda: queue.bill().charged == 1)
        assert client.ask("GET", f"/acme/echo/requests/{told['request_id']}").json()["x"] == 1


def test_the_command_says_in_a_line_that_a_file_is_not_a_queues(folder: Path) -> None:
    command = [*COMMAND, "slow:app", "--queue", "slow.py"]
    ended = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 2
    assert (
        ended.stderr == "fal-notebook: error: slow.py cannot be used as the file of a queue: file is not a database\n"
    )
