from typing import Any

import pytest
from httpx import Headers

from fal_notebook.client.receiver import Receiver
from fal_notebook.client.streaming import Stream
from fal_notebook.errors import ModelError, detail_text
from fal_notebook.response.errors_in_json import error_in
from fal_notebook.wire.protocol import Data, End, Start
from fal_notebook.wire.target import Target

from .wholes import error, events, streamed

WORDS = {"output": "A cat", "partial": False}


def said(value: dict[str, Any]) -> str | None:
    told = error_in(value)
    return None if told is None else detail_text(told)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"error": "it broke"}, "it broke"),
        ({"error": {"message": "it broke", "code": 502}}, "it broke"),
        ({"error": True, "message": "it broke"}, "it broke"),
        ({"error": True, "detail": "it broke", "code": 7}, "it broke"),
        ({"error": True}, "error"),
        ({"error": 500}, "500"),
        ({"error": 503, "message": "it broke"}, "it broke"),
        ({"error": ["it", {"msg": "broke"}]}, "it; broke"),
        ({"detail": "it broke"}, "it broke"),
        ({"detail": [{"loc": ["body", "seed"], "msg": "it broke", "type": "x"}]}, "seed: it broke"),
        ({"detail": "it broke", "error_type": "internal_error"}, "it broke"),
        ({"type": "about:blank", "title": "Bad", "status": 503, "detail": "it broke"}, "it broke"),
        ({"type": "error", "message": "it broke"}, "it broke"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "it broke"}}, "it broke"),
        ({"status": "error", "message": "it broke"}, "it broke"),
        ({"status": "FAILED", "detail": "it broke"}, "it broke"),
    ],
)
def test_an_error_is_one_in_its_own_words_and_what_had_come_is_kept(value: dict[str, Any], words: str) -> None:
    assert said(value) == words
    assert detail_text(error(WORDS, value)) == words
    assert streamed(WORDS, value).text == "A cat"


NOTHING: list[Any] = [None, "", False, 0, 0.25, 7, [], {}, [0.1, 0.2], 1e400]


@pytest.mark.parametrize(
    "more",
    [
        *({"error": nothing} for nothing in NOTHING),
        {"detail": "fine fur"},
        {"detail": "", "status": 200},
        {"message": "done"},
        {"status": "completed", "message": "done"},
        {"status": "error"},
        {"type": "event", "status": "ok"},
        {"code": 500},
    ],
)
def test_what_stands_in_answers_that_are_right_is_no_error(more: dict[str, Any]) -> None:
    assert error_in({**WORDS, **more}) is None
    assert error({**WORDS, **more}) is None


@pytest.mark.parametrize("value", [{"detail": None}, {"detail": ""}, {"detail": "all is well", "status": 200}, {}])
def test_a_detail_that_tells_of_none_is_none(value: dict[str, Any]) -> None:
    assert error_in(value) is None


def test_the_events_of_a_workflow_tell_of_the_step_that_failed() -> None:
    steps = [
        {"type": "submit", "node_id": "n", "app_id": "a", "request_id": "r"},
        {"type": "completion", "node_id": "n", "output": {"error": "a draft's own"}},
        {"type": "output", "output": {"output": "A cat"}},
    ]
    assert error(*steps[:1], steps[2]) is None
    failed = {"type": "error", "node_id": "n", "message": "the step failed"}
    body = {"detail": [{"loc": ["body", "seed"], "msg": "too large"}]}
    for more, words in (
        ({}, "the step failed"),
        ({"error": {"status": 422}}, "the step failed"),
        ({"error": {"status": 422, "body": body}}, "the step failed; seed: too large"),
        ({"error": {"message": "it broke"}}, "it broke"),
    ):
        assert detail_text(error(*steps, {**failed, **more})) == words
        assert streamed(*steps, {**failed, **more}).text == "A cat"


def test_deep_and_odd_errors_do_no_harm() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    for value in (deep, [deep], {"message": deep}, True, -1, 10**400, float("nan")):
        detail_text(error_in({"error": value, "detail": deep, "message": deep, "status": deep, "type": deep}))


def test_the_words_before_an_error_are_in_its_result() -> None:
    receiver = Receiver()
    request = Stream(Target("a/b", "ws://127.0.0.1/a/b"), receiver, lambda: None, nested=False)
    body = events(WORDS, {"error": True, "message": "it broke"})
    receiver.receive([Start("1", 200, Headers({"content-type": "text/event-stream"})), Data(body), End(200, None)])
    receiver.end()
    with pytest.raises(ModelError, match="a/b answered with an error: it broke") as caught:
        request.result()
    assert (caught.value.detail, caught.value.result.text) == ("it broke", "A cat")
