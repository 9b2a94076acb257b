"""A stream from Python: iterated, awaited and stopped, with and without a running event loop."""

import asyncio
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from httpx import Headers

from fal_notebook import Json, Reasoning, Result, Text, arun, errors, run, stream
from fal_notebook.client.receiver import Receiver
from fal_notebook.client.streaming import Stream
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.response.event_stream_body import JSONBody
from fal_notebook.wire.connection import Connection
from fal_notebook.wire.protocol import Data, Start
from fal_notebook.wire.target import Target

from .. import endpoints
from ..conftest import KEY


def test_iterating_prints_the_answer(gateway: str) -> None:
    assert "".join(map(str, stream("test/echo/stream", prompt="one two three"))) == "one two three "


def test_updates_can_be_matched_by_kind(gateway: str) -> None:
    kinds = {type(update) for update in stream("test/echo/stream", prompt="one two")}
    assert kinds == {Text, Json}


@pytest.mark.parametrize("tagged", [False, True])
def test_reasoning_comes_apart_from_the_words_and_its_time_is_known(gateway: str, *, tagged: bool) -> None:
    thinking = stream("test/thinking/stream", prompt="Four.", thought="two and two", seconds=0.6, tagged=tagged)
    states = []
    words = ""
    for update in thinking:
        states.append((type(update), thinking.is_thinking))
        words += str(update)
    assert words == thinking.text == "Four. "
    assert states == [*[(Reasoning, True)] * 3, (Text, False)]
    result = thinking.result()
    assert thinking.reasoning.strip() == result.reasoning.strip() == "two and two"
    assert 0.5 < (result.metrics.thinking or 0) < 5
    assert thinking.thinking == result.metrics.thinking
    assert result.outputs()[0]["text/plain"].startswith("[thought for 1 s] two and two")


def test_the_time_of_reasoning_does_not_depend_on_when_it_is_read(gateway: str) -> None:
    thinking = stream("test/thinking/stream", prompt="Four.", thought="two and two", seconds=0.6)
    while thinking._receiver.request_end is None:
        time.sleep(0.01)
    assert thinking.thinking is None
    assert 0.5 < (thinking.result().metrics.thinking or 0) < 5
    assert not thinking.is_thinking


def test_the_result_is_there_after_iterating_and_without(gateway: str) -> None:
    iterated = stream("test/echo/stream", prompt="one two")
    for _ in iterated:
        pass
    assert iterated.result().text == stream("test/echo/stream", prompt="one two").result().text == "one two "


def test_a_with_block_that_is_left_early_stops_the_request(gateway: str) -> None:
    with stream("test/endless/stream", prompt="x") as updates:
        assert str(next(updates)) == "first words"
    assert updates.result().stopped


def test_a_result_tells_what_came_and_how_long_it_took(gateway: str) -> None:
    result = run("test/echo/stream", prompt="one two")
    assert result.status == 200
    assert result.headers["CONTENT-TYPE"].startswith("text/event-stream")
    assert result.request_id
    assert [event.event for event in result.events] == ["event"] * 3
    assert result.data == {"output": "one two ", "partial": False, "error": None}
    assert result.metrics.bytes == sum(len(f"event: event\r\ndata: {e.data}\r\n\r\n") for e in result.events)
    assert result.metrics.events == 3
    assert result.metrics.connect is not None
    assert result.metrics.time_to_first_byte is not None
    assert result.metrics.server_time_to_first_byte is not None
    total = result.metrics.connect + result.metrics.time_to_first_byte
    assert 0 < total <= result.metrics.duration


def test_arguments_come_from_the_mapping_and_by_name(gateway: str) -> None:
    assert run("test/echo/stream", {"prompt": "x", "timeout": 1}, prompt="y").text == "y "


def test_awaiting_works_on_any_loop(gateway: str) -> None:
    async def both() -> tuple[Result, Result]:
        return await asyncio.gather(
            arun("test/echo/stream", prompt="one"), _awaited(stream("test/echo/stream", prompt="two"))
        )

    assert [result.text for result in asyncio.run(both())] == ["one ", "two "]


async def _awaited(response: "asyncio.Future[Result] | object") -> Result:
    result: Result = await response  # type: ignore[misc]  # the test is whether a Stream can be awaited
    return result


def test_iterating_asynchronously_leaves_the_loop_free(gateway: str) -> None:
    async def words() -> tuple[str, int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.005)

        ticking = asyncio.create_task(tick())
        text = "".join([str(each) async for each in stream("test/paced/stream", prompt="x", count=50, rate=200)])
        ticking.cancel()
        return text, ticks

    text, ticks = asyncio.run(words())
    assert text.split() == [f"{number:04d}" for number in range(50)]
    assert ticks > 10


def test_cancelling_a_task_stops_its_request(gateway: str) -> None:
    async def cancelled() -> bool:
        response = stream("test/endless/stream", prompt="x")
        task = asyncio.ensure_future(_awaited(response))
        while not response.text:
            await asyncio.sleep(0)
            if task.done():
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return (await response).stopped

    assert asyncio.run(asyncio.wait_for(cancelled(), 10))


BLOCKS_IN_A_LOOP = """
import asyncio, fal_notebook

async def main():
    ticks = []
    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.01)
    ticking = asyncio.create_task(tick())
    text = fal_notebook.run("test/paced/stream", prompt="x", count=50, rate=100).text
    ticking.cancel()
    print(len(ticks), text)

asyncio.run(main())
"""


def test_a_blocking_call_inside_a_running_loop_lets_its_tasks_go_on(gateway: str) -> None:
    # In a process of its own: from then on, asyncio is another one for the whole process.
    command = [sys.executable, "-c", BLOCKS_IN_A_LOOP]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    ticks, text = done.stdout.split(" ", 1)
    assert text.startswith("0000 ")
    assert int(ticks) > 10


def test_requests_from_many_threads_each_get_their_own_answer(gateway: str) -> None:
    answers: dict[str, str] = {}

    def ask(word: str) -> None:
        answers[word] = run("test/echo/stream", prompt=word).text

    threads = [threading.Thread(target=ask, args=(f"word{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {f"word{number}": f"word{number} " for number in range(12)}


def test_a_timeout_keeps_what_had_come_and_the_next_request_works(gateway: str) -> None:
    with pytest.raises(errors.RequestTimeout, match=r"within 0\.2 s") as caught:
        run("test/endless/stream", prompt="x", timeout=0.2)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.result is not None
    assert caught.value.result.text == "first words"
    assert run("test/echo/stream", prompt="next").text == "next "


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5"])
def test_an_invalid_timeout_is_refused_before_anything_is_sent(timeout: Any, gateway: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="above 0"):
        run("test/echo/stream", prompt="never", timeout=timeout)
    assert endpoints.requests["never"] == 0


def test_validation_errors_name_field_and_message(gateway: str) -> None:
    body = {"detail": [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]}
    with pytest.raises(errors.ValidationFailed, match="prompt: Field required") as caught:
        run("test/failing", status=422, body=body)
    assert caught.value.detail == body["detail"]
    assert caught.value.status == 422


def test_an_error_inside_an_event_is_raised_with_the_part_that_had_come(gateway: str) -> None:
    with pytest.raises(errors.ModelError, match="out of tokens") as caught:
        run("test/late/stream", prompt="x")
    assert caught.value.result is not None
    assert caught.value.result.text == "half an"


def test_a_wrong_key_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer(HTTPOverWebSocket(endpoints.create_app(), key=KEY)) as server:
        monkeypatch.setenv("FAL_NOTEBOOK_URL", server.url)
        monkeypatch.setenv("FAL_KEY", "another:key")
        with pytest.raises(errors.AuthenticationError, match="check FAL_KEY") as caught:
            run("test/echo/stream", prompt="x")
        assert "another" not in str(caught.value)
        monkeypatch.setenv("FAL_KEY", KEY)
        assert run("test/echo/stream", prompt="x").text == "x "


def test_a_large_body_arrives_whole(gateway: str) -> None:
    (media,) = run("test/large", prompt="x", size=20_000_000).media
    assert media.data == bytes(20_000_000)
    assert media.content_type == "application/octet-stream"


def test_after_a_stop_the_rest_of_the_body_is_not_received(gateway: str) -> None:
    response = stream("test/large", prompt="x", size=10**9)
    response.wait()
    response.cancel()
    assert response.result().stopped
    assert response.bytes < 10**9


def test_an_interrupt_while_the_end_is_read_leaves_a_result(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: JSONBody) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(JSONBody, "finish", interrupted)
    request = stream("test/picture", prompt="x")
    with pytest.raises(KeyboardInterrupt):
        request.result()
    assert request.is_done
    assert request.outcome().stopped


def test_an_interrupt_while_json_is_decoded_leaves_the_body_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fal_notebook.response.event_stream_body.decode_json", interrupted)
    receiver = Receiver()
    request = Stream(Target("a/b", "ws://127.0.0.1/a/b"), receiver, lambda: None, nested=False)
    receiver.receive([Start("1", 200, Headers({"content-type": "application/json"})), Data(b'{"paid": 1}')])
    receiver.end()
    with pytest.raises(KeyboardInterrupt):
        request.result()
    assert request.outcome().stopped
    assert request.outcome().text == '{"paid": 1}'


def test_a_refusal_that_repeats_the_key_is_kept_without_it(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    request = stream("test/failing", status=401, body={"detail": f"bad {KEY}"})
    result = request.outcome()
    assert "bad [key]" in str(result.data)
    assert KEY not in str(result.data) + str(result.outputs("json")) + str(result.error)


def test_an_unexpected_error_is_raised_as_a_request_error(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> Connection:
        raise ZeroDivisionError

    monkeypatch.setattr("fal_notebook.wire.pool.open_connection", broken)
    with pytest.raises(errors.RequestError, match="ZeroDivisionError"):
        run("test/echo/stream", prompt="x")


def test_a_proxy_that_wants_a_missing_package_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    monkeypatch.setenv("wss_proxy", "socks5://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "python_socks", None)
    monkeypatch.setitem(sys.modules, "python_socks.async_", None)
    monkeypatch.setitem(sys.modules, "python_socks.async_.asyncio", None)
    with pytest.raises(errors.ConnectError, match="python-socks"):
        run("a/b", base_url="wss://ws.invalid", timeout=10)
