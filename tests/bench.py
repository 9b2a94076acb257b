"""Ours beside fal's reference client on the same work, in one run: `make bench`.

Each row is the median of interleaved rounds against one scripted server in a process of its own. A number here is
a comparison on this machine at this moment; nothing fails if it is slow.
"""

import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from .scripted import end, start

ROUNDS = 5
EVENTS = 20_000
SNAPSHOTS = 2_000
MEBIBYTES = 64
FRAME = 65_536


async def _script(connection: ServerConnection) -> None:
    async for message in connection:
        work = json.loads(message)["work"]
        await connection.send(start(content_type="text/event-stream" if work != "bytes" else "audio/mpeg"))
        if work == "deltas":
            for number in range(EVENTS):
                await connection.send(_event({"choices": [{"delta": {"content": f"{number:04d} "}}]}))
        elif work == "snapshots":
            for number in range(SNAPSHOTS):
                await connection.send(_event({"output": "word " * number, "partial": True}))
        elif work == "bytes":
            for _ in range(MEBIBYTES * 16):
                await connection.send(bytes(FRAME))
        else:
            await connection.send(_event({"output": "hi", "partial": False}))
        await connection.send(end())


def _event(value: Any) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _serve(pipe: "Pipe[str, Any]") -> None:
    async def forever() -> None:
        server = await serve(_script, "127.0.0.1", 0, compression=None)
        pipe.send(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asyncio.get_running_loop().create_future()

    asyncio.run(forever())


def _ours(work: str) -> None:
    from fal_notebook import run

    assert run("bench/app", work=work).error is None


def _reference(work: str) -> None:
    """What a user of fal's client has to do for the same: stream, split into events, decode."""
    import fal.apps

    with fal.apps.ws("bench/app") as connection:
        connection.send({"work": work})
        if work == "bytes":
            b"".join(part for part in connection.stream() if isinstance(part, bytes))
            return
        for part in connection.stream():
            data = part.encode() if isinstance(part, str) else part
            for line in data.splitlines():
                if line.startswith(b"data: "):
                    json.loads(line[6:])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _compare(name: str, amount: float, unit: str) -> None:
    times: dict[str, list[float]] = {"ours": [], "fal.apps.ws": []}
    for _ in range(ROUNDS):
        times["ours"].append(_seconds(lambda: _ours(name)))
        times["fal.apps.ws"].append(_seconds(lambda: _reference(name)))
    ours, theirs = (statistics.median(each) for each in times.values())
    speeds = f"ours {amount / ours:12,.0f} {unit}   fal.apps.ws {amount / theirs:12,.0f} {unit}"
    _say(f"{name:10} {speeds}   ratio {theirs / ours:5.2f}")


def _memory() -> None:
    tracemalloc.start()
    _ours("bytes")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    _say(f"memory     a kept body of {MEBIBYTES} MiB peaks at {peak / 2**20:.0f} MiB")


def _imports() -> None:
    for statement in ("import fal_notebook", "import fal_notebook.magic", "import fal_notebook.api", "import fal.apps"):
        clock = "time.perf_counter()"
        code = f"import time, IPython.core.magic_arguments; t = {clock}; {statement}; print({clock} - t)"
        runs = [
            float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
            for _ in range(ROUNDS)
        ]
        _say(f"import     {statement:28} {statistics.median(runs) * 1000:8.1f} ms")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    url = ours.recv()
    os.environ |= {"FAL_NOTEBOOK_URL": url, "FAL_KEY": "made-up:key"}
    import fal.apps

    fal.apps._WS_URL_FORMAT = url + "/{app_id}"
    _compare("deltas", EVENTS, "events/s")
    _compare("snapshots", SNAPSHOTS, "events/s")
    _compare("bytes", MEBIBYTES, "MiB/s")
    _compare("prompt", 1, "prompts/s")
    _memory()
    _imports()
    server.terminate()


if __name__ == "__main__":
    main()
