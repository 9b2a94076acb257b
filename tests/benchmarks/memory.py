"""Measures the peak memory for a body that is kept, above the memory before, each time in a process of its own.

Linux reports the peak of a process in ``/proc``.
"""

from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from .client import BODY, MEBI, is_zeros, local
from .peers import Addresses, Keeps
from .process import in_process
from .rows import OURS, Row

ROUNDS = 3
SIZE = 256 * MEBI


def measure() -> list[Row]:
    """256 MiB in frames of 64 KiB, kept as one ``bytes``."""
    with local() as addresses:
        peaks = {peer.name: tuple(_in_a_process(peer, addresses, SIZE) / SIZE for _ in range(ROUNDS)) for peer in BODY}
    work = "peak memory of 256 MiB of binary, kept"
    return [Row(work, who, "× its size", each, "≤ 1.15" if who == OURS else "") for who, each in peaks.items()]


def _in_a_process(peer: type[Keeps], addresses: Addresses, size: int) -> int:
    with in_process(_main, peer, addresses, size) as peak:
        return int(peak)


def _main(pipe: "Pipe[Any, Any]", peer: type[Keeps], addresses: Addresses, size: int) -> None:
    with peer(addresses) as ready:
        ready.body({"work": "bytes", "size": MEBI})
        before = memory_of("VmRSS")
        answer = ready.body({"work": "bytes", "size": size})
        peak = memory_of("VmHWM") - before
        if not is_zeros(answer, size):
            raise AssertionError(f"{peer.name} has another answer")
        pipe.send(peak)


def memory_of(name: str) -> int:
    """A size of this process that Linux reports, such as ``VmRSS``, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
