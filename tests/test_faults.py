"""Every fault at every place of an exchange, over real sockets: what is raised, kept, sent and left behind."""

import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from fal_notebook import Session, errors
from fal_notebook.pool import Limits

from .conftest import wait_until
from .faults import DURING, MAX_BODY, OUTCOMES, README, Fault, FaultyGateway, Place, table, words

COMBINATIONS = [(place, fault) for fault, outcomes in OUTCOMES.items() for place in outcomes]
FAILING = [(place, fault) for place, fault in COMBINATIONS if OUTCOMES[fault][place] != "answered"]
RENEWED = [(place, fault) for place, fault in COMBINATIONS if OUTCOMES[fault][place] == "answered"]
SECONDS = 0.3
"""The time-out of a request that meets silence."""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """No thread and no socket more than before."""
    process = psutil.Process()
    threads, sockets = set(threading.enumerate()), len(process.net_connections())
    yield
    wait_until(lambda: set(threading.enumerate()) <= threads and len(process.net_connections()) <= sockets)


@pytest.fixture
def own() -> Iterator[Session]:
    session = Session(Limits(connections=1, max_body=MAX_BODY))
    yield session
    session.close()


def ask(own: Session, gateway: FaultyGateway, prompt: str, timeout: float | None = None) -> str:
    return own.stream("a/b", {"prompt": prompt}, base_url=gateway.url, timeout=timeout).result().text


@pytest.mark.parametrize(("place", "fault"), FAILING)
def test_a_fault_is_one_typed_error_and_the_next_request_has_its_own_answer(
    place: Place, fault: Fault, own: Session
) -> None:
    with FaultyGateway(place, fault) as gateway:
        url = gateway.url.replace("ws:", "wss:") if fault is Fault.PLAIN_PORT else gateway.url
        began = time.monotonic()
        with pytest.raises(errors.FalNotebookError) as caught:
            own.stream(
                "a/b", {"prompt": "one"}, base_url=url, timeout=SECONDS if fault is Fault.STALL else None
            ).result()
        assert time.monotonic() - began < SECONDS + 10  # a busy machine takes its time
        error = caught.value
        assert type(error).__name__ == OUTCOMES[fault][place]
        assert "\n" not in str(error)
        if isinstance(error, errors.RequestError):
            assert error.result is not None
            assert error.result.text == words("one", place)
        assert ask(own, gateway, "two") == words("two")
        assert gateway.received == (["one", "two"] if place in DURING else ["two"])
        assert gateway.handshakes <= 2


@pytest.mark.parametrize(("place", "fault"), RENEWED)
def test_a_fault_after_an_answer_costs_a_new_connection_and_nothing_else(
    place: Place, fault: Fault, own: Session
) -> None:
    with FaultyGateway(place, fault) as gateway:
        assert ask(own, gateway, "one") == words("one")
        if place is Place.IDLE:
            gateway.fail_while_idle()
        wait_until(lambda: gateway.has_failed)
        time.sleep(0.01)
        assert ask(own, gateway, "two") == words("two")
        assert gateway.received == ["one", "two"]
        assert gateway.handshakes == 2


@pytest.mark.parametrize("fault", [fault for fault in OUTCOMES if Place.EVENT in OUTCOMES[fault]])
def test_requests_that_wait_their_turn_meanwhile_are_answered_once(fault: Fault, own: Session) -> None:
    with FaultyGateway(Place.EVENT, fault) as gateway:
        first = own.stream("a/b", {"prompt": "one"}, base_url=gateway.url, timeout=SECONDS)
        others = {word: own.stream("a/b", {"prompt": word}, base_url=gateway.url) for word in ("two", "three")}
        assert type(first.outcome().error).__name__ == OUTCOMES[fault][Place.EVENT]
        assert {word: stream.result().text for word, stream in others.items()} == {w: words(w) for w in others}
        assert sorted(gateway.received) == ["one", "three", "two"]


def test_the_readme_shows_these_outcomes() -> None:
    assert table() in README.read_text(encoding="utf-8")
