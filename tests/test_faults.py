"""Every fault at every place of an exchange, over real sockets: what it raises, what is kept, sent and left behind."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.server import ServerConnection

from fal_notebook import Session, errors
from fal_notebook.wire import connection
from fal_notebook.wire import handshake as opening
from fal_notebook.wire.pool import Limits

from .certificates import make_certificate, server_context
from .conftest import wait_until
from .faults import (
    AFTER,
    ANSWERED,
    CERTIFICATES,
    DOCUMENT,
    LASTING,
    MAX_BODY,
    OPENING,
    OUTCOMES,
    Fault,
    FaultyGateway,
    Place,
    table,
    words,
)
from .scripted import ScriptedServer, end, start

pytestmark = pytest.mark.beside

COMBINATIONS = [(place, fault) for fault, outcomes in OUTCOMES.items() for place in outcomes]
MET = [(place, fault) for place, fault in COMBINATIONS if place not in AFTER]
PASSED = [(place, fault) for place, fault in COMBINATIONS if place in AFTER]
LASTED = [(place, fault) for place, fault in COMBINATIONS if place in OPENING]
PATIENCE = 0.8
"""The time-out of requests that nothing else would end."""
TRIES = 3
PAUSES = 0.5
"""The least seconds that two pauses between tries take together."""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Check that the test leaves no more threads and sockets than there were before."""
    process = psutil.Process()
    name = "net_connections" if hasattr(process, "net_connections") else "connections"  # before psutil 6
    connections = getattr(process, name)
    threads, sockets = set(threading.enumerate()), len(connections())
    yield
    wait_until(lambda: set(threading.enumerate()) <= threads and len(connections()) <= sockets)


@pytest.fixture(autouse=True)
def _frequent_pings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time for a ping in tests whose fault is that no ping is answered."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if parameters.get("fault") in (Fault.DEAF, Fault.PINGLESS):
        monkeypatch.setattr(connection, "_PING_SECONDS", 0.1)
        monkeypatch.setattr(connection, "_PONG_SECONDS", 0.4)


@pytest.fixture
def own() -> Iterator[Session]:
    session = Session(Limits(connections=1, max_body=MAX_BODY))
    yield session
    session.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[Fault | None, Path]:
    """A valid certificate, and one for each fault of certificates."""
    folder = tmp_path_factory.mktemp("tls")
    return {
        None: make_certificate(folder / "right.pem"),
        Fault.UNTRUSTED: make_certificate(folder / "untrusted.pem"),
        Fault.OTHER_HOST: make_certificate(folder / "other.pem", "127.0.0.2"),
    }


@pytest.fixture
def gateway(
    request: pytest.FixtureRequest,
    certificates: dict[Fault | None, Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[FaultyGateway]:
    """A gateway that fails as the test's parameters say; it uses TLS if the fault needs it."""
    place, fault = request.node.callspec.params["place"], request.node.callspec.params["fault"]
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(b"".join(certificates[each].read_bytes() for each in (None, Fault.OTHER_HOST)))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    tls = server_context(certificates[None]) if fault in CERTIFICATES else None
    wrong = {each: server_context(certificates[each]) for each in CERTIFICATES}
    with FaultyGateway(place, fault, lasting="lasting" in request.node.name, tls=tls, certificates=wrong) as running:
        yield running


def ask(own: Session, gateway: FaultyGateway, prompt: str, timeout: float | None = None) -> str:
    return own.stream("a/b", {"prompt": prompt}, base_url=gateway.url, timeout=timeout).result().text


def address(gateway: FaultyGateway, fault: Fault) -> str:
    return gateway.url.replace("ws:", "wss:") if fault is Fault.PLAIN_PORT else gateway.url


def patience(outcome: str) -> float | None:
    return PATIENCE if outcome == "RequestTimeout" else None


def check_error(error: errors.FalNotebookError | None, outcome: str, kept: str) -> None:
    """Check that the error has the expected type, is one line long, and holds what had arrived."""
    assert type(error).__name__ == outcome
    assert "\n" not in str(error)
    if isinstance(error, errors.RequestError):
        assert error.result is not None
        assert error.result.text.strip("x") == kept  # an endless answer adds any number of "x"


@pytest.mark.parametrize(("place", "fault"), MET)
def test_a_fault_is_answered_or_one_typed_error_and_the_next_request_has_its_own_answer(
    place: Place, fault: Fault, own: Session, gateway: FaultyGateway
) -> None:
    outcome, began = OUTCOMES[fault][place], time.monotonic()
    request = own.stream("a/b", {"prompt": "one"}, base_url=address(gateway, fault), timeout=patience(outcome))
    result = request.outcome()
    assert time.monotonic() - began < PATIENCE + 10  # with time for a busy machine
    if outcome == ANSWERED:
        assert (result.text, result.error) == (words("one"), None)
    else:
        check_error(result.error, outcome, words("one", place))
    assert ask(own, gateway, "two") == words("two")
    was_sent = place not in OPENING or outcome == ANSWERED
    assert gateway.received == (["one", "two"] if was_sent else ["two"])
    assert gateway.accepted <= (TRIES + 1 if fault is Fault.PLAIN_PORT else 2)


@pytest.mark.parametrize(("place", "fault"), LASTED)
def test_a_lasting_fault_of_the_opening_is_tried_again_twice_if_it_may_pass_and_else_not_at_all(
    place: Place, fault: Fault, own: Session, gateway: FaultyGateway
) -> None:
    began = time.monotonic()
    request = own.stream("a/b", {"prompt": "one"}, base_url=address(gateway, fault), timeout=patience(LASTING[fault]))
    error = request.outcome().error
    check_error(error, LASTING[fault], "")
    may_pass = OUTCOMES[fault][place] == ANSWERED or fault is Fault.PLAIN_PORT  # a plain port looks like a cut
    assert gateway.accepted == (TRIES if may_pass else 1)
    assert (time.monotonic() - began > PAUSES) or not may_pass
    assert gateway.received == []
    gateway.mend()
    assert ask(own, gateway, "two") == words("two")
    assert gateway.received == ["two"]


@pytest.mark.parametrize(("place", "fault"), PASSED)
def test_a_fault_after_an_answer_costs_a_new_connection_and_nothing_else(
    place: Place, fault: Fault, own: Session, gateway: FaultyGateway
) -> None:
    assert ask(own, gateway, "one") == words("one")
    if place is Place.IDLE:
        gateway.fail_while_idle()
    wait_until(lambda: gateway.has_failed)
    if fault is Fault.DEAF:
        wait_until(lambda: not own.connections)
    time.sleep(0.01)
    assert ask(own, gateway, "two") == words("two")
    assert gateway.received == ["one", "two"]
    assert gateway.handshakes == 2


@pytest.mark.parametrize(("place", "fault"), MET)
def test_requests_that_wait_their_turn_meanwhile_are_answered_once(
    place: Place, fault: Fault, own: Session, gateway: FaultyGateway
) -> None:
    outcome = OUTCOMES[fault][place]
    first = own.stream("a/b", {"prompt": "one"}, base_url=address(gateway, fault), timeout=patience(outcome))
    others = {word: own.stream("a/b", {"prompt": word}, base_url=gateway.url) for word in ("two", "three")}
    error = first.outcome().error
    assert type(error).__name__ == ("NoneType" if outcome == ANSWERED else outcome)
    assert {word: stream.result().text for word, stream in others.items()} == {w: words(w) for w in others}
    was_sent = place not in OPENING or outcome == ANSWERED
    assert sorted(gateway.received) == sorted(["one", *others] if was_sent else others)


@pytest.mark.parametrize("fault", [fault for fault in OUTCOMES if Place.EVENT in OUTCOMES[fault]])
def test_a_fault_in_a_compressed_answer_ends_the_same(fault: Fault, own: Session) -> None:
    outcome = OUTCOMES[fault][Place.EVENT]
    with FaultyGateway(Place.EVENT, fault, compressed=True) as gateway:
        result = own.stream("a/b", {"prompt": "one"}, base_url=gateway.url, timeout=patience(outcome)).outcome()
        assert type(result.error).__name__ == ("NoneType" if outcome == ANSWERED else outcome)
        assert result.text == words("one", None if outcome == ANSWERED else Place.EVENT)
        assert ask(own, gateway, "two") == words("two")


@pytest.fixture
def _long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses between tries long."""
    monkeypatch.setattr(opening, "_PAUSES", (60.0, 60.0))


@pytest.mark.usefixtures("_long_pauses")
def test_a_pause_between_two_tries_ends_with_the_callers_time(own: Session) -> None:
    with FaultyGateway(Place.HANDSHAKE, Fault.CUT, lasting=True) as gateway:
        began = time.monotonic()
        with pytest.raises(errors.RequestTimeout, match="nothing was sent"):
            ask(own, gateway, "one", timeout=PATIENCE)
        assert time.monotonic() - began < 30
        assert (gateway.accepted, gateway.received) == (1, [])


@pytest.mark.usefixtures("_long_pauses")
@pytest.mark.parametrize("how", ["cancel", "close"])
def test_a_pause_between_two_tries_ends_when_the_request_is_stopped(how: str, own: Session) -> None:
    with FaultyGateway(Place.HANDSHAKE, Fault.S503, lasting=True) as gateway:
        request = own.stream("a/b", {"prompt": "one"}, base_url=gateway.url)
        wait_until(lambda: gateway.handshakes == 1)
        began = time.monotonic()
        assert request.is_connecting
        (request.cancel if how == "cancel" else own.close)()
        assert request.outcome().stopped
        assert time.monotonic() - began < 30
        assert gateway.handshakes == 1


@pytest.mark.usefixtures("_long_pauses")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_where_nobody_listens_on_this_machine_nothing_is_tried_again(host: str, own: Session) -> None:
    began = time.monotonic()
    with pytest.raises(errors.ConnectError, match="is the gateway running"):
        own.stream("a/b", base_url=f"ws://{host}:9").result()
    assert time.monotonic() - began < 30


def test_an_opening_that_takes_all_its_time_is_not_tried_again() -> None:
    own = Session(Limits(open_timeout=0.2))
    with FaultyGateway(Place.HANDSHAKE, Fault.STALL, lasting=True) as gateway:
        with pytest.raises(errors.ConnectError, match="did not answer in time"):
            ask(own, gateway, "one")
        assert gateway.accepted == 1
        own.close()


@pytest.mark.parametrize("frame", [bytes(MAX_BODY + 1), b""], ids=["too large", "broken"])
def test_a_connection_that_failed_is_closed_also_where_the_server_leaves_it_open(frame: bytes, own: Session) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.pause_reading()
        await connection.send(start())
        if frame:
            await connection.send(frame)
        else:
            connection.transport.write(b"\xf3\x7f garbage")
        await connection.wait_closed()

    with ScriptedServer(script) as server:
        began = time.monotonic()
        error = own.stream("a/b", base_url=server.url).outcome().error
        assert isinstance(error, errors.ResponseTooLarge if frame else errors.ConnectionLost)
        assert time.monotonic() - began < 5


def test_a_body_of_nothing_but_lookalikes_is_kept_as_it_came(own: Session) -> None:
    lookalikes = [start("r2"), end("r2", 500), end(0), end(1), end("R1"), end(["r1"]), '{"type": "end"}']

    async def script(connection: ServerConnection) -> None:
        async for _ in connection:
            for message in (start(content_type="text/plain"), *lookalikes, end()):
                await connection.send(message)

    with ScriptedServer(script) as server:
        assert own.stream("a/b", base_url=server.url).result().text == "".join(lookalikes)


def test_the_document_shows_these_outcomes() -> None:
    assert table() in DOCUMENT.read_text(encoding="utf-8")
