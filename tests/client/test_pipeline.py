"""Pipelines: many requests are sent over one connection before their answers come, to real servers."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.server import ServerConnection

from fal_notebook import Session, errors, pipeline, session
from fal_notebook.wire.pool import Limits

from ..conftest import wait_until
from ..faults import Fault, FaultyGateway, Place, words
from ..scripted import ScriptedServer, end, start


@pytest.fixture
def own() -> Iterator[Session]:
    session = Session(Limits(connections=1))
    yield session
    session.close()


def prompts(count: int) -> list[dict[str, str]]:
    return [{"prompt": str(number)} for number in range(count)]


async def _answers(connection: ServerConnection) -> None:
    async for message in connection:
        for each in (start(), message, end()):
            await connection.send(each)


def test_each_request_has_its_own_answer_in_order_over_one_connection() -> None:
    with ScriptedServer(_answers) as server:
        streams = pipeline("a/b", prompts(200), base_url=server.url)
        assert [each.result().data for each in streams] == prompts(200)
        assert server.connections == 1
        assert [each.state for each in session().connections] == ["ready"]


def test_requests_go_out_before_the_first_is_answered_but_not_all_at_once() -> None:
    seen: list[str] = []

    async def waits_for_many(connection: ServerConnection) -> None:
        payloads = [str(await connection.recv()) for _ in range(64)]
        seen.extend(payloads)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connection.recv()
        for payload in payloads:
            for each in (start(), payload, end()):
                await connection.send(each)
        await _answers(connection)

    with ScriptedServer(waits_for_many) as server:
        streams = pipeline("a/b", prompts(100), base_url=server.url)
        assert [each.result().data for each in streams] == prompts(100)
    assert [json.loads(payload) for payload in seen] == prompts(64)


def test_a_refused_request_leaves_those_behind_it_their_answers(gateway: str) -> None:
    requests = [{"status": status, "body": {"detail": "no"}} for status in (422, 500, 422)]
    streams = pipeline("test/failing", requests, base_url=gateway)
    assert [each.outcome().status for each in streams] == [422, 500, 422]
    assert len(session().connections) == 1


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.CLOSE, Fault.ERROR, Fault.GARBAGE])
def test_what_was_sent_is_lost_with_the_connection_and_the_rest_is_sent_once(fault: Fault, own: Session) -> None:
    with FaultyGateway(Place.EVENT, fault) as gateway:
        streams = own.pipeline("a/b", prompts(150), base_url=gateway.url)
        results = [each.outcome() for each in streams]
        assert words("0", Place.EVENT).startswith(results[0].text)  # a TCP reset discards what has not been read
        assert isinstance(results[0].error, errors.RequestError)
        lost = [result for result in results[1:] if result.error]
        assert {type(result.error) for result in lost} <= {errors.ConnectionLost}
        assert 0 < len(lost) < 64
        answered = {result.text for result in results if not result.error}
        assert answered == {words(str(number)) for number in range(len(lost) + 1, 150)}
        assert len(gateway.received) == len(set(gateway.received))


def test_stopping_one_stops_all_that_have_not_been_answered(gateway: str) -> None:
    requests = [{"prompt": "x"}] * 3
    streams = pipeline("test/endless/stream", requests, base_url=gateway)
    assert str(next(streams[0])) == "first words"
    streams[2].cancel()
    assert [each.result().stopped for each in streams] == [True] * 3
    assert [each.result().text for each in streams] == ["first words", "", ""]
    assert session().connections == []


def test_a_pipeline_that_is_stopped_before_it_began_ends(gateway: str, own: Session) -> None:
    for _ in range(50):
        streams = own.pipeline("test/echo/stream", prompts(3), base_url=gateway)
        streams[0].cancel()
        assert all(each.outcome().stopped or each.result().text for each in streams)


def test_if_no_connection_can_be_opened_every_request_gets_an_error_of_its_own() -> None:
    streams = pipeline("a/b", prompts(30), base_url="ws://127.0.0.1:9")
    failures = [each.outcome().error for each in streams]
    assert {type(failure) for failure in failures} == {errors.ConnectError}
    assert len(set(map(id, failures))) == 30


def test_the_timeout_is_for_all_requests_together(gateway: str) -> None:
    streams = pipeline("test/endless/stream", [{"prompt": "x"}] * 3, base_url=gateway, timeout=0.3)
    assert {type(each.outcome().error) for each in streams} == {errors.RequestTimeout}
    assert streams[0].outcome().text == "first words"


def test_if_one_argument_cannot_be_sent_no_request_is_sent(gateway: str) -> None:
    with pytest.raises(errors.InvalidRequest):
        pipeline("test/echo/stream", [{"prompt": "x"}, {"prompt": object()}], base_url=gateway)
    assert session().connections == []


def test_a_pipeline_of_no_requests_has_no_streams(gateway: str) -> None:
    assert pipeline("test/echo/stream", [], base_url=gateway) == []
    wait_until(lambda: not session()._io.requests)
    assert session().connections == []
