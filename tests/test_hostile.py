"""Whatever a server sends, in whatever pieces, raises only our own errors, and the answer can be shown.

``make fuzz`` tries two hundred times as many inputs. Earlier findings are examples at their tests, or in the corpus.
"""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from . import harnesses
from .harnesses import (
    WORDS,
    play_any_sound,
    read_any_body,
    read_any_events,
    read_any_file,
    read_any_messages,
    read_any_start,
    read_any_template,
    read_any_words,
)

NAMES = st.sampled_from(WORDS)
STRINGS = st.one_of(
    NAMES,
    st.text(max_size=20),
    st.sampled_from(
        [
            "data:image/png;base64,iVBORw0KGgo=",
            "data:audio/wav;base64,UklGRg==",
            "data:,%",
            "data:a/b;base64,=",
            "https://fal.media/a.png",
            "http://[::1",
            "https://a/\x00",
            "\ud800",
            "AAAA",
            "application/json",
            "text/event-stream",
            "text/plain; charset=utf-16",
            "text/plain; charset*=x''%ff",
            "audio/pcm;rate=0;channels=9999999999",
            "audio/wav",
            "1" * 5000,
        ]
    ),
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, -(10**400), 1e308, float("nan")]))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, STRINGS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, STRINGS), inner, max_size=5)),
    max_leaves=20,
)
TYPES = st.one_of(
    st.sampled_from([*harnesses.TYPES, ""]),
    STRINGS,
)
BODIES = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda value: json.dumps(value).encode(), VALUES),
    st.lists(VALUES, max_size=5).map(lambda values: "".join(f"data: {json.dumps(v)}\n\n" for v in values).encode()),
    st.tuples(st.sampled_from(["error", "event", "x"]), st.text(max_size=30)).map(
        lambda pair: f"event: {pair[0]}\ndata: {pair[1]}\n\n".encode("utf-8", "replace")
    ),
    st.binary(max_size=80).map(lambda data: b"RIFF\xff\xff\xff\xffWAVEfmt " + data),
    st.binary(max_size=80).map(lambda data: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + data),
)
CUTS = st.lists(st.integers(0, 300), max_size=5)


@example({"headers": {"À": None}})
@given(VALUES)
def test_any_start_is_read_or_refused(metadata: Any) -> None:
    read_any_start(metadata)


@example("text/plain; charset=utf-16", b"\0\0", [])
@example("application/json", b'{"url": "data:image/png;base64,\\ud800"}', [])
@given(TYPES, BODIES, CUTS)
def test_any_body_can_be_read_and_shown(label: str, body: bytes, cuts: list[int]) -> None:
    read_any_body(label, body, cuts)
    play_any_sound(label, body, cuts)


@example("A://[")
@example("data:image/png;base64,iVBORw0KGgo= \ud800")
@given(st.one_of(st.text(max_size=60), st.lists(STRINGS, max_size=5).map(" ".join)))
def test_any_words_of_the_user_are_taken_or_refused(words: str) -> None:
    read_any_words(words)


METADATA = st.fixed_dictionaries(
    {"type": st.sampled_from(["start", "end", "error"])},
    optional={"request_id": st.sampled_from(["a", "b", 1, "1", True, None]), "status": SCALARS, "error": VALUES},
).map(json.dumps)
MESSAGES = st.lists(st.one_of(METADATA, st.builds(json.dumps, VALUES), st.text(max_size=20), st.binary(max_size=20)))


@given(MESSAGES)
def test_any_messages_are_start_body_and_end_or_refused(messages: list[str | bytes]) -> None:
    read_any_messages(
        message.encode("utf-8", "replace").decode() if isinstance(message, str) else message for message in messages
    )


LINES = st.sampled_from(
    ["data: x", "data:", "data", "event: e", "id: 1", ": c", "é: ü", "", "\ufeff", "retry: 1", "id: \0"]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r", "\r\n", ""])).map("".join)).map(
    lambda lines: "".join(lines).encode()
)


@given(st.one_of(STREAMS, BODIES), CUTS)
def test_events_are_the_same_wherever_they_are_cut(body: bytes, cuts: list[int]) -> None:
    read_any_events(body, cuts)


@given(TYPES, BODIES)
def test_any_file_has_a_type_and_goes_through_a_data_uri(label: str, data: bytes) -> None:
    read_any_file(label, data)


BRACES = st.lists(st.sampled_from(["{{", "}}", "{", "}", "x", " ", "1", "'", "\n", "not_there", "{{x}}", "é"])).map(
    "".join
)


@given(BRACES)
def test_any_template_is_filled_or_refused(words: str) -> None:
    read_any_template(words)


PREFIXES = st.tuples(
    st.sampled_from(['a word, "two\\\\ three" é \U0001f600 end', "data:a/b,c", "http://a/b.png"]), st.integers(0, 40)
).map(lambda pair: pair[0][: pair[1]])
EXTRAS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {},
        {},
        {},
        {"partial": False},
        {"usage": {"cost": 1}},
        {"error": None},
        {"error": "e"},
        {"reasoning": "r"},
        {"model": "m"},
    ]
)
KINDS: list[st.SearchStrategy[dict[str, Any]]] = [
    st.tuples(PREFIXES, EXTRAS).map(lambda pair: {"output": pair[0], "partial": True} | pair[1]),
    PREFIXES.map(lambda words: {"choices": [{"delta": {"content": words}}]}),
    PREFIXES.map(lambda words: {"type": "response.output_text.delta", "delta": words}),
    PREFIXES.map(lambda words: {"text": words, "output": words}),
    st.tuples(PREFIXES, st.integers(0, 2)).map(
        lambda pair: {"type": "response.output_text.delta", "output_index": pair[1], "delta": pair[0]}
    ),
    st.tuples(PREFIXES, st.integers(0, 2)).map(
        lambda pair: {"choices": [{"index": pair[1], "delta": {"content": pair[0]}, "finish_reason": pair[0][:1]}]}
    ),
    PREFIXES.map(lambda words: {"choices": [{"message": {"content": words}}]}),
    PREFIXES.map(lambda words: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": words}}),
    PREFIXES.map(lambda words: {"candidates": [{"content": {"parts": [{"text": words}]}}]}),
    PREFIXES.map(lambda words: {"message": {"content": words}, "done": False}),
]
LINES_BEFORE = st.sampled_from(["", "", "", "", "event: event\n", "event: error\n", "id: 1\n"])


def _event(before: str, said: dict[str, Any], escaped: bool) -> str:  # noqa: FBT001 - drawn by hypothesis
    return f"{before}data: {json.dumps(said, ensure_ascii=escaped)}\n\n"


LIKE_EVENTS = st.one_of(
    [st.lists(st.builds(_event, LINES_BEFORE, kind, st.booleans()), max_size=8) for kind in [*KINDS, st.one_of(KINDS)]]
).map(lambda events: "".join(events).encode())


@given(LIKE_EVENTS, st.lists(st.integers(0, 600), max_size=4))
def test_events_that_are_like_each_other_mean_the_same_wherever_they_are_cut(body: bytes, cuts: list[int]) -> None:
    read_any_body("text/event-stream", body, cuts)
