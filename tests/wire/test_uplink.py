"""Large arguments over a network that takes them slowly or not at all: if they are stopped, the rest never arrives."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fal_notebook import Session, Stream, errors
from fal_notebook.wire import connection
from fal_notebook.wire.pool import Limits

from ..certificates import make_certificate, server_context
from ..conftest import wait_until
from ..faults import Fault, FaultyGateway, Place, words
from ..proxy import Proxy

pytestmark = pytest.mark.beside

LARGE = "x" * 12_000_000
SMALLER = "x" * 1_500_000
"""Fewer bytes than the operating system would take at once if it were given all of them."""


@pytest.fixture
def own() -> Iterator[Session]:
    session = Session(Limits(connections=1))
    yield session
    session.close()


@pytest.fixture(params=["ws", "wss"])
def gateway(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FaultyGateway]:
    certificate = make_certificate(tmp_path / "certificate.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with FaultyGateway(tls=server_context(certificate) if request.param == "wss" else None) as running:
        yield running


@pytest.fixture
def network(gateway: FaultyGateway) -> Iterator[Proxy]:
    """A network that carries 1.5 MB a second."""
    with Proxy(gateway.port) as running:
        running.url = running.url.replace("ws:", gateway.url.partition("//")[0])
        running.delay = running.piece / 1_500_000
        yield running


def leave(running: Stream) -> None:
    with running:
        pass


WAYS: dict[str, Callable[[Session, Stream], object]] = {
    "cancel": lambda _, running: running.cancel(),
    "session().stop()": lambda own, _: own.stop(),
    "close()": lambda own, _: own.close(),
    "leaving with": lambda _, running: leave(running),
}


@pytest.mark.parametrize("prompt", [SMALLER, LARGE], ids=["1.5 MB", "12 MB"])
@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_is_stopped_on_its_way_never_arrives_whole(
    way: str, prompt: str, own: Session, network: Proxy, gateway: FaultyGateway
) -> None:
    running = own.stream("a/b", {"prompt": prompt}, base_url=network.url)
    wait_until(lambda: network.carried > 200_000)
    WAYS[way](own, running)
    result = running.outcome()
    assert result.stopped
    assert not result.sent_whole
    assert "stopped before it was sent whole" in result.status_line
    wait_until(lambda: not gateway.open)
    assert gateway.received == []
    network.delay = 0
    assert own.stream("a/b", {"prompt": "next"}, base_url=network.url).result().text == words("next")


@pytest.mark.parametrize("prompt", [SMALLER, LARGE], ids=["1.5 MB", "12 MB"])
def test_a_request_that_times_out_on_its_way_never_arrives_whole(
    prompt: str, own: Session, network: Proxy, gateway: FaultyGateway
) -> None:
    own.connect("a/b", network.url).result(10)
    network.delay *= 10
    error = own.stream("a/b", {"prompt": prompt}, base_url=network.url, timeout=1).outcome().error
    assert isinstance(error, errors.RequestTimeout)
    assert "did not take the arguments within 1 s (they were not sent whole" in str(error)
    network.delay = 0
    wait_until(lambda: not gateway.open)
    assert gateway.received == []


def test_a_task_that_is_cancelled_stops_its_request_on_the_way(
    own: Session, network: Proxy, gateway: FaultyGateway
) -> None:
    async def ask() -> None:
        async with asyncio.timeout(1):
            await own.stream("a/b", {"prompt": LARGE}, base_url=network.url)

    own.connect("a/b", network.url).result(10)
    with pytest.raises(TimeoutError):
        asyncio.run(ask())
    wait_until(lambda: not gateway.open)
    assert gateway.received == []


def test_the_requests_of_a_pipeline_are_stopped_on_their_way_together(
    own: Session, network: Proxy, gateway: FaultyGateway
) -> None:
    gateway.arm(Place.EVENT, Fault.STALL)
    first, second = own.pipeline("a/b", [{"prompt": "first"}, {"prompt": LARGE}], base_url=network.url)
    assert str(next(first)) == words("first", Place.EVENT)
    wait_until(lambda: network.carried > 200_000)
    second.cancel()
    assert first.outcome().sent_whole
    assert not second.outcome().sent_whole
    assert (first.outcome().text, first.outcome().stopped) == (words("first", Place.EVENT), True)
    wait_until(lambda: not gateway.open)
    assert gateway.received == ["first"]


def test_arguments_that_go_out_slowly_arrive_whole_and_no_ping_is_late_for_them(
    own: Session, network: Proxy, gateway: FaultyGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(connection, "_PONG_SECONDS", 0.5)
    result = own.stream("a/b", {"prompt": SMALLER}, base_url=network.url).result()
    assert result.metrics.time_to_first_byte is not None
    assert result.metrics.time_to_first_byte > 1
    assert result.sent_whole
    assert gateway.received == [SMALLER]


@pytest.mark.parametrize("prompt", ["short", SMALLER, LARGE], ids=["short", "1.5 MB", "12 MB"])
def test_a_server_that_reads_nothing_is_cut_off(
    prompt: str, own: Session, network: Proxy, gateway: FaultyGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(connection, "_PONG_SECONDS", 1)
    network.delay = 0
    assert own.stream("a/b", {"prompt": "first"}, base_url=network.url).result().text == words("first")
    network.is_stuck = True
    result = own.stream("a/b", {"prompt": prompt}, base_url=network.url).outcome()
    assert isinstance(result.error, errors.ConnectionLost)
    assert result.sent_whole is (prompt == "short")
    assert ("not sent whole, so it was not worked on: send it again" in str(result.error)) is not result.sent_whole
    network.is_stuck = False
    wait_until(lambda: not gateway.open)
    if not result.sent_whole:
        assert gateway.received == ["first"]
