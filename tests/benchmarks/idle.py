"""Measures what an idle session costs: open connections that nobody uses, in a process of their own.

The baseline is a process that has imported the same modules and only sleeps; the gateway is another process. Memory is
that which only this process uses (USS). The cost of one connection is the slope between a few connections and many,
because the first one also starts the I/O thread.
"""

import os
import subprocess
import sys
import time

import psutil

from .notebook import OURS, gateway
from .rows import MADE_UP_KEY, Row

ROUNDS = 3
SECONDS = 30.0
NONE, FEW, MANY = 0, 4, 40
_CODE = """
import sys, time
import fal_notebook as fal
session = fal.Session()
import fal_notebook.wire.connection
for number in range(int(sys.argv[1])):
    session.connect(f"bench/idle{number}").result()
assert len(session.connections) == int(sys.argv[1])
print("open", flush=True)
for _ in sys.stdin:
    print(time.process_time(), flush=True)
"""


def _begin(count: int, url: str) -> "subprocess.Popen[str]":
    """A process with so many connections, which are open when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CODE, str(count)],
        env={**os.environ, "FAL_NOTEBOOK_URL": url, "FAL_KEY": MADE_UP_KEY},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdout is None or process.stdout.readline() != "open\n":
        raise RuntimeError(f"{count} connections did not open")
    return process


def _used(process: "subprocess.Popen[str]") -> float:
    """The processor time of a process in seconds, as the process reports it: the system's count has steps of 10 ms."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def _round(url: str) -> dict[int, tuple[float, float]]:
    """Processor time in seconds and memory in bytes for each number of connections; all are idle at the same time."""
    processes = {count: _begin(count, url) for count in (NONE, FEW, MANY)}
    try:
        time.sleep(1)
        before = {count: _used(process) for count, process in processes.items()}
        time.sleep(SECONDS)
        return {
            count: (_used(process) - before[count], psutil.Process(process.pid).memory_full_info().uss)
            for count, process in processes.items()
        }
    finally:
        for process in processes.values():
            process.communicate()


def measure() -> list[Row]:
    """Rounds of an idle session with 4 and with 40 connections, and of a process without any."""
    with gateway() as url:
        rounds = [_round(url) for _ in range(ROUNDS)]
    work = f"idle session with {FEW} open connections"
    busy = tuple((each[FEW][0] - each[NONE][0]) / SECONDS * 100 for each in rounds)
    slopes = tuple((each[MANY][1] - each[FEW][1]) / (MANY - FEW) / 1e6 for each in rounds)
    return [
        Row(work, OURS, "% CPU", busy, "≤ 0.1"),
        Row(work, "an interpreter that sleeps", "% CPU", tuple(each[NONE][0] / SECONDS * 100 for each in rounds)),
        Row(work, OURS, "MB for each connection", slopes, "≤ 1"),
        Row(work, OURS, "MB for all", tuple((each[FEW][1] - each[NONE][1]) / 1e6 for each in rounds)),
    ]
