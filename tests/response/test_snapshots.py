import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.response.envelopes import Envelope
from fal_notebook.response.snapshots import SnapshotFinder, SnapshotRun

ENVELOPE = Envelope('{"output": ', ', "partial": true}')
HEAD = 'event: event\r\ndata: {"output": "'
TAIL = '", "partial": true}\r\n\r\n'
TEXT = 'Zürich said: "C:\\temp"\n\\\\ 🎈 end'


def data(words: str, *, ascii_only: bool = True) -> str:
    return f'{{"output": {json.dumps(words, ensure_ascii=ascii_only)}, "partial": true}}'


def stream(events: Sequence[str], name: str = "event", end: str = "\r\n") -> bytes:
    line = f"event: {name}{end}" if name != "message" else ""
    return "".join(f"{line}data: {each}{end}{end}" for each in events).encode()


def snapshots(name: str = "event", end: bytes = b"\r\n") -> SnapshotFinder:
    return SnapshotFinder(ENVELOPE, name, end)


def outdated(run: SnapshotRun) -> list[str]:
    """The data of the outdated ones, as their lengths tell."""
    return [f'{run.newest[:length]}"{ENVELOPE.tail}' for length in run.outdated]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize(("name", "end"), [("event", "\r\n"), ("event", "\n"), ("message", "\n"), ("Ünder way", "\n")])
def test_of_snapshots_the_newest_is_read_and_the_others_are_beginnings_of_it(
    name: str, end: str, *, ascii_only: bool
) -> None:
    events = [data(TEXT[:length], ascii_only=ascii_only) for length in range(len(TEXT) + 1)]
    body = stream(events, name, end)
    run = snapshots(name, end.encode()).run(body, 0)
    assert (run.end, run.words, run.newest) == (len(body), TEXT, events[-1])
    assert outdated(run) == events[:-1]


def test_a_single_snapshot_is_a_run_too() -> None:
    body = stream([data("Hi")])
    assert snapshots().run(body, 0) == SnapshotRun(len(body), "Hi", data("Hi"), [])


def test_a_run_begins_at_a_place_and_ends_where_words_are_rewritten() -> None:
    first, second = stream([data("The"), data("The cat")]), stream([data("The dog"), data("The dog is")])
    run = snapshots().run(first + second, 0)
    assert (run.end, run.words, outdated(run)) == (len(first), "The cat", [data("The")])
    run = snapshots().run(first + second, len(first))
    assert (run.end, run.words, outdated(run)) == (len(first + second), "The dog is", [data("The dog")])


def test_the_same_snapshot_again_outdates_the_first() -> None:
    run = snapshots().run(stream([data("Hi"), data("Hi")]), 0)
    assert (run.words, outdated(run)) == ("Hi", [data("Hi")])


@pytest.mark.parametrize(
    "other",
    [
        b'event: event\r\ndata: {"output": "Hi, you", "partial": false}\r\n\r\n',
        b'data: {"output": "Hi, you", "partial": true}\r\n\r\n',
        b'event: other\r\ndata: {"output": "Hi, you", "partial": true}\r\n\r\n',
        b'event: event\r\ndata: {"output": "Hi, you", "partial": true}\n\n',
        b'event: event\r\ndata: {"output": "Hi, you", "partial": true}\r\ndata: 1\r\n\r\n',
        b'event: event\r\ndata: {"output": "Hi, you", "partial": true}\r\n',
        b'event: event\r\ndata: {"output": "Hi, y',
        b": ping\r\n\r\n",
        b"",
    ],
)
def test_a_run_ends_before_whatever_is_no_snapshot(other: bytes) -> None:
    body = stream([data("Hi"), data("Hi, y")])
    run = snapshots().run(body + other, 0)
    assert (run.end, run.words, outdated(run)) == (len(body), "Hi, y", [data("Hi")])


def test_where_no_run_begins_all_is_decoded_up_to_where_one_may() -> None:
    ping, body = b": ping\r\n\r\n", stream([data("Hi")])
    assert snapshots().run(ping + body, 0) == SnapshotRun(len(ping))
    assert snapshots().run(ping, 0) == SnapshotRun(len(ping))
    assert snapshots().not_a_run(body + body, 0) == SnapshotRun(len(body))
    assert snapshots().not_a_run(body, 0) == SnapshotRun(len(body))


@pytest.mark.parametrize(
    "words",
    [
        ['a"b', 'a"b", "x": "c'],  # raw quotes: other names
        ["a", "a\\x"],  # no escape of JSON
        ["a\\", 'a\\"b'],  # cut within an escape
        ["a\\u00", "a\\u00e9"],
        ["a\\\\\\", 'a\\\\\\"b'],
        ["a", "a\tb"],
        ["a", "a\rb"],
    ],
)
def test_what_is_not_all_json_of_the_shape_is_to_be_decoded(words: list[str]) -> None:
    body = "".join(HEAD + each + TAIL for each in words).encode()
    run = snapshots().run(body, 0)
    assert (run.end, run.words) == (len(body), None)


def test_what_is_cut_within_a_character_is_to_be_decoded() -> None:
    body = b"".join(HEAD.encode() + each + TAIL.encode() for each in (b"Z\xc3", b"Z\xc3\xbc"))
    assert snapshots().run(body, 0) == SnapshotRun(len(body))


def test_escaped_backslashes_may_stand_at_a_cut() -> None:
    events = [HEAD + "a" + "\\\\" * count + TAIL for count in range(5)]
    run = snapshots().run("".join(events).encode(), 0)
    assert (run.words, list(run.outdated)) == ("a" + "\\" * 4, [len('{"output": "a') + 2 * count for count in range(4)])


def test_a_shape_of_several_lines_has_no_runs() -> None:
    several = SnapshotFinder(Envelope('{\n"output": ', "}"), "message", b"\n")
    body = b'data: {\ndata: "output": "a"}\n\n' * 2
    assert several.run(body, 0) == SnapshotRun(len(body))


def texts() -> Iterator[st.SearchStrategy[str]]:
    yield st.integers(0, len(TEXT)).map(lambda length: TEXT[:length])
    yield st.text(max_size=3)


@given(words=st.lists(st.one_of(*texts()), min_size=1, max_size=9), ascii_only=st.booleans())
def test_a_run_is_what_decoding_each_gives(*, words: list[str], ascii_only: bool) -> None:
    events = [data(each, ascii_only=ascii_only) for each in words]
    body = stream(events)
    at, seen = 0, list[str]()
    while at < len(body):
        run = snapshots().run(body, at)
        seen += [*outdated(run), run.newest]
        assert run.words == words[len(seen) - 1]
        at = run.end
    assert seen == events
