import json
from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.response.envelopes import Envelope
from fal_notebook.response.event_log import EventLog
from fal_notebook.response.sse import Events, ServerSentEvent

ENVELOPE = Envelope('{"output": ', ', "partial": true}')
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


def length(words: str) -> int:
    """How much of the JSON of a later snapshot one with these words is."""
    return len(snapshot(words).data) - len(ENVELOPE.tail) - 1


def kept(*runs: Sequence[ServerSentEvent]) -> EventLog:
    """A log of snapshots, each of which is told of as it comes."""
    log = EventLog()
    for events in runs:
        log.extend(together(events))
        for place in range(len(log) - len(events), len(log)):
            log.mark_snapshot(place, ENVELOPE)
    return log


EVENTS = st.lists(
    st.one_of(
        st.builds(snapshot, st.integers(0, 9).map(lambda end: 'Zü"rich\n'[:end]), st.sampled_from(["message", "x"])),
        st.builds(snapshot, st.text(max_size=3), st.just("message"), st.sampled_from(["", "1"])),
        st.builds(
            ServerSentEvent, st.sampled_from(["[DONE]", '{"output": "Z', '{"output": "Zü", "partial": false}', ""])
        ),
    ),
    max_size=12,
)


@given(EVENTS)
def test_events_come_back_as_they_came(events: list[ServerSentEvent]) -> None:
    log = EventLog()
    for place, event in enumerate(events):
        log.extend(together([event]))
        if ENVELOPE.words(event.data) is not None:
            log.mark_snapshot(place, ENVELOPE)
    assert log == events
    assert [log[place] for place in range(-len(events), 0)] == events
    assert log[1:3] == events[1:3]


def test_snapshots_take_the_memory_of_the_last() -> None:
    snapshots = [snapshot(WORDS[:end]) for end in range(len(WORDS))]
    for log in (kept(snapshots), kept(*([each] for each in snapshots))):
        assert size(log) == len(snapshots[-1].data)
        assert log == snapshots


def test_outdated_snapshots_are_added_as_their_lengths() -> None:
    log, words = EventLog(), ["The", "The cat", "The cat is"]
    log.extend(together([snapshot(words[-1], "x", "7")]), [length(each) for each in words[:-1]])
    log.mark_snapshot(2, ENVELOPE)
    log.extend(together([snapshot("The cat is in", "x", "7")]))
    log.mark_snapshot(3, ENVELOPE)
    assert log == [snapshot(each, "x", "7") for each in [*words, "The cat is in"]]
    assert size(log) == len(snapshot("The cat is in").data)


def test_a_rewritten_text_begins_a_run_of_its_own() -> None:
    events = [snapshot(each) for each in ("The", "The cat", "The dog", "The dog is", "The dog is in")]
    log = kept(events)
    assert log == events
    assert size(log) == len(snapshot("The cat").data + snapshot("The dog is in").data)


def test_snapshots_that_differ_in_more_than_words_are_kept_whole() -> None:
    events = [snapshot("a"), snapshot("ab", "other"), snapshot("abc", "other", "7")]
    log = kept(events)
    assert log == events
    assert size(log) == sum(len(event.data) for event in events)


def test_events_between_two_snapshots_stay() -> None:
    log, events = EventLog(), [snapshot("a"), ServerSentEvent("[DONE]"), snapshot("ab")]
    log.extend(together(events))
    for place in (0, 2):
        log.mark_snapshot(place, ENVELOPE)
    assert log == events


def test_a_copy_stays_as_it_is() -> None:
    log = kept([snapshot("a"), snapshot("ab")])
    copied = log.copy()
    log.extend(together([snapshot("abc")]))
    log.mark_snapshot(2, ENVELOPE)
    assert copied == [snapshot("a"), snapshot("ab")]
    assert copied != log
    assert repr(copied) == repr([snapshot("a"), snapshot("ab")])
