"""What a process holds, counted; and what a soak found of it over time."""

import asyncio
import ctypes
import gc
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

BYTES_A_REQUEST = 100
"""How much memory may grow. What is kept of a request takes more: a dict alone is 64 bytes, and one entry 168 more."""
BYTES_A_CELL = 1000
"""The same in a kernel, which keeps some 400 bytes of a cell with an Output widget and a thread, whoever made them."""
BREATH = 2_000_000
"""Bytes by which memory comes and goes, however few requests there are."""
SLACK = {"objects": 2_000, "threads": 6, "sockets": 12, "tasks": 12, "timers": 200, "comms": 8, "widgets": 8}
"""How much more of each there may be at one moment than at another: what is under way just then. asyncio keeps timers
that were cancelled until they are a hundred, ipykernel the pipes of threads that ended for ten seconds."""


def census() -> dict[str, int]:
    """How much of everything that could grow there is now in this process; of tasks, those that are not done."""
    gc.collect()
    _give_back()
    process = psutil.Process()
    found = gc.get_objects()  # asked for their type alone: a proxy to what is gone answers nothing else
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
    """The ids of the widgets of this process that are open."""
    from ipywidgets.widgets import widget

    known = widget._instances if hasattr(widget, "_instances") else widget.Widget.widgets  # before ipywidgets 8
    return sorted(known)


def _give_back() -> None:
    """Give to the system what the process has freed; else its memory says more of malloc than of us."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(frozen=True)
class Sample:
    """What the process held at a moment."""

    seconds: float
    requests: int
    held: dict[str, int]


@dataclass
class Soak:
    """One run.

    Attributes:
        done: how often each kind of work was done.
        samples: what was held on the way.
        failures: what should not have happened.
        allowed: bytes by which memory may grow with each request.
    """

    done: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    allowed: int = BYTES_A_REQUEST

    def do(self, work: Callable[[], None]) -> None:
        """Do a piece of work, and keep what went wrong."""
        name = work.__name__
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is told at the end
            self.failures.append(f"{name}: {exc!r}")
        self.done[name] += 1

    def take(self, seconds: float, held: dict[str, int]) -> None:
        """Keep a sample."""
        self.samples.append(Sample(seconds, self.done.total(), held))

    def bytes_a_request(self) -> float:
        """How memory grew after the first third, by least squares."""
        points = [(each.requests, each.held["memory"]) for each in self._settled()]
        mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
        above: float = sum((x - mean_x) * (y - mean_y) for x, y in points)
        width: float = sum((x - mean_x) ** 2 for x, _ in points)
        return above / (width or 1.0)

    def grown(self) -> list[str]:
        """What there was more of in the last third than in the second, beyond what is under way at a moment."""
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
        """The numbers, and what is wrong with them."""
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
