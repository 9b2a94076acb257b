"""Whatever a server says, in whatever pieces: our own errors at the most, and what is shown can be shown.

``make fuzz`` tries two hundred times as much. What was found stands as an example beside its test.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any, get_args

from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from fal_notebook.arguments import split_line
from fal_notebook.content import Content
from fal_notebook.errors import FalNotebookError
from fal_notebook.media import media_from_data_uri
from fal_notebook.options import parse
from fal_notebook.protocol import Protocol, Start
from fal_notebook.result import Format, Result
from fal_notebook.samples import Playable
from fal_notebook.target import endpoint_name
from fal_notebook.template import fill
from fal_notebook.wav import wav_seconds

from .test_options import PARSER

NAMES = st.sampled_from(
    [
        *("type", "request_id", "status", "headers", "start", "end", "error", "node_id", "submit", "completion"),
        *("output", "partial", "reasoning", "text", "choices", "delta", "content", "message", "progress", "event"),
        *("image", "images", "url", "content_type", "file_name", "width", "height", "duration", "seed", "data"),
        *("audio", "video", "file", "usage", "model", "prompt_tokens", "completion_tokens", "cost"),
        *("detail", "loc", "msg", "has_nsfw_concepts"),
    ]
)
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
    st.sampled_from(["text/event-stream", "application/json", "text/plain", "audio/wav", "audio/pcm", "image/png", ""]),
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


def only_our_errors(work: Callable[[], object]) -> None:
    try:
        work()
    except (FalNotebookError, UsageError) as exc:
        assert "\n" not in str(exc)  # noqa: PT017 - that it is one line is what is tested
        str(exc).encode()


def read_any_start(metadata: Any) -> None:
    protocol = Protocol()
    protocol.send("{}")
    message = json.dumps({"type": "start", **metadata} if isinstance(metadata, dict) else metadata)

    def work() -> None:
        event = protocol.receive(message)
        if isinstance(event, Start):
            repr((event, dict(event.headers), event.headers.get("content-type"), protocol.request_id))
            protocol.receive(json.dumps(metadata))
            protocol.receive(json.dumps({"type": "end", "request_id": event.request_id, "status": []}))

    only_our_errors(work)


def read_any_body(label: str, body: bytes, cuts: list[int]) -> None:
    content = Content(label)
    places = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    for begin, end in pairwise(places):
        content.feed(body[begin:end])
    only_our_errors(content.finish)
    result = Result(
        "a/b",
        text=content.text,
        reasoning=content.reasoning,
        data=content.data,
        media=list(content.media),
        events=content.events,
        usage=content.usage,
        model=content.model,
    )
    for style in get_args(Format):
        for output in result.outputs(style):
            json.dumps(output, ensure_ascii=False, allow_nan=False).encode()  # as it goes to the page
    assert "\n" not in result.status_line + repr(result)
    for media in content.media:
        assert (wav_seconds(media.data or b"") or 0) >= 0


def play_any_sound(label: str, body: bytes, cuts: list[int]) -> None:
    playable = Playable(label)
    places = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    played = b"".join(playable.feed(body[begin:end]) for begin, end in pairwise(places))
    assert played in body


def read_any_words(words: str) -> None:
    only_our_errors(lambda: split_line(words))
    only_our_errors(lambda: parse(PARSER, words.replace("{", "").replace("}", "")))
    only_our_errors(lambda: endpoint_name(words))
    only_our_errors(lambda: media_from_data_uri(words))
    only_our_errors(lambda: fill(words.replace("{{", "{{ 1 + "), {}))


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
