"""Mixed work and faults over one session, for as long as it is told: ``make soak``, or ``SECONDS=600 make soak``.

Every answer has to be its own question's. Memory, threads and sockets are counted on the way: after the first third
nothing may grow. The suite runs a short form.
"""

import base64
import gc
import os
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil

from fal_notebook import Session, Stream
from fal_notebook.errors import FalNotebookError, RequestError
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from . import endpoints
from .faults import DURING, OUTCOMES, Fault, FaultyGateway, Place, words

WORKERS = 3
FAULTS = [
    (place, fault)
    for fault, outcomes in OUTCOMES.items()
    for place in outcomes
    if place in DURING and fault is not Fault.OVERSIZED
]


@dataclass(frozen=True)
class Sample:
    """What the process held at a moment."""

    seconds: float
    rss: int
    threads: int
    sockets: int


@dataclass
class Soak:
    """One run.

    Attributes:
        done: how often each kind of work was done.
        samples: what was held on the way.
        failures: what should not have happened.
    """

    done: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def settled(self) -> list[Sample]:
        """The samples after the first third."""
        return self.samples[len(self.samples) // 3 :]

    def slope(self) -> float:
        """How memory grew, in bytes a second, by least squares."""
        points = [(each.seconds, each.rss) for each in self.settled()]
        mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
        above: float = sum((x - mean_x) * (y - mean_y) for x, y in points)
        width: float = sum((x - mean_x) ** 2 for x, _ in points)
        return above / (width or 1.0)

    def report(self) -> str:
        """The numbers, in a line."""
        first, last = self.settled()[0], self.samples[-1]
        return (
            f"{sum(self.done.values()):,} requests in {last.seconds:.0f} s {dict(self.done)}; memory "
            f"{last.rss / 1e6:.1f} MB, {self.slope() / 1000:+.1f} kB/s; threads {first.threads} → {last.threads}; "
            f"sockets {first.sockets} → {last.sockets}; failures {len(self.failures)}"
        )


class Work:
    """The kinds of work of one thread, each of which asks and checks its own answer."""

    def __init__(self, own: Session, url: str, gateway: FaultyGateway, chance: random.Random) -> None:
        self._own, self._url, self._gateway, self._chance = own, url, gateway, chance
        self._number = 0
        self.kinds = [self.prompt, self.picture, self.speech, self.stopped, self.refused, self.fault, self.closed]

    def prompt(self) -> None:
        prompt = self._prompt()
        assert self._ask("test/echo/stream", prompt=prompt).result().text == f"{prompt} "

    def picture(self) -> None:
        (media,) = self._ask("test/picture", prompt=self._prompt()).result().media
        assert media.data == endpoints.PNG

    def speech(self) -> None:
        data = self._prompt().encode() * 2_000
        sound = {"base64": base64.b64encode(data).decode(), "content_type": "audio/mpeg"}
        (media,) = self._ask("test/body", **sound).result().media
        assert media.data == data

    def stopped(self) -> None:
        running = self._ask("test/endless/stream", prompt=self._prompt())
        if self._chance.random() < 0.5:
            running.wait(0.05)
        running.cancel()
        assert running.result().stopped

    def refused(self) -> None:
        prompt = self._prompt()
        error = self._ask("test/failing", status=422, body={"detail": prompt}).outcome().error
        assert isinstance(error, RequestError)
        assert error.detail == prompt

    def fault(self) -> None:
        place, fault = self._chance.choice(FAULTS)
        self._gateway.arm(place, fault)
        assert isinstance(self._ask_faulty(timeout=0.2).outcome().error, FalNotebookError)
        self._ask_faulty()

    def closed(self) -> None:
        assert self._ask_faulty().result().text == words(f"question {self._number}")
        self._gateway.arm(Place.IDLE, self._chance.choice((Fault.CUT, Fault.CLOSE, Fault.GOING_AWAY, Fault.UNASKED)))
        self._gateway.fail_while_idle()
        assert self._ask_faulty().result().text == words(f"question {self._number}")

    def _prompt(self) -> str:
        self._number += 1
        return f"question-{threading.get_ident()}-{self._number}"

    def _ask(self, endpoint: str, **arguments: object) -> Stream:
        return self._own.stream(endpoint, arguments, base_url=self._url)

    def _ask_faulty(self, timeout: float | None = None) -> Stream:
        self._number += 1
        arguments = {"prompt": f"question {self._number}"}
        request = self._own.stream("a/b", arguments, base_url=self._gateway.url, timeout=timeout)
        request.outcome()
        return request


def soak(seconds: float, seed: int = 4) -> Soak:
    """Work for so long, on three threads, and tell what happened."""
    run, own = Soak(), Session()
    with LocalServer(HTTPOverWebSocket(endpoints.create_app())) as server:
        began = time.monotonic()
        threads = [
            threading.Thread(target=_work, args=(run, own, server.url, began + seconds, seed + number))
            for number in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(min(1.0, seconds / 30))
            run.samples.append(_sample(time.monotonic() - began))
            endpoints.requests.clear()
            endpoints.authorizations.clear()
        del run.samples[-1]  # by then a thread had ended
    own.close()
    return run


def _work(run: Soak, own: Session, url: str, until: float, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - an order of work, no secret
    with FaultyGateway() as gateway:
        work = Work(own, url, gateway, chance)
        while time.monotonic() < until:
            kind = chance.choice(work.kinds)
            try:
                kind()
            except Exception as exc:  # noqa: BLE001 - whatever it is, it is told at the end
                run.failures.append(f"{kind.__name__}: {exc!r}")
            run.done[kind.__name__] += 1
            gateway.received.clear()
            gateway.authorizations.clear()


def _sample(seconds: float) -> Sample:
    gc.collect()
    process = psutil.Process()
    return Sample(seconds, process.memory_info().rss, process.num_threads(), len(process.net_connections("tcp")))


if __name__ == "__main__":
    os.environ.setdefault("FAL_KEY", "soak:key")  # without a key, each look-up by fal-client keeps a lock in memory
    outcome = soak(float(sys.argv[1]))
    print(outcome.report(), *outcome.failures[:20], sep="\n")  # noqa: T201 - the command's answer
    sys.exit(bool(outcome.failures))
