"""Counts what a process holds (memory, objects, threads, sockets …), and judges what a soak found to have grown."""

import asyncio
import ctypes
import gc
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

BYTES_A_REQUEST = 100
"""How much memory may grow with each request. It is less than anything that could be kept of a request: an empty dict
takes 64 bytes, and its first entry 168 more."""
BYTES_A_CELL = 1000
"""How much memory of a kernel may grow with each cell. The kernel itself keeps some 400 bytes of a cell that has an
Output widget and a thread."""
BREATH = 2_000_000
"""Bytes by which memory goes up and down, however few requests there are."""
SLACK = {"objects": 2_000, "threads": 6, "sockets": 12, "tasks": 12, "timers": 200, "comms": 8, "widgets": 8}
"""How much the counts may differ between two moments, because of the requests that run just then. asyncio keeps up to a
hundred cancelled timers, and ipykernel keeps the pipes of a thread for ten seconds after its end."""


def census() -> dict[str, int]:
    """The counts of everything in this process that could grow; of asyncio's tasks, only those that are not done."""
    gc.collect()
    _give_back()
    process = psutil.Process()
    found = gc.get_objects()  # only their types are looked at: a proxy whose object is gone fails at anything else
    kinds = Counter(map(type, found))
    return {
        "memory": process.memory_info().rss,
        "objects": kinds.total(),
        "threads": process.num_threads(),
        "sockets": len(process.net_connections("tcp")),
        "tasks": sum(issubclass(type(each), asyncio.Task) and not each.done() for each in found),
        "timers": kinds[asyncio.TimerHandle],
        **_widgets(),
    }


def _widgets() -> dict[str, int]:
    if "ipywidgets" not in sys.modules:
        return {}
    from comm import get_comm_manager

    return {"comms": len(get_comm_manager().comms), "widgets": len(open_widgets())}


def open_widgets() -> list[str]:
    """The ids of the open widgets of this process."""
    from ipywidgets.widgets import widget

    known = widget._instances if hasattr(widget, "_instances") else widget.Widget.widgets  # before ipywidgets 8
    return sorted(known)


def _give_back() -> None:
    """Return freed memory to the system. Otherwise the process's memory would say more of malloc than of our code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(frozen=True)
class Sample:
    """What the process held at one moment."""

    seconds: float
    requests: int
    held: dict[str, int]


@dataclass
class Soak:
    """One soak run and what it found.

    Attributes:
        done: how often each kind of work was done.
        samples: what the process held at moments of the run.
        failures: the pieces of work that failed.
        allowed: bytes by which memory may grow with each request.
    """

    done: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    allowed: int = BYTES_A_REQUEST

    def do(self, work: Callable[[], None]) -> None:
        """Do a piece of work, and record its failure."""
        name = work.__name__
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - every failure is reported at the end
            self.failures.append(f"{name}: {exc!r}")
        self.done[name] += 1

    def take(self, seconds: float, held: dict[str, int]) -> None:
        """Record a sample."""
        self.samples.append(Sample(seconds, self.done.total(), held))

    def bytes_a_request(self) -> float:
        """The growth of memory with each request, after the first third of the run, by least squares."""
        points = [(each.requests, each.held["memory"]) for each in self._settled()]
        mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
        above: float = sum((x - mean_x) * (y - mean_y) for x, y in points)
        width: float = sum((x - mean_x) ** 2 for x, _ in points)
        return above / (width or 1.0)

    def grown(self) -> list[str]:
        """The counts that were greater in the last third of the run than in the second, by more than the slack."""
        half = len(self._settled()) // 2
        if not half:
            return [f"{len(self.samples)} samples are too few to tell what grew"]
        before, after = self._settled()[:half], self._settled()[half:]
        most = {name: (_most(name, before), _most(name, after)) for name in SLACK if name in after[-1].held}
        grown = [f"{name} grew from {old} to {new}" for name, (old, new) in most.items() if new > old + SLACK[name]]
        requests = after[-1].requests - before[0].requests
        if self.bytes_a_request() * requests > max(BREATH, self.allowed * requests):
            grown.append(f"memory grew by {self.bytes_a_request():.0f} bytes a request")
        return grown

    def report(self) -> str:
        """The numbers of the run, and what is wrong with them."""
        first, last = self._settled()[0], self.samples[-1]
        counts = ", ".join(f"{name} {first.held.get(name, 0)} → {count}" for name, count in last.held.items())
        lines = [
            f"{last.requests:,} requests in {last.seconds:.0f} s: {dict(self.done)}",
            f"memory {self.bytes_a_request():+.1f} bytes a request; {counts}",
        ]
        return "\n".join([*lines, *self.grown(), *self.failures[:20]])

    def _settled(self) -> list[Sample]:
        return self.samples[len(self.samples) // 3 :]


def _most(name: str, samples: list[Sample]) -> int:
    return max(each.held.get(name, 0) for each in samples)
