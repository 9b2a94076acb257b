from itertools import pairwise
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.response import sse
from fal_notebook.response.sse import EventStreamDecoder, JSONLinesDecoder, ServerSentEvent

from ..interrupt_delay import longest_interrupt_delay

Events = list[ServerSentEvent]
WORDS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
NAMES = st.sampled_from(["message", "event", "error", "Zürich"])
EVENTS = st.lists(
    st.builds(
        lambda lines, name, number: ServerSentEvent("\n".join(lines), name, str(number)),
        st.lists(WORDS, min_size=1, max_size=3),
        NAMES,
        st.integers(0, 9),
    ),
    max_size=5,
)
LINE_ENDS = st.sampled_from(["\r", "\n", "\r\n"])


def decoded(*pieces: bytes) -> Events:
    decoder = EventStreamDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + list(decoder.close())


def dispatched(stream: bytes) -> Events:
    """Without the stream's end."""
    return list(EventStreamDecoder().feed(stream))


def encoded(events: Events, ends: list[str]) -> bytes:
    """The stream of the events, its lines ending in turn as ``ends`` say."""
    lines: list[str] = []
    for event in events:
        lines += [f"event: {event.event}", f"id: {event.id}", ":comment"]
        lines += [f"data: {line}" for line in event.data.split("\n")]
        lines.append("")
    # A CR and a LF of two ends side by side would be one end, so a blank line ends as the line before it.
    text, end = "", ends[0]
    for number, line in enumerate(lines):
        end = ends[number % len(ends)] if line else end
        text += line + end
    return text.encode()


def test_example_1_of_the_standard_is_one_event_of_three_lines() -> None:
    assert dispatched(b"data: YHOO\ndata: +2\ndata: 10\n\n") == [ServerSentEvent("YHOO\n+2\n10")]


def test_example_2_of_the_standard_has_a_comment_and_three_events() -> None:
    stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"
    assert dispatched(stream + b"\n") == [
        ServerSentEvent("first event", id="1"),
        ServerSentEvent("second event", id=""),
        ServerSentEvent(" third event", id=""),
    ]


def test_example_3_of_the_standard_has_two_events_and_one_cut_off() -> None:
    stream = b"data\n\ndata\ndata\n\ndata:"
    assert dispatched(stream) == [ServerSentEvent(""), ServerSentEvent("\n")]
    assert decoded(stream) == [ServerSentEvent(""), ServerSentEvent("\n"), ServerSentEvent("")]


def test_example_4_of_the_standard_has_two_equal_events() -> None:
    assert dispatched(b"data:test\n\ndata: test\n\n") == [ServerSentEvent("test"), ServerSentEvent("test")]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_an_event_is_dispatched_by_a_blank_line(end: bytes) -> None:
    assert dispatched(b"data: a" + end + b"data: b" + end) == []
    assert dispatched(b"data: a" + end + b"data: b" + end + end) == [ServerSentEvent("a\nb")]


def test_a_carriage_return_dispatches_without_waiting_for_a_line_feed() -> None:
    decoder = EventStreamDecoder()
    assert decoder.feed(b"data: a\r\r") == [ServerSentEvent("a")]
    assert decoder.feed(b"\ndata: b\r\n\r\n") == [ServerSentEvent("b")]


def test_a_byte_order_mark_is_skipped_at_the_start_only() -> None:
    assert dispatched(b"\xef\xbb\xbfdata: a\n\n") == [ServerSentEvent("a")]
    assert decoded(b"\xef", b"\xbb", b"\xbf", b"data: a\n\n") == [ServerSentEvent("a")]
    assert dispatched(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n") == []
    assert dispatched(b"data: a\n\n\xef\xbb\xbfdata: b\n\n") == [ServerSentEvent("a")]


def test_comments_and_unknown_fields_are_ignored() -> None:
    assert dispatched(b":\n: ping\nretry: 10\nData: no\n data: no\ndata: yes\n\n") == [ServerSentEvent("yes")]


def test_an_event_without_data_is_none_and_loses_its_name() -> None:
    assert dispatched(b"event: ping\n\ndata: a\n\n") == [ServerSentEvent("a")]


def test_an_empty_event_name_is_message() -> None:
    assert dispatched(b"event: x\nevent\ndata: a\n\n") == [ServerSentEvent("a", "message")]


def test_only_one_space_after_the_colon_goes() -> None:
    assert dispatched(b"data:\ta\ndata:  b\ndata: c:d\n\n") == [ServerSentEvent("\ta\n b\nc:d")]


def test_an_id_stays_until_another_is_set() -> None:
    assert [event.id for event in dispatched(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n")] == ["1", "1", "2"]


def test_an_id_with_nul_is_ignored() -> None:
    assert dispatched(b"id: 1\nid: 2\x00\ndata: a\n\n") == [ServerSentEvent("a", id="1")]


@pytest.mark.parametrize("rest", [b"", b"\n", b"\r", b"\r\n", b"\n:", b"\nevent: message"])
def test_an_event_without_its_blank_line_is_dispatched_at_the_end(rest: bytes) -> None:
    assert dispatched(b"data: a" + rest) == []
    assert decoded(b"data: a" + rest) == [ServerSentEvent("a")]


def test_closing_twice_dispatches_once() -> None:
    decoder = EventStreamDecoder()
    decoder.feed(b"data: a")
    assert [list(decoder.close()) for _ in range(2)] == [[ServerSentEvent("a")], []]


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert decoded(b"data: a\xffb\n\ndata: \xf0\x9f") == [ServerSentEvent("a\ufffdb"), ServerSentEvent("\ufffd")]


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0b", "\x0c", "\x1c"])
def test_what_python_calls_a_line_end_is_none_here(separator: str) -> None:
    assert dispatched(f"data: a{separator}b\n\n".encode()) == [ServerSentEvent(f"a{separator}b")]


def test_the_data_reads_as_json() -> None:
    assert ServerSentEvent('{"output": "a"}').json() == {"output": "a"}
    with pytest.raises(ValueError, match="Expecting value"):
        ServerSentEvent("[DONE]").json()


@given(EVENTS, st.lists(LINE_ENDS, min_size=1, max_size=7))
def test_events_with_any_line_ends_come_back(events: Events, ends: list[str]) -> None:
    assert dispatched(encoded(events, ends)) == events


@given(EVENTS, st.lists(LINE_ENDS, min_size=1, max_size=7), st.lists(st.integers(0, 400)))
def test_a_stream_cut_anywhere_gives_the_same_events(events: Events, ends: list[str], cuts: list[int]) -> None:
    stream = encoded(events, ends)
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    assert decoded(*(stream[start:end] for start, end in pairwise(places))) == events


@given(EVENTS, st.lists(LINE_ENDS, min_size=1, max_size=7))
def test_a_stream_of_single_bytes_gives_the_same_events(events: Events, ends: list[str]) -> None:
    stream = encoded(events, ends)
    assert decoded(*(stream[place : place + 1] for place in range(len(stream)))) == events


@given(st.text("\r\n: \ufeffdaitx", max_size=60).map(str.encode))
def test_any_bytes_read_one_by_one_give_what_they_give_whole(stream: bytes) -> None:
    assert decoded(*(stream[place : place + 1] for place in range(len(stream)))) == decoded(stream)


@pytest.mark.parametrize(
    "pieces", [(b"\r", b"\n", b"\n"), (b"\r", b"", b"\n", b"", b"\n"), (b"\r\n", b"\n"), (b"\r", b"\n\n")]
)
def test_of_the_line_feeds_behind_a_carriage_return_the_first_alone_belongs_to_it(pieces: tuple[bytes, ...]) -> None:
    assert decoded(b"data: a", *pieces, b"data: b\n\n") == [ServerSentEvent("a"), ServerSentEvent("b")]


def test_what_is_no_field_is_kept_until_the_first_event() -> None:
    decoder = EventStreamDecoder()
    assert decoder.feed(b"{\r\n: ping\nid: 4\n\n}\n") == []
    assert decoder.close() == []
    assert [decoder.take_unread() for _ in range(2)] == [b"{\n\n}", b""]
    decoder.feed(b"Model is cold\ndata: a\n\nand more\n")
    decoder.close()
    assert decoder.take_unread() == b""


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\n\n", b"\n\x1e"])
def test_json_lines_are_events_however_they_end(end: bytes) -> None:
    stream = b'\xef\xbb\xbf{"a": 1}' + end + b"[2] " + end + b'"\xc3\xbc"'
    for pieces in ([stream], [stream[place : place + 1] for place in range(len(stream))]):
        decoder = JSONLinesDecoder()
        events = [event for piece in pieces for event in decoder.feed(piece)]
        assert [event.data for event in [*events, *decoder.close()]] == ['{"a": 1}', "[2]", '"ü"']


@given(st.lists(st.sampled_from([b"data: a\n", b"data:\n", b":\n", b"\n"])))
def test_lines_of_an_event_that_are_joined_as_they_come_are_the_same(lines: list[bytes]) -> None:
    want = EventStreamDecoder().feed(b"".join(lines))
    with mock.patch.object(sse, "_MANY_LINES", 2):
        decoder = EventStreamDecoder()
        assert [event for line in lines for event in decoder.feed(line)] == list(want)


def test_an_interrupt_is_heard_while_an_event_of_many_lines_is_read() -> None:
    decoder = EventStreamDecoder()
    with longest_interrupt_delay() as delay:
        for _ in range(3_000):
            decoder.feed(b"data: some words\n" * 1_000)
        (event,) = decoder.feed(b"\n")
    assert delay[0] < 0.15  # three times what it may be, for a busy machine
    assert event.data.count("\n") == 2_999_999
