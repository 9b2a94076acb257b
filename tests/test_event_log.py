import json
from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.event_log import EventLog
from fal_notebook.shapes import Shape
from fal_notebook.sse import Events, ServerSentEvent

SHAPE = Shape('{"output": ', ', "partial": true}')
WORDS = "It was a dark and stormy night. " * 40


def snapshot(words: str, event: str = "message", number: str = "") -> ServerSentEvent:
    return ServerSentEvent(f'{{"output": {json.dumps(words)}, "partial": true}}', event, number)


def together(events: Iterable[ServerSentEvent]) -> Events:
    batch = Events()
    for event in events:
        batch.add(event.data, (event.event, event.id))
    return batch


def size(log: EventLog) -> int:
    return sum(len(each) for each in log._data if isinstance(each, str))


EVENTS = st.lists(
    st.one_of(
        st.builds(
            snapshot, st.integers(0, 9).map(lambda length: 'Zü"rich\n'[:length]), st.sampled_from(["message", "x"])
        ),
        st.builds(snapshot, st.text(max_size=3), st.just("message"), st.sampled_from(["", "1"])),
        st.builds(
            ServerSentEvent, st.sampled_from(["[DONE]", '{"output": "Z', '{"output": "Zü", "partial": false}', ""])
        ),
    ),
    max_size=12,
)


@given(EVENTS, st.lists(st.integers(0, 12)))
def test_events_come_back_as_they_came_however_they_arrive(events: list[ServerSentEvent], cuts: list[int]) -> None:
    log, said = EventLog(), list[ServerSentEvent]()
    places = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    for begin, end in pairwise(places):
        said += list(log.extend(together(events[begin:end]), SHAPE))
    assert log == events
    assert [log[place] for place in range(-len(events), 0)] == events
    assert log[1:3] == events[1:3]
    assert said[-1:] == events[-1:]


@given(EVENTS)
def test_what_says_nothing_is_the_beginning_of_a_later_one(events: list[ServerSentEvent]) -> None:
    said = list(EventLog().extend(together(events), SHAPE))
    assert [event for event in events if event in said] == list(said) or len(said) < len(events)
    for event in events:
        if event not in said:
            words = json.loads(event.data)["output"]
            assert any(json.loads(each.data)["output"].startswith(words) for each in said if "partial" in each.data)


def test_snapshots_take_the_memory_of_the_last() -> None:
    snapshots = [snapshot(WORDS[:length]) for length in range(len(WORDS))]
    at_once, one_by_one = EventLog(), EventLog()
    at_once.extend(together(snapshots), SHAPE)
    for each in snapshots:
        one_by_one.extend(together([each]), SHAPE)
    for log in (at_once, one_by_one):
        assert size(log) == len(snapshots[-1].data)
        assert log == snapshots


def test_a_rewritten_text_begins_a_run_of_its_own() -> None:
    words = ["The", "The cat", "The dog", "The dog is", "The dog is in"]
    log = EventLog()
    assert log.extend(together(map(snapshot, words)), SHAPE) == [snapshot("The cat"), snapshot("The dog is in")]
    assert log == [snapshot(each) for each in words]
    assert size(log) == len(snapshot("The cat").data + snapshot("The dog is in").data)


def test_snapshots_that_differ_in_more_than_words_are_kept_whole() -> None:
    events = [snapshot("a"), snapshot("ab", "other"), snapshot("abc", "other", "7")]
    log = EventLog()
    assert log.extend(together(events), SHAPE) == events
    assert log == events


def test_events_without_a_known_shape_all_say_something() -> None:
    log, events = EventLog(), [snapshot("a"), snapshot("ab")]
    assert log.extend(together(events)) == events
    assert log.extend(together([snapshot("abc")]), SHAPE) == [snapshot("abc")]
    assert log == [*events, snapshot("abc")]


def test_a_copy_stays_as_it_is() -> None:
    log = EventLog()
    log.extend(together([snapshot("a"), snapshot("ab")]), SHAPE)
    copied = log.copy()
    log.extend(together([snapshot("abc")]), SHAPE)
    assert copied == [snapshot("a"), snapshot("ab")]
    assert copied != log
    assert repr(copied) == repr([snapshot("a"), snapshot("ab")])
