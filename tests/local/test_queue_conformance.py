"""fal's own client, unchanged, against the queue of this machine."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import fal_client
import httpx
import pytest

from fal_notebook.local.queue_settings import Working

from ..conftest import wait_until
from .queues import APP, Client, Echo, queue_of

KEY = "made-up-id:made-up-secret"


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def queue(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("FAL_KEY", KEY)
    with queue_of(echo, key=KEY, working=Working(concurrency=1, retry_seconds=0.01)) as (client, _):
        # Its host can be set by the environment, but always with https.
        monkeypatch.setattr("fal_client.client.QUEUE_URL_FORMAT", f"{client.url}/")
        yield client


@contextmanager
def client_of_fal(key: str) -> Iterator[fal_client.SyncClient]:
    client = fal_client.SyncClient(key=key)
    yield client
    http: httpx.Client = client._client
    http.close()  # it has no other way to be closed


@pytest.fixture
def theirs() -> Iterator[fal_client.SyncClient]:
    with client_of_fal(KEY) as client:
        yield client


def test_a_result_comes(queue: Client, theirs: fal_client.SyncClient) -> None:
    handle = theirs.submit(APP, {"x": "ünïcödé 🦦"}, path="/sub")
    assert handle.get() == {"x": "ünïcödé 🦦"}
    assert theirs.result(APP, handle.request_id) == {"x": "ünïcödé 🦦"}
    assert theirs.subscribe(APP, {"x": 2}) == {"x": 2}


def test_events_are_queued_in_progress_and_completed(queue: Client, theirs: fal_client.SyncClient, echo: Echo) -> None:
    first = theirs.submit(APP, {"x": 1, "wait": True, "log": "a step"})
    second = theirs.submit(APP, {"x": 2})
    assert second.status() == fal_client.Queued(position=0)
    assert theirs.status(APP, second.request_id) == fal_client.Queued(position=0)
    wait_until(lambda: isinstance(first.status(), fal_client.InProgress))
    events = first.iter_events(with_logs=True, interval=0.01)
    assert isinstance(next(events), fal_client.InProgress)
    echo.released = True
    *_, last = events
    assert isinstance(last, fal_client.Completed)
    assert last.logs is not None
    assert [line["message"] for line in last.logs] == ["a step"]
    assert last.metrics["inference_time"] > 0
    assert last.error is None
    assert [type(event) for event in second.iter_events(interval=0.01)][-1] is fal_client.Completed


def test_a_waiting_request_is_cancelled(queue: Client, theirs: fal_client.SyncClient, echo: Echo) -> None:
    theirs.submit(APP, {"x": 1, "wait": True})
    second = theirs.submit(APP, {"x": 2})
    second.cancel()
    status = second.status()
    assert isinstance(status, fal_client.Completed)
    assert status.error_type == "client_cancelled"
    with pytest.raises(fal_client.FalClientHTTPError, match="cancelled"):
        second.get()
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        theirs.cancel(APP, second.request_id)
    assert failed.value.status_code == 400
    assert echo.calls["2"] == 0
    echo.released = True


def test_an_error_is_the_applications(queue: Client, theirs: fal_client.SyncClient) -> None:
    with pytest.raises(fal_client.FalClientHTTPError, match="as you wished") as failed:
        theirs.subscribe(APP, {"x": 1, "status": 422, "headers": {"x-fal-error-type": "odd"}})
    assert (failed.value.status_code, failed.value.error_type) == (422, "odd")


def test_its_options_are_understood(queue: Client, theirs: fal_client.SyncClient, echo: Echo) -> None:
    first = theirs.submit(APP, {"x": 1, "wait": True})
    low = theirs.submit(APP, {"x": 2}, priority="low")
    late = theirs.submit(APP, {"x": 3}, start_timeout=1.01)
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        late.get(interval=0.02)
    assert failed.value.status_code == 504
    echo.released = True
    assert (first.get()["x"], low.get()["x"]) == (1, 2)


def test_what_it_does_not_know_is_not_found(queue: Client, theirs: fal_client.SyncClient) -> None:
    with pytest.raises(fal_client.FalClientHTTPError) as failed:
        theirs.status(APP, "00000000-0000-0000-0000-000000000000")
    assert failed.value.status_code == 404


def test_without_the_key_it_is_refused(queue: Client) -> None:
    with client_of_fal("another") as client, pytest.raises(fal_client.FalClientHTTPError) as failed:
        client.submit(APP, {"x": 1})
    assert failed.value.status_code == 401


def test_all_of_it_works_from_asyncio(queue: Client, echo: Echo) -> None:
    async def use() -> None:
        client = fal_client.AsyncClient(key=KEY)
        first = await client.submit(APP, {"x": 1, "wait": True})
        second = await client.submit(APP, {"x": 2})
        third = await client.submit(APP, {"x": 3})
        assert await third.status() == fal_client.Queued(position=1)
        await second.cancel()
        assert await third.status() == fal_client.Queued(position=0)
        echo.released = True
        events = [event async for event in first.iter_events(with_logs=True, interval=0.01)]
        assert isinstance(events[-1], fal_client.Completed)
        assert (await third.get())["x"] == 3
        assert await client.result(APP, third.request_id) == {"x": 3}
        assert await client.subscribe(APP, {"x": 4}) == {"x": 4}
        with pytest.raises(fal_client.FalClientHTTPError):
            await second.get()
        http: httpx.AsyncClient = await client._client
        await http.aclose()

    asyncio.run(use())
    assert echo.calls["2"] == 0
