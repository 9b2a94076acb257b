"""The state of the connection, after every outcome of an attempt to connect and of a request."""

from concurrent.futures import Future

import pytest

from fal_notebook.client.metrics import Metrics
from fal_notebook.client.result import Result
from fal_notebook.errors import ConnectError, ConnectionLost, FalNotebookError, ModelError
from fal_notebook.prompt.connection_state import STATES, Attempt, ConnectionState


def attempt(error: Exception | None = None) -> Attempt:
    """An attempt to connect that has ended."""
    future: Attempt = Future()
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
    return future


def test_the_first_connection_is_connecting_and_a_later_one_is_reconnecting() -> None:
    state = ConnectionState(lambda: ())
    assert state.before_request("a/b") == "connecting"
    state.opened("a/b")
    assert state.before_request("a/b") == "reconnecting"
    assert state.before_request("c/d") == "connecting"


def test_an_open_connection_is_not_opened_again() -> None:
    state = ConnectionState(lambda: {"a/b"})
    assert state.before_request("a/b", "streaming") == "streaming"
    assert state.before_request("a/b") == "connecting"  # the request has not been sent
    assert state.before_request("c/d", "streaming") == "connecting"


def test_without_an_attempt_it_is_ready() -> None:
    assert list(ConnectionState(lambda: ()).of_attempt(None, "a/b")) == [("ready", "")]


def test_an_attempt_that_succeeds_makes_it_ready_and_the_next_one_reconnects() -> None:
    state = ConnectionState(lambda: ())
    assert list(state.of_attempt(attempt(), "a/b")) == [("ready", "")]
    assert state.opening("a/b") == "reconnecting"


def test_an_attempt_that_fails_makes_it_offline_with_the_reason() -> None:
    state = ConnectionState(lambda: ())
    assert list(state.of_attempt(attempt(ConnectError("no way")), "a/b")) == [("offline", "no way")]
    assert state.opening("a/b") == "connecting"


def test_an_attempt_that_is_cancelled_with_its_session_makes_it_offline() -> None:
    cancelled: Attempt = Future()
    cancelled.cancel()
    assert list(ConnectionState(lambda: ()).of_attempt(cancelled, "a/b")) == [("offline", "the session was closed")]


def test_an_attempt_that_is_still_running_is_reported_once() -> None:
    assert list(ConnectionState(lambda: ()).of_attempt(Future(), "a/b")) == [("connecting", "")]


def test_an_attempt_that_ends_while_it_is_reported_is_reported_again() -> None:
    pending: Attempt = Future()
    told = ConnectionState(lambda: ()).of_attempt(pending, "a/b")
    assert next(told) == ("connecting", "")
    pending.set_exception(ConnectError("no way"))
    assert list(told) == [("offline", "no way")]


@pytest.mark.parametrize(
    ("error", "connect", "connected", "is_lost"),
    [
        (None, 0.1, (), False),
        (ConnectError("x"), None, (), True),
        (ConnectionLost("x"), 0.1, ("a/b",), True),
        (ModelError("x"), 0.1, (), False),
        (FalNotebookError("the handshake was refused"), None, (), True),
        (FalNotebookError("it was too slow"), None, ("a/b",), False),
    ],
)
def test_a_request_that_failed_without_a_connection_makes_it_lost(
    error: FalNotebookError | None, connect: float | None, connected: tuple[str, ...], *, is_lost: bool
) -> None:
    result = Result("a/b", error=error, metrics=Metrics(connect=connect))
    assert ConnectionState(lambda: connected).is_lost(result) is is_lost


def test_every_state_is_one_of_the_states_of_the_widget() -> None:
    state = ConnectionState(lambda: ())
    found = {state.opening("a/b")}
    for each in (None, Future[None](), attempt(), attempt(ConnectError("x"))):
        found |= {name for name, _ in state.of_attempt(each, "a/b")}
    assert found | {state.opening("a/b")} < set(STATES)
