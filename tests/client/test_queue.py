import asyncio
import os
import signal
import threading
from collections.abc import Iterator

import pytest

import fal_notebook as fal
from fal_notebook import errors
from fal_notebook.client.queue import QueuedRequests
from fal_notebook.local.queue_faults import Operation, QueueFault
from fal_notebook.local.queue_settings import QueueLimits
from fal_notebook.response.updates import Log, Progress

from ..conftest import KEY, wait_until
from ..local.queues import APP
from ..queue_place import QueuePlace, queue_place


@pytest.fixture(scope="module")
def shared() -> Iterator[QueuePlace]:
    with queue_place() as running:
        yield running


@pytest.fixture
def place(shared: QueuePlace, monkeypatch: pytest.MonkeyPatch) -> QueuePlace:
    monkeypatch.setenv("FAL_NOTEBOOK_URL", shared.url)
    monkeypatch.setenv("FAL_KEY", KEY)
    shared.renew()
    return shared


def test_a_request_is_submitted_once_and_its_result_comes(place: QueuePlace) -> None:
    before = place.submitted
    request = fal.submit(APP, prompt="ünïcödé 🦦", x="once")
    result = request.result()
    assert result.data == {"prompt": "ünïcödé 🦦", "x": "once"}
    assert (result.request_id, result.status, result.error) == (request.request_id, 200, None)
    assert request.result() is result
    assert place.submitted == before + 1
    assert place.echo.calls["once"] == 1


def test_it_says_how_far_it_is_and_what_was_logged(place: QueuePlace) -> None:
    place.echo.released = False
    first = fal.submit(APP, x="far", wait=True, log=" 35%|███▌      | 7/20")
    second = fal.submit(APP, x="behind")
    wait_until(lambda: first.status().state == "IN_PROGRESS")
    assert second.status().words in ("in the queue, next", "in the queue, 1 ahead")
    assert "in the queue" in repr(second)
    place.echo.released = True
    updates = list(first.stream())
    assert [each.message for each in updates if isinstance(each, Log)] == ["35%|███▌ | 7/20"]
    assert [each.fraction for each in updates if isinstance(each, Progress)] == [0.35]
    first.result()
    assert first.status().is_completed
    assert [str(each) for each in first.logs] == ["35%|███▌ | 7/20"]
    assert second.result().data == {"x": "behind"}


def test_it_can_be_awaited_and_attached_by_its_id(place: QueuePlace) -> None:
    request = fal.submit(APP, x="attached")

    async def awaited() -> fal.Result:
        return await fal.attach_request(APP, request.request_id)

    assert asyncio.run(awaited()).data == {"x": "attached"}
    assert fal.session().companion(QueuedRequests).find(request.request_id[:8]).request_id == request.request_id
    with pytest.raises(errors.InvalidRequest, match="no request"):
        fal.session().companion(QueuedRequests).find("nothing")


def test_leaving_it_leaves_it_in_the_queue(place: QueuePlace) -> None:
    place.echo.released = False
    request = fal.submit(APP, x="left", wait=True)
    stream = request.stream()
    wait_until(lambda: stream.status is not None)
    stream.cancel()
    result = stream.outcome()
    assert result.stopped
    assert result.request_id == request.request_id
    with pytest.raises(errors.RequestTimeout, match="still in the queue"):
        request.result(timeout=0.3)
    place.echo.released = True
    assert request.result().data["x"] == "left"
    assert place.echo.calls["left"] == 1


def test_it_can_be_cancelled(place: QueuePlace) -> None:
    place.echo.released = False
    busy, waiting = fal.submit(APP, x="busy", wait=True), fal.submit(APP, x="cancelled")
    assert waiting.cancel()
    place.echo.released = True
    busy.result()
    with pytest.raises(errors.StatusError) as caught:
        waiting.result()
    assert caught.value.status == 499
    assert place.echo.calls["cancelled"] == 0
    assert not waiting.cancel()


def test_an_error_of_the_model_is_the_results_error(place: QueuePlace) -> None:
    with pytest.raises(errors.ValidationFailed) as caught:
        fal.submit(APP, x="bad", status=422).result()
    assert caught.value.detail == "as you wished"
    assert caught.value.result.status == 422
    with pytest.raises(errors.ServerError):
        fal.submit(APP, x="broken", status=500).result()


@pytest.mark.parametrize("fault", [QueueFault.LOST, QueueFault.HALF, QueueFault.CUT])
def test_a_submission_whose_answer_is_lost_is_not_sent_again(place: QueuePlace, fault: QueueFault) -> None:
    place.faults.arm(Operation.SUBMIT, fault)
    before = place.submitted
    with pytest.raises(errors.ConnectionLost, match="not sent again"):
        fal.submit(APP, x=f"lost {fault}")
    assert place.submitted == before + (fault is not QueueFault.CUT)


def test_a_failing_server_may_have_taken_it(place: QueuePlace) -> None:
    place.faults.arm(Operation.SUBMIT, QueueFault.REFUSED, status=503)
    with pytest.raises(errors.ServerError, match="may have been taken"):
        fal.submit(APP, x="503")
    assert place.echo.calls["503"] == 0


def test_what_the_queue_refuses_as_too_many_is_sent_again(place: QueuePlace) -> None:
    place.faults.arm(Operation.SUBMIT, QueueFault.REFUSED, status=429)
    before = place.submitted
    assert fal.submit(APP, x="429").result().data == {"x": "429"}
    assert place.submitted == before + 1


@pytest.mark.parametrize("operation", [Operation.STATUS, Operation.RESULT])
def test_questions_are_asked_again_after_every_fault(place: QueuePlace, operation: Operation) -> None:
    for fault in (QueueFault.CUT, QueueFault.HALF, QueueFault.REFUSED):
        place.faults.arm(operation, fault)
    assert fal.submit(APP, x=operation.value).result().data == {"x": operation.value}
    assert place.echo.calls[operation.value] == 1


def test_an_unknown_id_is_an_error_at_once(place: QueuePlace) -> None:
    with pytest.raises(errors.NotFound):
        fal.attach_request(APP, "not-there").result()
    with pytest.raises(errors.InvalidRequest, match="no id"):
        fal.attach_request(APP, "../../other")


def test_an_expired_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    expired = pytest.raises(errors.NotFound, match="expired")
    with queue_place(limits=QueueLimits(keep_seconds=-1.0)) as place, expired:
        fal.submit(APP, x=1, base_url=place.url).result()


def test_without_a_queue_the_error_says_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.ConnectError, match="no connection to the queue"):
        fal.submit(APP, x=1, base_url="http://127.0.0.1:9")


def test_a_server_that_has_no_queue_is_named_as_such(gateway: str) -> None:
    with pytest.raises(errors.NoQueue, match=r"no queue at 127.0.0.1.*leave out --queue") as caught:
        fal.submit(APP, x=1)
    assert caught.value.headline == "this server seems to have no queue"


def test_an_interrupt_leaves_it_in_the_queue(place: QueuePlace) -> None:
    place.echo.released = False
    request = fal.submit(APP, x="interrupted", wait=True)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        request.result()
    place.echo.released = True
    assert request.result().data["x"] == "interrupted"


def test_the_key_is_in_nothing_that_is_shown(place: QueuePlace) -> None:
    request = fal.submit(APP, x=f"says {KEY}", log=f"the key is {KEY}")
    result = request.result()
    secret = KEY.partition(":")[2]
    said = repr([request, request.logs, request.status(), request._repr_mimebundle_(), result.data, vars(result)])
    assert secret not in said
    assert "[key]" in said
    with pytest.raises(errors.StatusError) as caught:
        fal.submit(APP, x=KEY, status=418).result()
    assert secret not in repr(vars(caught.value)) + str(caught.value)
