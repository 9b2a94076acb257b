"""Runs mixed work and faults over one session, on three threads; every answer has to belong to its own question.

``python -m tests.session_soak SECONDS`` closes a session again and again while eight threads work with it.

The servers run in a process of their own, so that only what the session holds is counted.
"""

import base64
import logging
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from typing import TYPE_CHECKING

from fal_notebook import Session, Stream
from fal_notebook.errors import FalNotebookError, RequestError
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from . import endpoints
from .census import Soak, census
from .faults import ANSWERED, DURING, OUTCOMES, Fault, FaultyGateway, Place, words

WORKERS = 3
FAULTS = [
    (place, fault)
    for fault, outcomes in OUTCOMES.items()
    for place, outcome in outcomes.items()
    if place in DURING and outcome not in (ANSWERED, "ResponseTooLarge") and fault is not Fault.DEAF
]


class Servers:
    """A gateway that works, and for each worker one that fails on demand. They run in a process of their own."""

    def __init__(self) -> None:
        self._server = LocalServer(HTTPOverWebSocket(endpoints.create_app())).__enter__()
        self._gateways = [FaultyGateway().__enter__() for _ in range(WORKERS)]

    def urls(self) -> tuple[str, list[str]]:
        """The addresses of the gateways."""
        return self._server.url, [each.url for each in self._gateways]

    def arm(self, number: int, place: Place, fault: Fault) -> None:
        """Let a worker's gateway fail once."""
        self._gateways[number].arm(place, fault)

    def mend(self, number: int) -> None:
        """Stop a worker's gateway from failing."""
        self._gateways[number].mend()

    def fail_while_idle(self, number: int) -> None:
        """Let a worker's gateway fail now, on its idle connection."""
        self._gateways[number].fail_while_idle()

    def forget(self) -> None:
        """Drop everything that was recorded."""
        for kept in (endpoints.requests, endpoints.authorizations):
            kept.clear()
        for each in self._gateways:
            each.received.clear()
            each.authorizations.clear()


class _Process(BaseManager):
    """The process of the servers."""

    if TYPE_CHECKING:
        Servers: type[Servers]


_Process.register("Servers", Servers)


@contextmanager
def running_servers() -> Iterator[Servers]:
    with _Process(ctx=get_context("spawn")) as process:
        yield process.Servers()


class Work:
    """The kinds of work of one thread. Each method sends a request and checks its answer."""

    def __init__(self, own: Session, servers: Servers, worker: int, chance: random.Random) -> None:
        self._own, self._servers, self._worker, self._chance = own, servers, worker, chance
        self._url, faulty = servers.urls()
        self._faulty = faulty[worker]
        self._number = 0

    def pick(self) -> Callable[[], None]:
        """A random kind of work."""
        return self._chance.choice(
            [self.prompt, self.picture, self.speech, self.stopped, self.refused, self.fault, self.closed]
        )

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
        self._servers.arm(self._worker, place, fault)
        assert isinstance(self._ask_faulty(timeout=0.2).outcome().error, FalNotebookError)
        self._servers.mend(self._worker)  # on a busy machine the request may time out before the fault happens
        assert self._ask_faulty().result().text == words(f"question {self._number}")

    def closed(self) -> None:
        assert self._ask_faulty().result().text == words(f"question {self._number}")
        fault = self._chance.choice((Fault.CUT, Fault.CLOSE, Fault.GOING_AWAY, Fault.UNASKED))
        self._servers.arm(self._worker, Place.IDLE, fault)
        self._servers.fail_while_idle(self._worker)
        assert self._ask_faulty().result().text == words(f"question {self._number}")

    def _prompt(self) -> str:
        self._number += 1
        return f"question-{threading.get_ident()}-{self._number}"

    def _ask(self, endpoint: str, **arguments: object) -> Stream:
        return self._own.stream(endpoint, arguments, base_url=self._url)

    def _ask_faulty(self, timeout: float | None = None) -> Stream:
        self._number += 1
        arguments = {"prompt": f"question {self._number}"}
        request = self._own.stream("a/b", arguments, base_url=self._faulty, timeout=timeout)
        request.outcome()
        return request


def soak_session(seconds: float, seed: int = 4) -> Soak:
    """Work for so many seconds, and return what was found."""
    run, own = Soak(), Session()
    with running_servers() as servers:
        began = time.monotonic()
        works = [
            Work(own, servers, number, random.Random(seed + number))  # noqa: S311 - an order of work, no secret
            for number in range(WORKERS)
        ]
        threads = [threading.Thread(target=_work, args=(run, work, began + seconds), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(min(60.0, seconds / 30))
            run.take(time.monotonic() - began, census())
            servers.forget()
        del run.samples[-1]  # when it was taken, a thread had already ended
    own.close()
    return run


def _work(run: Soak, work: Work, until: float) -> None:
    while time.monotonic() < until:
        run.do(work.pick())


def soak_closing(seconds: float, threads: int = 8) -> Counter[str]:
    """Close a session every few milliseconds while threads work with it, and count how their requests ended."""
    own, ends, chance = Session(), Counter[str](), random.Random(6)  # noqa: S311 - moments, no secrets
    quiet = logging.getLogger("the server of the closing")
    quiet.setLevel(logging.CRITICAL)
    with FaultyGateway(logger=quiet) as gateway:
        until = time.monotonic() + seconds
        works = [
            threading.Thread(target=_ask_until, args=(own, gateway.url, until, number, ends), daemon=True)
            for number in range(threads)
        ]
        for work in works:
            work.start()
        while time.monotonic() < until:
            time.sleep(chance.uniform(0, 0.03))
            own.close()
        for work in works:
            work.join(30)
            ends["never"] += work.is_alive()
        ends["twice"] += len(gateway.received) - len(set(gateway.received))
        own.close()
    return +ends


def _ask_until(own: Session, url: str, until: float, thread: int, ends: Counter[str]) -> None:
    number = 0
    while time.monotonic() < until:
        number += 1
        prompts = [f"{thread} {number} {each}" for each in range(1 + number % 3)]
        if number % 5 == 0:
            own.connect("a/b", url)
        if len(prompts) == 1:
            streams = [own.stream("a/b", {"prompt": prompts[0]}, base_url=url)]
        else:
            streams = own.pipeline("a/b", [{"prompt": prompt} for prompt in prompts], base_url=url)
        for stream, prompt in zip(streams, prompts, strict=True):
            result = stream.outcome()
            if result.stopped:
                ends["stopped"] += 1
            elif result.error:
                ends[type(result.error).__name__] += 1
            else:
                ends["answered" if result.text == words(prompt) else "swapped"] += 1


if __name__ == "__main__":
    # In Python's development mode, asyncio also logs callbacks that were slow on a busy machine.
    logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing"))
    # Records what the event loop logs, which nobody else would see.
    logging.getLogger("fal_notebook.client.sessions").addHandler(logging.StreamHandler())
    logging.getLogger("fal_notebook.client.sessions").setLevel(logging.DEBUG)
    for end, count in sorted(soak_closing(float(sys.argv[1])).items()):
        sys.stdout.write(f"{end} {count}\n")
