"""Measures the time that this package and its peers take for many short events, for snapshots and for large bodies.

Each round asks all of them, one after the other, and checks each answer. The bare socket shows the best that the server
allows.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median

from . import server
from .peers import (
    DELTAS,
    SNAPSHOTS,
    Addresses,
    Arguments,
    Asyncio,
    BareSocket,
    FalClient,
    HttpxSse,
    Keeps,
    Ours,
    Peer,
    Reference,
    ReferenceRun,
    Shape,
    Threaded,
)
from .rows import OURS, Row

ROUNDS = 7
MEBI = 2**20
TEXT: tuple[type[Peer], ...] = (Ours, Reference, ReferenceRun, FalClient, HttpxSse, Threaded, Asyncio)
LONG_TEXT: tuple[type[Peer], ...] = (Ours, Reference, FalClient)
BODY: tuple[type[Keeps], ...] = (Ours, Reference, Threaded, Asyncio)

Asks = dict[str, Callable[[], object]]
Clock = Callable[[], float]
Values = dict[str, tuple[float, ...]]
"""The milliseconds of each round, by the peer's name."""


def deltas() -> list[Row]:
    """20,000 events, each with a word."""
    goals = {Reference.name: "≥ 2×", ReferenceRun.name: "≥ 2×", FalClient.name: "≥ 3×"}
    with local() as addresses:
        return rows_of("20,000 delta events to text", delta_texts(addresses, 20_000, TEXT, ROUNDS), goals)


def snapshots() -> list[Row]:
    """2,000 events, each with the whole text so far; a text four times as long may take four times the time."""
    with local() as addresses:
        short = snapshot_texts(addresses, 2_000, 10_240, TEXT, ROUNDS)
        long = snapshot_texts(addresses, 2_000, 40_960, LONG_TEXT, ROUNDS)
        costs = [
            snapshot_texts(addresses, 2_000, each, (Ours,), ROUNDS, time.process_time) for each in (10_240, 40_960)
        ]
    goals = {Reference.name: "≥ 4×", ReferenceRun.name: "≥ 4×"}
    return [
        *rows_of("2,000 snapshots up to 10 KiB", short, goals),
        *rows_of("2,000 snapshots up to 40 KiB", long, {}),
        _growth("snapshots up to 40 KiB, to those up to 10 KiB", *costs),
    ]


def binary() -> list[Row]:
    """256 MiB in frames of 64 KiB, kept as one ``bytes``; four times the size may take four times the time."""
    with local() as addresses:
        values = bodies(addresses, 256, BODY, ROUNDS)
        costs = [bodies(addresses, size, (Ours,), ROUNDS, time.process_time) for size in (64, 256)]
    return [
        *rows_of("256 MiB of binary, kept", values, {Reference.name: "≥ 1.5×"}),
        _growth("256 MiB of binary, to 64 MiB", *costs),
    ]


def quadratic() -> list[Row]:
    """The reference client's ``run``, which puts the whole body together again at every frame."""
    with local() as addresses:
        values = {size: bodies(addresses, size, (Ours, ReferenceRun), rounds=3) for size in (8, 16, 32)}
    return [row for size, each in values.items() for row in rows_of(f"{size} MiB of binary, kept", each, {})]


MEASURES = {"deltas": deltas, "snapshots": snapshots, "bytes": binary, "quadratic": quadratic}


def measure() -> list[Row]:
    """All measures of this module."""
    return [row for each in MEASURES.values() for row in each()]


def delta_texts(
    addresses: Addresses, count: int, peers: Sequence[type[Peer]], rounds: int, clock: Clock = time.perf_counter
) -> Values:
    """The time of each peer in each round until it has the text of so many deltas."""
    arguments, expected = {"work": "deltas", "count": count}, server.deltas_text(count)
    return _texts(addresses, arguments, expected, DELTAS, peers, rounds, clock)


def snapshot_texts(
    addresses: Addresses,
    count: int,
    longest: int,
    peers: Sequence[type[Peer]],
    rounds: int,
    clock: Clock = time.perf_counter,
) -> Values:
    """The time of each peer in each round until it has the text of so many snapshots, the last so many bytes long."""
    arguments = {"work": "snapshots", "count": count, "longest": longest}
    return _texts(addresses, arguments, server.snapshots_text(longest), SNAPSHOTS, peers, rounds, clock)


def bodies(
    addresses: Addresses, mebibytes: int, peers: Sequence[type[Keeps]], rounds: int, clock: Clock = time.perf_counter
) -> Values:
    """The time of each peer in each round until it has so many bytes."""
    size = mebibytes * MEBI
    arguments = {"work": "bytes", "size": size}
    with ExitStack() as stack:
        bare = stack.enter_context(BareSocket(addresses))
        ready = [stack.enter_context(peer(addresses)) for peer in peers]
        asks: Asks = {peer.name: bound(peer.body, arguments) for peer in ready}
        asks[bare.name] = bound(bare.read, arguments)
        return interleaved(asks, lambda answer: is_zeros(answer, size) or is_read(answer, size), rounds, clock=clock)


def _texts(
    addresses: Addresses,
    arguments: Arguments,
    expected: str,
    shape: Shape,
    peers: Sequence[type[Peer]],
    rounds: int,
    clock: Clock,
) -> Values:
    with ExitStack() as stack:
        bare = stack.enter_context(BareSocket(addresses))
        ready = [stack.enter_context(peer(addresses)) for peer in peers]
        asks: Asks = {peer.name: bound(peer.text, arguments, shape) for peer in ready}
        asks[bare.name] = bound(bare.read, arguments)
        return interleaved(
            asks, lambda answer: answer == expected or is_read(answer, len(expected)), rounds, clock=clock
        )


@contextmanager
def local() -> Iterator[Addresses]:
    """A server on this machine, without a delay."""
    with server.running() as ports:
        yield Addresses.of(ports)


def interleaved(
    asks: Asks,
    is_right: Callable[[object], bool],
    rounds: int,
    *,
    apart: float = 0.0,
    clock: Clock = time.perf_counter,
) -> Values:
    """The time of each in each round. Every round asks all of them, and a first round is not counted.

    Each round begins with a different one, so that none always follows the same other. ``apart`` is the time between
    the beginnings of two rounds, in seconds.
    """
    values: dict[str, list[float]] = {name: [] for name in asks}
    names = list(asks)
    for number in range(rounds + 1):
        first = number % len(names)
        next_round = time.monotonic() + apart
        for name in names[first:] + names[:first]:
            began = clock()
            answer = asks[name]()
            took = clock() - began
            if not is_right(answer):
                raise AssertionError(f"{name} has another answer")
            del answer
            if number:
                values[name].append(took * 1000)
        time.sleep(max(0.0, next_round - time.monotonic()))
    return {name: tuple(each) for name, each in values.items()}


def is_zeros(answer: object, size: int) -> bool:
    """Whether an answer consists of so many zero bytes."""
    return isinstance(answer, bytes) and len(answer) == answer.count(0) == size


def is_read(answer: object, least: int) -> bool:
    """Whether a bare socket has read enough bytes."""
    return isinstance(answer, int) and answer >= least


def bound(ask: Callable[..., object], *arguments: object) -> Callable[[], object]:
    """The function with its arguments bound."""
    return lambda: ask(*arguments)


def rows_of(work: str, values: Values, goals: dict[str, str]) -> list[Row]:
    """A row for each peer, in milliseconds."""
    return [Row(work, who, "ms", each, goals.get(who, "")) for who, each in values.items()]


def _growth(work: str, small: Values, large: Values) -> Row:
    """The factor by which our processor time grows for four times the work, in the median round."""
    return Row(work, OURS, "× the processor's time", (median(large[OURS]) / median(small[OURS]),), "≤ 4.5")
