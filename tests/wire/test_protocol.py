import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.errors import ModelError, ProtocolViolation, RequestError
from fal_notebook.safety.redaction import Redaction
from fal_notebook.wire.protocol import Data, End, Event, Protocol, Start, State

from ..conftest import KEY

START = (
    '{"type":"start","request_id":"6f3c","status":200,"headers":{"Content-Type":"text/event-stream; charset=utf-8"}}'
)
END = '{"type":"end","request_id":"6f3c","status":200,"time_to_first_byte_seconds":0.577083}'


def sent() -> Protocol:
    protocol = Protocol()
    protocol.send('{"prompt": "Hi"}')
    return protocol


def streaming(start: str = START) -> Protocol:
    protocol = sent()
    protocol.receive(start)
    return protocol


def metadata(**values: Any) -> str:
    return json.dumps(values)


def test_a_request_goes_from_idle_over_sent_and_streaming_to_idle() -> None:
    protocol = Protocol()
    states = [protocol.state]
    assert protocol.send('{"prompt": "Hi"}') == '{"prompt": "Hi"}'
    states.append(protocol.state)
    for message in (START, b"data: x\n\n", END):
        protocol.receive(message)
        states.append(protocol.state)
    assert states == [State.IDLE, State.SENT, State.STREAMING, State.STREAMING, State.IDLE]


def test_the_start_carries_status_headers_and_request_id() -> None:
    event = sent().receive(START)
    assert isinstance(event, Start)
    assert (event.request_id, event.status) == ("6f3c", 200)
    assert event.headers["content-type"] == "text/event-stream; charset=utf-8"


@pytest.mark.parametrize("seconds", ["0.577083", "0", "2"])
def test_the_end_carries_the_servers_own_measure(seconds: str) -> None:
    assert streaming().receive(END.replace("0.577083", seconds)) == End(200, float(seconds))


@pytest.mark.parametrize("seconds", [None, "soon", [1]])
def test_an_end_without_a_measure_is_an_end(seconds: Any) -> None:
    assert streaming().receive(metadata(type="end", request_id="6f3c", time_to_first_byte_seconds=seconds)) == End(
        200, None
    )


def test_a_measure_that_no_float_holds_is_none() -> None:
    end = streaming().receive(END.replace("0.577083", "1" + "0" * 400))
    assert end == End(200, None)


def test_one_connection_carries_one_request_after_another() -> None:
    protocol = streaming()
    protocol.receive(END)
    protocol.send("{}")
    assert protocol.request_id is None
    protocol.receive(metadata(type="start", request_id="second", status=200))
    assert protocol.request_id == "second"
    assert protocol.receive(END) == Data(END.encode())
    assert protocol.receive(metadata(type="end", request_id="second")) == End(200, None)


def test_arguments_that_are_sent_early_are_answered_in_order() -> None:
    protocol = Protocol()
    for number in range(2):
        protocol.send(f'{{"prompt": "{number}"}}')
    protocol.receive(metadata(type="start", request_id="first"))
    protocol.send('{"prompt": "2"}')
    ids, states = [protocol.request_id], [protocol.state]
    for name, following in (("first", "second"), ("second", "third"), ("third", "")):
        assert isinstance(protocol.receive(metadata(type="end", request_id=name)), End)
        ids.append(protocol.request_id)
        states.append(protocol.state)
        if following:
            protocol.receive(metadata(type="start", request_id=following))
            ids.append(protocol.request_id)
    assert ids == ["first", None, "second", None, "third", None]
    assert states == [State.STREAMING, State.SENT, State.SENT, State.IDLE]


def test_pieces_that_come_together_are_joined_within_their_body() -> None:
    protocol = sent()
    protocol.send("{}")
    second: list[str | bytes] = [metadata(type="start", request_id="2"), b"e", metadata(type="end", request_id="2")]
    events = list(protocol.receive_all([START, b"a", "b", b"", b"c", END, *second]))
    assert [type(event) for event in events] == [Start, Data, End, Start, Data, End]
    assert [event.data for event in events if isinstance(event, Data)] == [b"abc", b"e"]


def test_what_came_before_a_violation_is_told_first() -> None:
    seen: list[Event] = []
    with pytest.raises(ProtocolViolation, match="no request was under way"):
        seen.extend(sent().receive_all([START, b"a", END, "late"]))
    assert [type(event) for event in seen] == [Start, Data, End]
    seen.clear()
    failed: list[str | bytes] = [b"a", b"b", metadata(type="error", request_id="6f3c", error="out of memory")]
    with pytest.raises(ModelError, match="out of memory"):
        seen.extend(streaming().receive_all(failed))
    assert seen == [Data(b"ab")]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "end", "request_id": "other", "status": 200},
        {"type": "end"},
        {"type": "end", "request_id": None},
        {"type": "submit", "node_id": "n", "app_id": "fal-ai/any-llm", "request_id": "6f3c"},
        {"type": "start", "request_id": "6f3c", "status": 200, "headers": {}},
        {"output": {"type": "end", "request_id": "6f3c"}},
    ],
)
def test_a_json_body_with_the_keys_of_metadata_is_data(body: dict[str, Any]) -> None:
    protocol, message = streaming(), json.dumps(body, separators=(",", ":"))
    assert protocol.receive(message) == Data(message.encode())


@pytest.mark.parametrize("message", [END.encode(), f"[{END}]", f"data: {END}", END[:-1], '"end"', "", b""])
def test_only_a_text_message_that_is_one_object_ends_the_response(message: str | bytes) -> None:
    protocol = streaming()
    assert protocol.receive(message) == Data(message if isinstance(message, bytes) else message.encode())


@pytest.mark.parametrize("message", ["Zürich 🎈", "Zürich 🎈".encode()])
def test_text_and_binary_messages_are_the_same_bytes(message: str | bytes) -> None:
    assert streaming().receive(message) == Data("Zürich 🎈".encode())


def test_a_binary_message_that_cuts_a_character_stays_cut() -> None:
    assert streaming().receive("🎈".encode()[:2]) == Data(b"\xf0\x9f")


def test_the_end_may_be_spaced_as_json_may() -> None:
    assert streaming().receive(f"\n {json.dumps(json.loads(END), indent=2)}\n") == End(200, 0.577083)


def test_request_ids_may_be_numbers() -> None:
    protocol = streaming(metadata(type="start", request_id=7, status=200))
    assert protocol.request_id == "7"
    assert isinstance(protocol.receive(metadata(type="end", request_id=8)), Data)
    assert protocol.receive(metadata(type="end", request_id=7)) == End(200, None)


def test_a_server_that_gives_no_request_id_ends_without_one() -> None:
    protocol = streaming(metadata(type="start", status=200))
    assert protocol.request_id is None
    assert protocol.receive(metadata(type="end")) == End(200, None)


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
@pytest.mark.parametrize("value", ["image/png", ["image/png"]])
def test_header_names_come_in_any_case_and_values_as_lists(name: str, value: Any) -> None:
    event = sent().receive(metadata(type="start", request_id="1", status=200, headers={name: value}))
    assert isinstance(event, Start)
    assert event.headers["Content-Type"] == "image/png"


def test_each_value_of_a_list_is_kept() -> None:
    event = sent().receive(metadata(type="start", headers={"x-a": ["1", 2]}))
    assert isinstance(event, Start)
    assert event.headers.get_list("X-A") == ["1", "2"]


@pytest.mark.parametrize("headers", [None, [], "text/plain", {}])
def test_a_start_may_have_no_headers(headers: Any) -> None:
    event = sent().receive(metadata(type="start", request_id="1", headers=headers))
    assert isinstance(event, Start)
    assert dict(event.headers) == {}
    assert event.status == 200


@pytest.mark.parametrize(
    "message",
    ["", "hello", b"data: x\n\n", START.encode(), "[]", "{", '{"output":"x"}', '{"type":"end"}', "[" * 100_000],
)
def test_anything_but_a_start_in_its_place_is_a_violation(message: str | bytes) -> None:
    protocol = sent()
    with pytest.raises(ProtocolViolation, match="expected start metadata"):
        protocol.receive(message)
    assert protocol.state is not State.IDLE


@pytest.mark.parametrize("message", [START, END, b"", "late"])
def test_a_message_without_a_request_is_a_violation(message: str | bytes) -> None:
    with pytest.raises(ProtocolViolation, match="no request was under way"):
        Protocol().receive(message)


def test_a_message_after_the_end_is_a_violation() -> None:
    protocol = streaming()
    protocol.receive(END)
    with pytest.raises(ProtocolViolation):
        protocol.receive(b"late")


def test_an_error_in_place_of_the_end_is_a_failure_where_the_body_is_no_json() -> None:
    protocol = streaming(metadata(type="start", request_id=3, headers={"content-type": "text/event-stream"}))
    other = metadata(type="error", request_id=4, error="of another")
    assert protocol.receive(other) == Data(other.encode())
    with pytest.raises(ModelError, match="failed: out of memory") as caught:
        protocol.receive(metadata(type="error", request_id=3, error="out of memory"))
    assert (caught.value.detail, caught.value.request_id) == ("out of memory", "3")
    assert protocol.state is not State.IDLE


def test_an_error_in_a_body_of_json_is_the_body() -> None:
    protocol = streaming(metadata(type="start", request_id="1", headers={"content-type": "application/json"}))
    body = metadata(type="error", request_id="1", error="from a workflow")
    assert protocol.receive(body) == Data(body.encode())


@pytest.mark.parametrize("headers", [{"X-A": "é"}, {"X-A": ["a", "ü"]}, {"X-A": "\ud800"}, {"À": "x", "X-A": "1"}])
def test_headers_may_hold_any_characters(headers: dict[str, Any]) -> None:
    event = sent().receive(metadata(type="start", request_id="1", status=200, headers=headers))
    assert isinstance(event, Start)
    assert list(dict(event.headers)) == ["x-a"]


@pytest.mark.parametrize(
    "message",
    [f"not with {KEY}", f"not with {KEY}".encode(), metadata(type="error", error={"message": f"not with {KEY}"})],
)
def test_an_error_that_quotes_a_message_quotes_it_without_the_key(message: str | bytes) -> None:
    protocol = Protocol(Redaction(KEY))
    protocol.send("{}")
    with pytest.raises(RequestError, match=r"not with \[key\]") as caught:
        protocol.receive(message)
    assert KEY not in str(vars(caught.value))


@pytest.mark.parametrize("error", ["quota exceeded", {"message": "quota exceeded"}])
def test_an_error_in_place_of_the_start_is_a_refusal(error: Any) -> None:
    protocol = sent()
    with pytest.raises(ModelError, match="refused: quota exceeded") as caught:
        protocol.receive(metadata(type="error", request_id=3, error=error))
    assert (caught.value.detail, caught.value.request_id) == (error, "3")
    assert protocol.state is not State.IDLE


@pytest.mark.parametrize("status", [401, 422, 500])
def test_the_status_of_the_start_is_told(status: int) -> None:
    event = sent().receive(metadata(type="start", request_id="1", status=status))
    assert isinstance(event, Start)
    assert event.status == status


def test_the_status_of_the_end_may_differ_from_the_starts() -> None:
    assert streaming().receive(metadata(type="end", request_id="6f3c", status=500)) == End(500, None)


def test_an_end_without_a_status_has_the_starts() -> None:
    protocol = streaming(metadata(type="start", request_id="6f3c", status=422))
    assert protocol.receive(metadata(type="end", request_id="6f3c")) == End(422, None)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200)))
def test_a_body_cut_anywhere_comes_out_whole(body: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    pieces = [body[start:end] for start, end in pairwise(places)]
    protocol = streaming()
    events: list[Event] = [protocol.receive(piece) for piece in pieces]
    assert b"".join(event.data for event in events if isinstance(event, Data)) == body
    assert isinstance(protocol.receive(END), End)


@given(
    st.dictionaries(st.sampled_from(["type", "request_id", "status", "x"]), st.sampled_from(["end", "6f3d", 1, None]))
)
def test_no_object_but_this_requests_end_ends_it(body: dict[str, Any]) -> None:
    assert streaming().receive(json.dumps(body)) == Data(json.dumps(body).encode())


@pytest.mark.parametrize("value", ["通义", "caf\u00e9", "half \ud800", "two\nlines"])
def test_a_header_may_hold_any_string(value: str) -> None:
    protocol = Protocol()
    protocol.send("{}")
    start = protocol.receive(json.dumps({"type": "start", "request_id": 1, "headers": {"X-Local-Model": value}}))
    assert isinstance(start, Start)
    assert start.headers["x-local-model"] == value.replace("\ud800", "?")


@pytest.mark.parametrize(
    ("first", "last"), [(1, True), (1, 1.0), (0, False), (7, "7"), ([1], [True]), ("6f3c", "6F3C"), ("6f3c", None)]
)
def test_an_id_that_only_looks_equal_ends_nothing(first: Any, last: Any) -> None:
    protocol = streaming(metadata(type="start", request_id=first, headers={"content-type": "text/plain"}))
    assert protocol.receive(metadata(type="end", request_id=last)) == Data(
        metadata(type="end", request_id=last).encode()
    )
    assert protocol.receive(metadata(type="end", request_id=first)) == End(200, None)


@pytest.mark.parametrize("identity", [7, 0, "", 1.5, True, [1], float("nan"), None])
def test_an_id_of_any_kind_ends_the_response_that_it_began(identity: Any) -> None:
    protocol = streaming(metadata(type="start", request_id=identity))
    assert protocol.receive(metadata(type="end", request_id=identity)) == End(200, None)


def test_no_id_in_both_is_the_same_id() -> None:
    assert streaming('{"type": "start"}').receive('{"type": "end"}') == End(200, None)


@pytest.mark.parametrize("between", [0, 1, 90])
@pytest.mark.parametrize("identity", ["a", 7])
def test_an_answer_whose_id_was_answered_before_is_not_the_next_ones(identity: str | int, between: int) -> None:
    protocol = Protocol()

    def answer(name: str | int) -> None:
        protocol.send("{}")
        protocol.receive(metadata(type="start", request_id=name))
        assert isinstance(protocol.receive(metadata(type="end", request_id=name)), End)

    answer(identity)
    for number in range(between):
        answer(f"other {number}")
    protocol.send("{}")
    with pytest.raises(ProtocolViolation, match="the answer to an earlier request came again") as caught:
        protocol.receive(metadata(type="start", request_id=identity))
    assert caught.value.request_id == str(identity)


def test_what_is_remembered_of_answered_requests_is_bounded() -> None:
    protocol = Protocol()
    for number in range(300):
        protocol.send("{}")
        protocol.receive(metadata(type="start", request_id=number))
        protocol.receive(metadata(type="end", request_id=number))
    assert len(protocol._answered_ids) == 100


def test_an_id_that_is_nested_deeply_is_one() -> None:
    deep = '{"type": "%s", "request_id": ' + "[" * 400 + "]" * 400 + "}"
    assert isinstance(streaming(deep % "start").receive(deep % "end"), End)
