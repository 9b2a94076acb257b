import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from fal_notebook.local.queue import LocalQueue
from fal_notebook.local.queue_faults import FaultyQueue, Operation, QueueFault
from fal_notebook.local.server import LocalServer

from ..conftest import wait_until
from .queues import APP, Client, Echo


@contextmanager
def faulty() -> Iterator[tuple[Client, LocalQueue, FaultyQueue]]:
    queue = LocalQueue(Echo())
    faults = FaultyQueue(queue)
    with LocalServer(faults) as server:
        client = Client(server.http_url)
        yield client, queue, faults
        client.close()
    queue.close()


def test_without_a_fault_all_is_well() -> None:
    with faulty() as (client, _, faults):
        assert client.result(client.submit({"x": 1})).json() == {"x": 1}
        assert not faults.struck


@pytest.mark.parametrize(
    ("fault", "submitted"), [(QueueFault.CUT, 0), (QueueFault.REFUSED, 0), (QueueFault.LOST, 1), (QueueFault.HALF, 1)]
)
def test_a_submit_fails_before_or_after_it_was_accepted(
    fault: QueueFault, submitted: int, caplog: pytest.LogCaptureFixture
) -> None:
    with faulty() as (client, queue, faults):
        faults.arm(Operation.SUBMIT, fault, status=429)
        if fault is QueueFault.REFUSED:
            assert client.ask("POST", f"/{APP}", json={"x": 1}).status_code == 429
        else:
            with pytest.raises(httpx.TransportError):
                client.ask("POST", f"/{APP}", json={"x": 1})
        assert queue.bill().submitted == submitted
        wait_until(lambda: queue.bill().charged == submitted)
        assert faults.struck == {(Operation.SUBMIT, fault): 1}
        assert client.result(client.submit({"x": 2})).json() == {"x": 2}
    assert not caplog.records


def test_each_operation_can_fail_by_itself() -> None:
    with faulty() as (client, _, faults):
        told = client.submit({"x": 1})
        client.wait(told)
        listing = f"/v1/models/requests/by-endpoint?endpoint_id={APP}"
        asked = {
            Operation.STATUS: ("GET", told["status_url"]),
            Operation.RESULT: ("GET", told["response_url"]),
            Operation.CANCEL: ("PUT", told["cancel_url"]),
            Operation.LIST: ("GET", listing),
        }
        for operation in asked:
            faults.arm(operation, QueueFault.REFUSED, status=503)
            refused = {each for each, (method, url) in asked.items() if client.ask(method, url).status_code == 503}
            assert refused == {operation}


def test_an_answer_comes_late() -> None:
    with faulty() as (client, queue, faults):
        faults.arm(Operation.SUBMIT, QueueFault.LATE, seconds=0.3)
        began = time.monotonic()
        client.submit({"x": 1})
        assert time.monotonic() - began >= 0.3
        assert queue.bill().submitted == 1


def test_chance_is_repeatable() -> None:
    def refused() -> list[bool]:
        with faulty() as (client, _, faults):
            faults.at_random(Operation.SUBMIT, QueueFault.REFUSED, 0.5)
            answers = [client.ask("POST", f"/{APP}", json={"x": 1}).status_code == 503 for _ in range(20)]
            faults.mend()
            client.submit({"x": 2})
            return answers

    first = refused()
    assert first == refused()
    assert 0 < sum(first) < 20
