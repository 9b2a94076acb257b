"""Measures how long people wait: for the first word, and for answers over a network with a round trip of 50 ms."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import sub
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import fal_notebook

from ..certificates import make_certificate
from . import server
from .client import Asks, Values, bound, interleaved, is_read, local, rows_of
from .network import delayed
from .peers import (
    DELTAS,
    ENDPOINT,
    SNAPSHOTS,
    Addresses,
    Arguments,
    Asyncio,
    AsyncioOverFour,
    BareSocket,
    FalClient,
    HttpxSse,
    Many,
    Ours,
    Peer,
    Reference,
    Shape,
    Threaded,
)
from .rows import OURS, Row

ROUNDS = 5
ROUND_TRIP = 0.05
PROMPT: Arguments = {"work": "prompt", "words": "hi"}
WORDS: tuple[type[Peer], ...] = (Ours, Reference, Asyncio)
PROMPTS: tuple[type[Peer], ...] = (Ours, Reference, FalClient, HttpxSse, Threaded)
AT_ONCE: tuple[type[Many], ...] = (Ours, Asyncio, AsyncioOverFour)
MANY: tuple[type[Peer], ...] = (Ours, Reference, FalClient, Asyncio, AsyncioOverFour)

Measured = dict[str, list[list[int]]]
"""The nanoseconds of every event in each round, by the peer's name."""


def first() -> list[Row]:
    """The time from the sending of an event until the client has its text, while the client does nothing else."""
    arguments = {"work": "times", "count": 300, "pause": 0.002}
    measured = _rounds(WORDS, lambda peer: peer.arrivals(arguments))
    return _percentiles("a word, from the server's sending to the waiting cell", measured, {Reference.name: "≥ 1×"})


def busy() -> list[Row]:
    """The same time while the main thread computes in pure Python, and now and then looks for new text.

    A peer reads on a second thread. This thread has to wait for the interpreter's switch interval whenever it needs the
    interpreter: a bare socket once for each event, the peers more often.
    """
    arguments = {"work": "times", "count": 60, "pause": 0.02}
    goals = {BareSocket.name: "≥ 1×", Reference.name: "≥ 1×"}
    measured = _rounds((*WORDS, BareSocket), lambda peer: _arrivals_at_a_busy_thread(peer, arguments))
    return _percentiles("the same beside a busy main thread", measured, goals)


def prompts() -> list[Row]:
    """One prompt on an open connection, 6 seconds after the last. A bare socket takes one round trip."""
    work = "a prompt 6 s after the last, RTT 50 ms, TLS"
    with far(ROUND_TRIP) as addresses:
        values = prompts_apart(addresses, 6.0, PROMPTS, ROUNDS)
    beyond = tuple(map(sub, values[OURS], values[BareSocket.name]))
    return [*rows_of(work, values, {FalClient.name: "≥ 3×"}), Row(work, OURS, "ms beyond a bare socket", beyond, "≤ 3")]


def pipeline() -> list[Row]:
    """100 prompts at once; the answers in order."""
    with far(ROUND_TRIP) as addresses:
        values = prompts_at_once(addresses, 100, MANY, ROUNDS)
    return rows_of("100 prompts, RTT 50 ms, TLS", values, {OURS: "≤ 150"})


def starving() -> list[Row]:
    """38 prompts whose answers take 10 ms, sent after 2 whose answers take 1 s."""
    slow, quick = ({"work": "wait", "seconds": seconds, "words": "hi"} for seconds in (1.0, 0.01))
    each = [slow] * 2 + [quick] * 38
    values: dict[str, list[float]] = {}
    with local() as addresses, ExitStack() as stack:
        ready = [stack.enter_context(peer(addresses)) for peer in AT_ONCE]
        for _ in range(ROUNDS):
            for peer in ready:
                durations = peer.durations(each)[2:]
                values.setdefault(peer.name, []).append(quantiles(durations, n=10)[8] * 1000)
    rounds = {name: tuple(of_it) for name, of_it in values.items()}
    return rows_of("38 prompts of 10 ms behind 2 of 1 s, p90 of the short", rounds, {OURS: "≤ 500"})


MEASURES = {"first": first, "busy": busy, "prompts": prompts, "pipeline": pipeline, "starving": starving}


def measure() -> list[Row]:
    """All measures of this module."""
    return [row for each in MEASURES.values() for row in each()]


def prompts_apart(addresses: Addresses, seconds: float, peers: Sequence[type[Peer]], rounds: int) -> Values:
    """The time of each peer in each round for one prompt; rounds are so many seconds apart."""
    with ExitStack() as stack:
        bare = stack.enter_context(BareSocket(addresses))
        ready = [stack.enter_context(peer(addresses)) for peer in peers]
        asks: Asks = {peer.name: bound(peer.text, PROMPT, SNAPSHOTS) for peer in ready}
        asks[bare.name] = bound(bare.read, PROMPT)
        return interleaved(asks, lambda answer: answer == "hi" or is_read(answer, 1), rounds, apart=seconds)


def prompts_at_once(addresses: Addresses, count: int, peers: Sequence[type[Peer]], rounds: int) -> Values:
    """The time of each peer in each round for so many prompts at once, with the answers in order."""
    words = [str(number) for number in range(count)]
    each: list[Arguments] = [{"work": "prompt", "words": word} for word in words]
    with ExitStack() as stack:
        ready = [stack.enter_context(peer(addresses)) for peer in peers]
        asks: Asks = {peer.name: bound(peer.texts, each, SNAPSHOTS) for peer in ready}
        return interleaved(asks, lambda answer: answer == words, rounds)


@contextmanager
def far(round_trip: float) -> Iterator[Addresses]:
    """A server with TLS, behind a network with this round trip in seconds."""
    before = os.environ.get("SSL_CERT_FILE")
    with TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder) / "certificate.pem")
        os.environ["SSL_CERT_FILE"] = str(certificate)
        try:
            with server.running(certificate) as ports, delayed(ports, round_trip) as away:
                yield Addresses.of(away, tls=True)
        finally:
            del os.environ["SSL_CERT_FILE"]
            os.environ |= {} if before is None else {"SSL_CERT_FILE": before}


def _rounds(peers: Sequence[type[Peer | BareSocket]], arrivals: Callable[[Any], list[int]]) -> Measured:
    with local() as addresses, ExitStack() as stack:
        ready: list[Any] = [stack.enter_context(peer(addresses)) for peer in peers]
        measured: Measured = {peer.name: [] for peer in ready}
        for _ in range(ROUNDS):
            for peer in ready:
                measured[peer.name].append(arrivals(peer))
    return measured


def _percentiles(work: str, measured: Measured, goals: dict[str, str]) -> list[Row]:
    """The 50th and the 99th percentile of every round. The goals apply to the 50th."""
    middle = {who: tuple(median(each) / 1000 for each in rounds) for who, rounds in measured.items()}
    late = {who: tuple(quantiles(each, n=100)[98] / 1000 for each in rounds) for who, rounds in measured.items()}
    return [
        *(Row(f"{work}, p50", who, "µs", values, goals.get(who, "")) for who, values in middle.items()),
        *(Row(f"{work}, p99", who, "µs", values) for who, values in late.items()),
    ]


def _arrivals_at_a_busy_thread(peer: Peer | BareSocket, arguments: Arguments) -> list[int]:
    """The nanoseconds from the sending of each event until the computing main thread has its text."""
    if isinstance(peer, Ours):
        stream = fal_notebook.stream(ENDPOINT, arguments, base_url=peer.addresses.websocket)
        return _watched(lambda: map(str, stream.take()), lambda: stream.is_done)
    texts: deque[str] = deque()

    def words(value: Any) -> str:
        texts.append(DELTAS.words(value))
        return ""

    def read() -> None:
        if isinstance(peer, BareSocket):
            texts.extend(map(bytes.decode, peer.arrivals(arguments)))
        else:
            peer.text(arguments, Shape(words))

    reader = threading.Thread(target=read)
    reader.start()
    return _watched(lambda: [texts.popleft() for _ in range(len(texts))], lambda: not reader.is_alive())


def _watched(take: Callable[[], Iterator[str] | list[str]], is_over: Callable[[], bool]) -> list[int]:
    times: list[int] = []
    total = 0
    while True:
        over = is_over()
        times.extend(time.monotonic_ns() - int(sent) for text in take() for sent in text.split())
        if over:
            return times
        for number in range(1_000):
            total += number
