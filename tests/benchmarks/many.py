"""Measures many requests: how well the account's limit is used, what a row costs, and what very many rows take.

Every peer gets the same rows, and sends each once. `asyncio.gather` and a pool of threads know no limit: they are given
what an experienced user gives them, a semaphore or a pool of 32, and fal_client's own repetition of refused requests.
The bound knows the limit, keeps nothing, and is as fast as machine and server are.

litellm is measured where ``BENCHMARK_PEERS`` names the Python of an environment that has it.
"""

import asyncio
import json
import math
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from unittest.mock import patch

import fal_client
import fal_client.client
import httpx
from websockets.asyncio.client import connect

import fal_notebook
from fal_notebook.many.journal import Journal
from fal_notebook.many.rows import Rows, fill

from .many_server import main as serve
from .many_server import queue
from .process import in_process
from .rows import BOUND, OURS, Row

ENDPOINT = "rows/work"
THREADS = 32
LIMITS = (2, 10, 40)
PACES: dict[str, tuple[Callable[[int], float], float]] = {
    "20 ms": (lambda _: 0.02, 0.02),
    "1 s": (lambda _: 1.0, 1.0),
    "20 ms, and 1 s for each tenth": (lambda number: 0.02 if number % 10 else 1.0, 0.118),
}
"""The length of each request by its number, and the mean length."""
_SECONDS = 12.0  # for which the limit is used
_PATIENCE = 6.0  # times the time that the limit takes, after which a peer has failed
_LOADING = 60.0  # seconds that it may take besides to begin
_MANY, _VERY_MANY = 100_000, 1_000_000
_TIME, _COST = "× the time that the limit takes", "ms of one core a row"
PEERS_VARIABLE = "BENCHMARK_PEERS"
_LITELLM = """
import json, sys, time, litellm
told, url, threads = json.load(sys.stdin)
usual = {"model": "openai/x", "api_base": url, "api_key": "none", "max_workers": threads, "num_retries": 10}
ask = lambda each: [{"role": "user", "content": each}]
litellm.batch_completion(messages=[ask(told[0])], **usual)
before = time.process_time()
litellm.batch_completion(messages=[ask(each) for each in told], **usual)
print(time.process_time() - before)
"""
_KEY = "11111111-aaaa:22222222bbbb"


def measure() -> list[Row]:
    """How well the limit is used, and the processor's time for each row."""
    rows: list[Row] = []
    for pace, (seconds, mean) in PACES.items():
        for limit in LIMITS:
            count = max(30, int(_SECONDS * limit / mean))
            asked = [{"prompt": f"row {number}", "seconds": seconds(number)} for number in range(count)]
            for who, work in peers(limit).items():
                share, cost = _one(work, asked, limit)
                at = f"rows of {pace}, at most {limit} at once"
                goal = "≤ 1.05" if who == OURS else ""
                rows.append(Row(at, who, _TIME, (1 / share if share else math.inf,), goal))
                if pace == "20 ms" and limit == LIMITS[1]:
                    rows.append(Row(at, who, _COST, (cost,), "≤ 1" if who == OURS else ""))
    return rows


def measure_queue() -> list[Row]:
    """The same over fal's queue, with requests of a second."""
    rows: list[Row] = []
    pace = "1 s"
    for limit in LIMITS:
        count = max(30, int(_SECONDS * limit))
        asked = [{"prompt": f"row {number}", "seconds": 1.0} for number in range(count)]
        share, cost = _over_queue(asked, limit)
        at = f"rows of {pace} over the queue, {limit} at work at once"
        rows.append(Row(at, OURS, _TIME, (1 / share if share else math.inf,), "≤ 1.05"))
        rows.append(Row(at, OURS, _COST, (cost,), "≤ 1"))
    return rows


def measure_size() -> list[Row]:
    """What very many rows take in memory and in time."""
    with in_process(serve) as ports, in_process(_send_many, ports, _MANY) as (peak, done):
        if done != _MANY:
            raise AssertionError(f"{done} of {_MANY} rows are done")
    with in_process(serve) as ports, in_process(_attach, ports, _VERY_MANY) as seconds:
        pass
    return [
        Row("100,000 rows sent, the whole process", OURS, "MB", (peak / 1e6,), "≤ 300"),
        Row("1,000,000 rows opened, attached and shown", OURS, "s", (seconds,), "≤ 5"),
    ]


MEASURES = {"many": measure, "many_queue": measure_queue, "many_size": measure_size}


def _one(
    work: "Callable[[list[dict[str, Any]], Any], float | None]", asked: list[dict[str, Any]], limit: int
) -> tuple[float, float]:
    """The share of the limit that was used, and the processor's milliseconds for each row."""
    with in_process(serve) as ports, httpx.Client() as control:
        url = f"http://127.0.0.1:{ports[1]}/"
        control.post(url, json={"begin": [limit, len(asked)]})
        ideal = sum(each["seconds"] for each in asked) / limit
        with in_process(_work, work, asked, ports, _LOADING + _PATIENCE * ideal) as cost:
            pass
        found = control.post(url, json={"end": True}).json()
    return (found["share"] if found["done"] >= len(asked) * 0.9 else 0.0), cost / len(asked) * 1e3


def _over_queue(asked: list[dict[str, Any]], limit: int) -> tuple[float, float]:
    """`_one`, over fal's queue."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=queue, args=(theirs, limit, len(asked)), daemon=True)
    server.start()
    try:
        url = ours.recv()
        with in_process(_queue_work, asked, url) as cost:
            ours.send("what was measured")
            found = ours.recv()
    finally:
        server.terminate()
        server.join()
    return (found["share"] if found["done"] > len(asked) else 0.0), cost / len(asked) * 1e3


def _queue_work(pipe: "Pipe[Any, Any]", asked: list[dict[str, Any]], url: str) -> None:
    os.environ.update({"FAL_KEY": _KEY, "FAL_NOTEBOOK_URL": url, "FAL_NOTEBOOK_SCHEMAS": "off"})
    with _folder() as folder:
        fal_notebook.map(ENDPOINT, asked[:1], to=folder / "first.fal", engine="queue").wait()  # loads what it uses
        before = time.process_time()
        fal_notebook.map(ENDPOINT, asked, to=folder / "run.fal", engine="queue").wait()
        pipe.send(time.process_time() - before)


def _work(
    pipe: "Pipe[Any, Any]",
    work: Callable[..., float | None],
    asked: list[dict[str, Any]],
    ports: list[int],
    seconds: float,
) -> None:
    def give_up() -> None:
        pipe.send(math.inf)
        os._exit(1)

    timer = threading.Timer(seconds, give_up)
    timer.start()
    os.environ.update(
        {"FAL_KEY": _KEY, "FAL_NOTEBOOK_URL": f"ws://127.0.0.1:{ports[0]}", "FAL_NOTEBOOK_SCHEMAS": "off"}
    )
    with patch.object(fal_client.client, "RUN_URL_FORMAT", f"http://127.0.0.1:{ports[1]}/"):
        work(asked[:1], ports)  # which loads what is loaded once
        before = time.process_time()
        cost = work(asked, ports)
        pipe.send(time.process_time() - before if cost is None else cost)
        timer.cancel()


def ours(asked: list[dict[str, Any]], _: Any) -> None:
    """`fal.map` with its journal on the disk."""
    with _folder() as folder:
        fal_notebook.map(ENDPOINT, asked, to=folder / "run.fal").wait()


def gather(asked: list[dict[str, Any]], _: Any) -> None:
    """fal_client's run_async for all rows at once."""

    async def work() -> None:
        await asyncio.gather(*(fal_client.run_async(ENDPOINT, each) for each in asked), return_exceptions=True)

    asyncio.run(work())


def threads(asked: list[dict[str, Any]], _: Any) -> None:
    """fal_client's run on a pool of threads."""

    def one(arguments: dict[str, Any]) -> None:
        try:
            fal_client.run(ENDPOINT, arguments)
        except Exception:  # noqa: BLE001 - a refused row is lost, as it would be for the user
            return

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, asked))


def litellm(asked: list[dict[str, Any]], ports: list[int]) -> float:
    """litellm's batch_completion, in its own environment; return the processor's seconds."""
    told = [f"{each['prompt']} for {each['seconds']}" for each in asked]
    given = json.dumps([told, f"http://127.0.0.1:{ports[1]}/", THREADS])
    command = [os.environ[PEERS_VARIABLE], "-W", "ignore", "-c", _LITELLM]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


class Bound:
    """A bare client that has as many connections as the limit allows requests, and keeps nothing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def __call__(self, asked: list[dict[str, Any]], ports: list[int]) -> None:
        asyncio.run(self._send(asked, ports))

    async def _send(self, asked: list[dict[str, Any]], ports: list[int]) -> None:
        rows = iter(asked)

        async def some() -> None:
            async with connect(f"ws://127.0.0.1:{ports[0]}/{ENDPOINT}", compression=None) as connection:
                for row in rows:
                    await connection.send(json.dumps(row))
                    for _ in ("start", "body", "end"):
                        await connection.recv()

        await asyncio.gather(*(some() for _ in range(self._limit)))


def peers(limit: int) -> "dict[str, Callable[[list[dict[str, Any]], Any], float | None]]":
    """Those that are measured, by their names."""
    found: dict[str, Callable[[list[dict[str, Any]], Any], float | None]] = {OURS: ours, BOUND: Bound(limit)}
    found["asyncio.gather over fal_client.run_async"] = gather
    found["ThreadPoolExecutor(32) over fal_client.run"] = threads
    if os.environ.get(PEERS_VARIABLE):
        found["litellm.batch_completion(max_workers=32)"] = litellm
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _send_many(pipe: "Pipe[Any, Any]", ports: list[int], count: int) -> None:
    httpx.post(f"http://127.0.0.1:{ports[1]}/", json={"begin": [40, count]})
    with _folder() as folder:
        rows = ({"prompt": f"row {number}", "seconds": 0.0} for number in range(count))
        run = fal_notebook.map(ENDPOINT, rows, to=folder / "run.fal", base_url=f"ws://127.0.0.1:{ports[0]}").wait()
        pipe.send((_peak(), run.standing.counts["done"]))


def _attach(pipe: "Pipe[Any, Any]", ports: list[int], count: int) -> None:
    with _folder() as folder:
        path = folder / "run.fal"
        rows = Rows(({"prompt": f"row {number}", "seconds": 0.02} for number in range(count)), {}, ENDPOINT)
        with Journal.drive(path, rows.header) as journal:
            fill(journal, rows)
        began = time.monotonic()
        run = fal_notebook.attach(path, base_url=f"ws://127.0.0.1:{ports[0]}")
        run._repr_mimebundle_()
        pipe.send(time.monotonic() - began)
        run.cancel()
        run.wait()


def _peak() -> int:
    """The most memory that this process has had, in bytes, as Linux reports it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
