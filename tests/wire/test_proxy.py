"""A network that delays, cuts, corrupts and falls silent between the two ends."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fal_notebook import Session, errors
from fal_notebook.wire import connection
from fal_notebook.wire.pool import Limits

from ..certificates import make_certificate, server_context
from ..conftest import wait_until
from ..faults import Fault, FaultyGateway, Place, words
from ..proxy import Proxy, Tunnel


@pytest.fixture
def own() -> Iterator[Session]:
    session = Session(Limits(connections=1))
    yield session
    session.close()


@pytest.fixture
def gateway() -> Iterator[FaultyGateway]:
    with FaultyGateway() as running:
        yield running


@pytest.fixture
def network(gateway: FaultyGateway) -> Iterator[Proxy]:
    with Proxy(gateway.port) as running:
        yield running


def ask(own: Session, network: Proxy, prompt: str, timeout: float = 10) -> str:
    return own.stream("a/b", {"prompt": prompt}, base_url=network.url, timeout=timeout).result().text


def test_an_answer_in_single_bytes_and_with_delays_is_whole(own: Session, network: Proxy) -> None:
    network.piece, network.delay = 1, 0.0001
    assert ask(own, network, "one") == words("one")
    assert ask(own, network, "two") == words("two")
    assert network.accepted == 1


def test_bytes_that_the_network_changes_are_an_error_and_the_next_request_is_answered(
    own: Session, network: Proxy, gateway: FaultyGateway
) -> None:
    assert ask(own, network, "one") == words("one")
    network.corrupt = True
    with pytest.raises(errors.ConnectionLost):
        ask(own, network, "two")
    with pytest.raises(errors.ConnectError):
        ask(own, network, "three")
    network.corrupt = False
    assert ask(own, network, "four") == words("four")
    assert gateway.received == ["one", "two", "four"]


@pytest.mark.parametrize("jump", [3600.0, -3600.0], ids=["forward", "back"])
def test_after_sleep_a_dead_connection_is_renewed_before_anything_is_sent(
    jump: float, own: Session, network: Proxy, gateway: FaultyGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PROBE_SECONDS", 0.3)
    assert ask(own, network, "one") == words("one")
    network.fall_silent()
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    assert ask(own, network, "two") == words("two")
    assert gateway.received == ["one", "two"]
    assert network.accepted == 2


def test_a_server_that_ignores_pings_is_left(
    own: Session, network: Proxy, gateway: FaultyGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(connection, "_PONG_SECONDS", 0.2)
    assert ask(own, network, "one") == words("one")
    network.fall_silent()
    wait_until(lambda: not own.connections)
    assert ask(own, network, "two") == words("two")
    assert gateway.received == ["one", "two"]


def test_a_network_that_dies_in_mid_answer_ends_the_request_by_itself(
    own: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(connection, "_PONG_SECONDS", 0.2)
    with FaultyGateway(Place.EVENT, Fault.STALL) as gateway, Proxy(gateway.port) as network:
        running = own.stream("a/b", {"prompt": "one"}, base_url=network.url)
        assert str(next(running)) == words("one", Place.EVENT)
        network.fall_silent()
        with pytest.raises(errors.ConnectionLost) as caught:
            running.result()
        assert caught.value.result is not None
        assert caught.value.result.text == words("one", Place.EVENT)
        assert ask(own, network, "two") == words("two")
        assert gateway.received == ["one", "two"]


@pytest.mark.parametrize(("cuts", "is_answered"), [(2, True), (3, False)])
def test_a_tls_handshake_that_the_network_cuts_is_tried_again_twice(
    cuts: int, own: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_answered: bool
) -> None:
    certificate = make_certificate(tmp_path / "certificate.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with FaultyGateway(tls=server_context(certificate)) as gateway, Proxy(gateway.port) as network:
        network.refusing = cuts
        request = own.stream("a/b", {"prompt": "one"}, base_url=network.url.replace("ws:", "wss:"))
        result = request.outcome()
        assert network.accepted == 3
        assert gateway.received == (["one"] if is_answered else [])
        assert isinstance(result.error, errors.ConnectError) is not is_answered


FAR = "ws://fal.test"


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "HTTP_PROXY"])
def test_the_proxies_of_the_environment_are_used(
    variable: str, own: Session, gateway: FaultyGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tunnel(gateway.port) as tunnel:
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv(variable, tunnel.url.replace("ws:", "http:"))
        assert own.stream("a/b", {"prompt": "one"}, base_url=FAR).result().text == words("one")
        assert tunnel.requests[0].startswith(b"CONNECT fal.test:80 ")
        assert own.stream("a/b", {"prompt": "two"}, base_url=gateway.url).result().text == words("two")
        assert len(tunnel.requests) == 1
        monkeypatch.setenv("NO_PROXY", "other.test,near.test")
        with pytest.raises(errors.ConnectError):
            own.stream("a/b", base_url="ws://near.test", timeout=9).result()
        assert len(tunnel.requests) == 1


@pytest.mark.parametrize(
    ("answer", "said", "tries"),
    [
        (b"HTTP/1.1 407 Who are you\r\n\r\n", "the proxy answered with status 407 (give it a name and a password", 1),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy answered with status 403 (check network and proxy)", 1),
        (b"HTTP/1.1 302 Found\r\nLocation: http://login\r\n\r\n", "the proxy answered with status 302", 1),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "the proxy answered with status 502", 3),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the proxy broke off, or is none", 3),
        (b"", "the proxy broke off, or is none", 3),
    ],
)
def test_a_proxy_that_refuses_is_told_as_such(
    answer: bytes, said: str, tries: int, own: Session, gateway: FaultyGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tunnel(gateway.port, *[answer] * 3) as tunnel:
        monkeypatch.setenv("ALL_PROXY", tunnel.url.replace("ws:", "http:"))
        error = own.stream("a/b", {"prompt": "one"}, base_url=FAR).outcome().error
        assert isinstance(error, errors.ConnectError)
        assert said in str(error)
        assert "does not speak WebSocket" not in str(error)
        assert len(tunnel.requests) == tries


@pytest.mark.parametrize("address", ["http://name:secret@host:3128/path", "name:secret@host", "ftp://name:secret@host"])
def test_a_proxys_address_that_is_none_is_not_repeated(
    address: str, own: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", address)
    error = own.stream("a/b", base_url=FAR).outcome().error
    assert "the proxy cannot be used" in str(error)
    assert "secret" not in str(error)


def test_a_proxy_that_cuts_once_leaves_no_word_of_asyncios(
    own: Session, gateway: FaultyGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Tunnel(gateway.port, b"") as tunnel:
        monkeypatch.setenv("ALL_PROXY", tunnel.url.replace("ws:", "http:"))
        assert own.stream("a/b", {"prompt": "one"}, base_url=FAR).result().text == words("one")
        loop = own._io._loop
        assert loop is not None
        loop.call_soon_threadsafe(lambda: 1 / 0)  # whatever else fails there
        own.close()
    assert [each.getMessage() for each in caplog.records if each.levelno > logging.DEBUG] == []
