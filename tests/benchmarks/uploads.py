"""Measures files that are uploaded before a request, and the memory that this takes, against fal-client's own upload.

The storage is a process of its own, and so is each client. All files are new in each round, for we upload a content
once. Our time includes the request that is sent with the URLs; fal-client uploads one file after the other.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fal_client.client

from fal_notebook.client.sessions import Session
from fal_notebook.client.uploads import Uploads
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.local.storage import PATH, LocalStorage, WithStorage

from ..local.storages import KEY, Mirror
from .memory import memory_of
from .network import delayed
from .process import in_process
from .rows import OURS, Row
from .server import Ports

PEER = "fal_client.upload_file"
MEGA = 1_000_000
ROUNDS = 3
ROUND_TRIP = 0.05  # seconds, where the network is a slow one
FAR = "8 files of 0.3 MB, RTT 50 ms"
WORK = {
    FAR: [300_000] * 8,
    "8 files of 4 MB": [4 * MEGA] * 8,
    "a file of 90 MB": [90 * MEGA],
    "a file of 250 MB": [250 * MEGA],
}
Upload = Callable[[Sequence[Path]], object]


def measure() -> list[Row]:
    """For each work, rounds in which both upload, and the peak memory of each in processes of their own."""
    rows: list[Row] = []
    with (
        in_process(_serve) as port,
        delayed(Ports(port, port), ROUND_TRIP) as away,
        TemporaryDirectory() as folder,
    ):
        for work, sizes in WORK.items():
            both: dict[str, list[dict[str, float]]] = {OURS: [], PEER: []}
            for _ in range(ROUNDS):
                for who, measured in both.items():
                    ports = away if work == FAR else Ports(port, port)
                    with in_process(_upload, who, ports, _files(Path(folder), sizes)) as found:
                        measured.append(found)
            for what, unit in (("time", "ms"), ("memory", "× its size"))[: 1 if work == FAR else 2]:
                values = {who: tuple(each[what] for each in measured) for who, measured in both.items()}
                is_large = what == "memory" and len(sizes) == 1  # beside small files, what every client needs counts
                goals = {OURS: "≤ 1.15" if is_large else "", PEER: "≥ 1×" if what == "time" else ""}
                name = f"{work}, uploaded" if what == "time" else f"peak memory of {work}, uploaded"
                rows += [Row(name, who, unit, each, goals[who]) for who, each in values.items()]
    return rows


def _files(folder: Path, sizes: Sequence[int]) -> list[Path]:
    """New files of these sizes."""
    paths = [folder / f"{number}.bin" for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(os.urandom(1_000) + bytes(size - 1_000))
    return paths


def _upload(pipe: "Pipe[Any, Any]", who: str, ports: Ports, paths: Sequence[Path]) -> None:
    os.environ["FAL_KEY"], os.environ["FAL_NOTEBOOK_URL"] = KEY, f"ws://127.0.0.1:{ports.websocket}"
    http_url = f"http://127.0.0.1:{ports.http}"
    setattr(fal_client.client, "REST_URL", http_url)  # noqa: B010 - a constant of another package
    setattr(fal_client.client, "CDN_URL", f"{http_url}{PATH}")  # noqa: B010
    small = paths[0].with_name("small.bin")
    small.write_bytes(os.urandom(10))
    with _client(who) as upload:
        upload([small])
        before = memory_of("VmRSS")
        began = time.perf_counter()
        upload(paths)
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in paths)
        pipe.send({"time": 1000 * seconds, "memory": (memory_of("VmHWM") - before) / size})


@contextmanager
def _client(who: str) -> Iterator[Upload]:
    if who == PEER:
        yield lambda paths: [fal_client.upload_file(path) for path in paths]
        return
    session = Session()
    session.upload = "always"
    session.companion(Uploads).tell = lambda _: None
    yield lambda paths: session.stream("a/b", {"files": list(paths)}).result()
    session.close()


def _serve(pipe: "Pipe[Any, Any]") -> None:
    with TemporaryDirectory() as folder:
        app = WithStorage(HTTPOverWebSocket(Mirror(), key=KEY), LocalStorage(Path(folder), key=KEY))
        with LocalServer(app) as server:
            pipe.send(server.port)
            threading.Event().wait()
