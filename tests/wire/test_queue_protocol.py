import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fal_notebook.errors import ProtocolViolation
from fal_notebook.wire.queue_protocol import LogLine, is_still_at_work, read_list, read_status, read_taken


def test_a_taken_request_has_an_id_and_a_place() -> None:
    taken = read_taken(b'{"request_id": "x", "queue_position": 3, "status_url": "u"}')
    assert (taken.request_id, taken.position, taken.told["status_url"]) == ("x", 3, "u")


def test_a_status_says_where_the_request_is() -> None:
    assert read_status(b'{"status": "IN_QUEUE", "queue_position": 0}').words == "in the queue, next"
    assert read_status(b'{"status": "IN_QUEUE", "queue_position": 1200}').words == "in the queue, 1,200 ahead"
    assert read_status(b'{"status": "IN_QUEUE"}').words == "in the queue"
    assert read_status(b'{"status": "IN_PROGRESS", "logs": null}').words == "at work"
    assert read_status(b'{"status": "WARMING_UP"}').words == "warming up"


def test_a_completed_one_says_how_it_ended() -> None:
    told = {"status": "COMPLETED", "metrics": {"inference_time": 2.5}, "error": {"msg": "no"}, "error_type": "bad"}
    found = read_status(json.dumps(told).encode())
    assert (found.is_completed, found.seconds, found.error, found.error_type) == (True, 2.5, '{"msg": "no"}', "bad")


def test_logs_are_lines_of_words() -> None:
    logs = [{"message": "a\nb\x1b[0m", "level": "INFO", "source": "s", "timestamp": "t"}, "plain", {"message": None}]
    found = read_status(json.dumps({"status": "IN_PROGRESS", "logs": logs}).encode())
    assert found.logs[1:] == (LogLine("plain"), LogLine(""))
    assert "\n" not in found.logs[0].message
    assert "\x1b" not in found.logs[0].message


@pytest.mark.parametrize(
    ("line", "fraction"),
    [(" 35%|███▌  | 7/20 [00:01<00:02]", 0.35), ("5.5 % then 99.5%", 0.99), ("120%", None), ("x", None)],
)
def test_a_line_may_say_how_far_the_work_is(line: str, fraction: float | None) -> None:
    assert LogLine(line).fraction == fraction


def test_the_list_of_requests_has_pages() -> None:
    told = {"items": [{"request_id": "x", "status_code": 200, "json_input": {"a": 1}}, {}, 3], "next_cursor": "c"}
    items, cursor = read_list(json.dumps(told).encode())
    assert [(each.request_id, each.status, each.arguments) for each in items] == [("x", 200, {"a": 1})]
    assert cursor == "c"


def test_an_answer_before_its_time_is_none() -> None:
    assert is_still_at_work(400, b'{"detail": "Request is still in progress"}')
    assert not is_still_at_work(400, b'{"detail": "bad prompt"}')


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["status", "logs", "metrics", "error", "request_id", "items", "queue_position", "message"]
                ),
                x,
            )
        ),
    )
)
def test_whatever_a_queue_says_is_understood_or_a_violation(value: object) -> None:
    body = json.dumps(value).encode()
    for read in (read_taken, read_status, read_list):
        with contextlib.suppress(ProtocolViolation):
            read(body)
