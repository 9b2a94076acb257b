"""Bodies of every kind, under right and wrong content types, are read the same however they are cut."""

import base64
import json
import tracemalloc
import wave
from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.errors import InvalidResponse
from fal_notebook.media.media import Media, sniff
from fal_notebook.media.wav import wav_header, wav_seconds
from fal_notebook.response.content import Content
from fal_notebook.response.sse import EventStreamDecoder, ServerSentEvent
from fal_notebook.response.updates import Json, Piece, Preview, Progress, Text, Update

SSE = "text/event-stream; charset=utf-8"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CAT = "https://v3.fal.media/files/cat.png"
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(range(40))
SAMPLES = bytes(range(50))
MIB = 2**20


def events(*values: Any, end: str = "\n") -> bytes:
    """An event stream of the values, with the order of fields that fal's events have."""
    words = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
    return "".join(f"event: event{end}data: {each}{end}{end}" for each in words).encode()


def snapshot(words: str, **more: Any) -> dict[str, Any]:
    return {"output": words, "partial": True, "error": None, **more}


def chunk(words: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": words}}]}


def sound(data: bytes) -> dict[str, str]:
    return {"audio": base64.b64encode(data).decode()}


# Every stream shape that is known, each with its content type.
SHAPES: dict[str, tuple[str | None, bytes]] = {
    "snapshots": (
        SSE,
        events(
            snapshot("Zür"), snapshot("Zürich"), snapshot("Zürich"), snapshot("Zürich 🎈", partial=False), end="\r\n"
        ),
    ),
    "rewritten": (SSE, events(snapshot("The cat"), snapshot("The dog"), snapshot("A dog"))),
    "deltas": (SSE, events(chunk("Zür"), chunk("ich"), {"choices": [], "usage": {"cost": 0.1}}, "[DONE]")),
    "reasoning": (SSE, events(snapshot("", reasoning="Hm"), snapshot("4", reasoning="Hmm"))),
    "error": (SSE, events(snapshot("4"), {"output": "4", "partial": False, "error": "ou☹"})),
    "usage": (SSE, events(snapshot("4"), {"output": "4", "usage": {"prompt_tokens": 2, "cost": 1e-6}, "model": "m"})),
    "previews": (
        SSE,
        events(
            {"image": {"url": Media("image/png", PNG).data_uri()}},
            {"images": [{"url": CAT, "width": 8, "height": 8}], "seed": 1},
            end="\r",
        ),
    ),
    "progress": (SSE, events({"progress": 0.25, "message": "é"}, {"progress": 1}, {"images": [{"url": CAT}]})),
    "sound": (SSE, events(sound(SAMPLES[:7]), sound(SAMPLES[7:8]), sound(SAMPLES[8:]), {"done": True})),
    "workflow": (
        SSE,
        events(
            {"type": "submit", "node_id": "n", "app_id": "a", "request_id": "r"},
            {"type": "completion", "node_id": "n", "output": {"output": "draft"}},
            {"type": "output", "output": {"output": "A cat", "image": {"url": CAT}}},
        ),
    ),
    "plain events": (SSE, b"data: A\n\ndata:  cat\n\ndata: [DONE]\n\n"),
    "failed event": (SSE, b"data: A\n\nevent: error\ndata: out of memory\n\n"),
    "no last blank line": (SSE, events(snapshot("A"), snapshot("A cat"))[:-2]),
    "json": ("application/json", b' {"output": "Z\xc3\xbcrich", "image": {"url": "https://fal.media/x.png"}}\n'),
    "json list": ("Application/JSON; charset=utf-8", b'[{"url": "https://fal.media/x", "content_type": "image/png"}]'),
    "problem": ("application/problem+json", b'{"title": "no", "detail": "out of balance"}'),
    "words": ("text/plain; charset=utf-8", "Zürich 🎈\r\n".encode()),
    "latin words": ("text/plain; charset=iso-8859-1", "Zürich".encode("latin-1")),
    "broken words": ("text/plain", b"Z\xfcrich \xf0\x9f"),
    "mp3": ("audio/mpeg", MP3),
    "wav": ("audio/wav", wav_header(16_000) + SAMPLES),
    "mulaw": ("audio/basic", SAMPLES),
    "pcm": ("audio/pcm;rate=24000;channels=2", SAMPLES),
    "sound under another label": (SSE, MP3),
    "wav under another label": (SSE, wav_header(16_000) + SAMPLES),
    "picture": ("image/png", PNG),
    "picture without a label": (None, PNG),
    "bytes without a label": (None, b"\x01\x02 something"),
    "short": ("text/plain", b"RIFF"),
    **{
        f"{name} as {label}": (label, body)
        for name, body in {
            "a problem": b'\xef\xbb\xbf{\n  "detail": "Model is cold",\r\n\r\n  "status": 503\n}\n',
            "lines": '{"output": "Zür"}\r\n{"output": "Zürich 🎈"}\n\n{"usage": {"cost": 1}}'.encode(),
            "events": events(snapshot("Zür"), snapshot("Zürich 🎈")),
            "commented events": b": hello\r\rid: 4\rdata: A\r\rdata:  cat\r\r",
            "words": "\ufeff\n  id: Zürich 🎈\nevents\n\ndata: none\n".encode(),
            "bytes": "data: Zürich\n".encode() + bytes(range(256)),
        }.items()
        for label in (None, SSE, "application/json", "application/x-ndjson", "text/plain", "application/yaml")
        if not (label in (SSE, "application/json") and name in ("words", "bytes"))
    },
    **{f"empty {kind}": (kind, b"") for kind in (None, SSE, "application/json", "text/plain", "audio/mpeg")},
}
ANY_SHAPE = pytest.mark.parametrize(("label", "body"), SHAPES.values(), ids=SHAPES)


def read(label: str | None, pieces: Sequence[bytes]) -> tuple[Content, list[Update]]:
    content = Content(label)
    updates = [update for piece in pieces for update in content.feed(piece)]
    return content, updates + content.finish()


def whole(label: str | None, body: bytes) -> Content:
    return read(label, [body])[0]


def facts(content: Content) -> tuple[Any, ...]:
    said = (content.text, content.reasoning, content.data, content.error, content.usage, content.model)
    return (*said, content.media, content.events)


def folded(updates: list[Update]) -> str:
    text = ""
    for update in updates:
        if isinstance(update, Text):
            text = text[: update.offset] + update.new
    return text


def cut(body: bytes, places: Sequence[int]) -> list[bytes]:
    bounds = [0, *sorted(place for place in places if place < len(body)), len(body)]
    return [body[start:end] for start, end in pairwise(bounds)]


@ANY_SHAPE
def test_a_body_cut_in_two_at_any_byte_means_the_same(label: str | None, body: bytes) -> None:
    expected = facts(whole(label, body))
    for place in range(len(body) + 1):
        assert facts(read(label, [body[:place], body[place:]])[0]) == expected


@ANY_SHAPE
def test_a_body_of_single_bytes_means_the_same(label: str | None, body: bytes) -> None:
    content, updates = read(label, cut(body, range(1, len(body))))
    assert facts(content) == facts(whole(label, body))
    assert folded(updates) == content.text


@given(st.sampled_from(list(SHAPES)), st.lists(st.integers(0, 600), max_size=12))
def test_a_body_cut_in_any_pieces_means_the_same(shape: str, places: list[int]) -> None:
    label, body = SHAPES[shape]
    content, updates = read(label, cut(body, places))
    assert facts(content) == facts(whole(label, body))
    assert folded(updates) == content.text


SENTENCE = 'The cat\n sat on "the" mat, said Zürich\'s \\ 🎈 and purred.'
NAMES = st.sampled_from(["text", "output"])
PLACES = st.lists(st.integers(0, 3000), max_size=9)
MORE = st.sampled_from([{}, {"partial": True}, {"partial": False, "error": None}])


@given(NAMES, MORE, st.lists(st.integers(0, len(SENTENCE)), min_size=1, max_size=20), st.text("ab", max_size=4), PLACES)
def test_snapshots_however_cut_give_the_newest(
    name: str, more: dict[str, Any], lengths: list[int], last: str, places: list[int]
) -> None:
    snapshots = [*(SENTENCE[:length] for length in sorted(lengths)), SENTENCE, last]
    if lengths and not 9 < max(lengths) < len(SENTENCE):  # nothing is settled: the last would be a delta
        snapshots.pop()
    content, updates = read(SSE, cut(events(*({name: each, **more} for each in snapshots)), places))
    assert folded(updates) == content.text == ([each for each in snapshots if each][-1])


@st.composite
def deltas_of_a_text(draw: st.DrawFn) -> list[str]:
    """The pieces of a text in which no character occurs twice."""
    text = "".join(draw(st.permutations('abcdefghij🎈é"\\')))
    bounds = sorted(draw(st.sets(st.integers(1, len(text) - 1), min_size=2)))
    return [text[first:last] for first, last in pairwise([0, *bounds, len(text)])]


@given(NAMES, MORE, deltas_of_a_text(), st.sampled_from(["none", "empty", "whole"]), PLACES)
def test_deltas_under_the_names_of_snapshots_however_cut_give_all_of_them(
    name: str, more: dict[str, Any], pieces: list[str], end: str, places: list[int]
) -> None:
    text = "".join(pieces)
    values = pieces + {"none": [], "empty": [""], "whole": [text]}[end]
    content, updates = read(SSE, cut(events(*({name: each, **more} for each in values)), places))
    assert folded(updates) == content.text == text


@given(st.lists(st.text("ab🎈é\n", max_size=8), max_size=12), MORE, PLACES)
def test_any_pieces_however_cut_mean_the_same(pieces: list[str], more: dict[str, Any], places: list[int]) -> None:
    body = events(*({"output": each, **more} for each in pieces))
    content, updates = read(SSE, cut(body, places))
    assert folded(updates) == content.text
    assert facts(content) == facts(whole(SSE, body))


LONG = 'Zürich 🎈 said\n"no\\".'
BLOCKS = st.one_of(
    st.integers(0, len(LONG)).map(lambda length: events(snapshot(LONG[:length]))),
    st.integers(0, len(LONG)).map(lambda length: events(json.dumps(snapshot(LONG[:length])))),
    st.integers(0, 25).map(lambda length: events(snapshot("https://fal.media/cat.png"[:length]))),
    st.sampled_from(
        [
            events(snapshot("Z", partial=False)),
            events(snapshot("Z"), end="\r\n"),
            b": ping\n\n",
            b"id: 7\n",
            b"event: error\n",
            b"\n",
            b"data: ",
            events(chunk("Z")),
            *(
                b'event: event\ndata: {"output": "Z%s", "partial": true, "error": null}\n\n' % words
                for words in (b"\\", b"\\u00", b'\\"', b'", "output": "x', b"\xc3", b"\xc3\xbc", b"\r", b"\t")
            ),
        ]
    ),
)


@given(st.lists(BLOCKS, max_size=12), st.lists(st.integers(0, 1500), max_size=5))
def test_snapshots_and_what_comes_between_them_mean_the_same_however_they_arrive(
    blocks: list[bytes], places: list[int]
) -> None:
    known, body = events(snapshot(""), snapshot("Z")), b"".join(blocks)
    contents = [
        read(SSE, [known, *pieces]) for pieces in ([body], cut(body, places), cut(body, range(1, len(body))), blocks)
    ]
    decoder = EventStreamDecoder()
    assert [*decoder.feed(known + body), *decoder.close()] == contents[0][0].events
    for content, _ in contents:
        assert facts(content) == facts(contents[0][0])


@given(st.lists(st.text("ab🎈é\n", max_size=8), max_size=6), st.lists(st.integers(0, 500), max_size=9))
def test_any_deltas_fold_to_their_sum(deltas: list[str], places: list[int]) -> None:
    content, updates = read(SSE, cut(events(*map(chunk, deltas), "[DONE]"), places))
    assert folded(updates) == content.text == "".join(deltas)


def _are_samples(pieces: list[bytes]) -> bool:
    """Whether the first piece does not happen to begin like a sound file."""
    return not sniff(next(filter(None, pieces), b""), samples=True)


@given(st.lists(st.binary(max_size=9), max_size=6).filter(_are_samples), st.lists(st.integers(0, 500), max_size=9))
def test_any_pieces_of_sound_make_one_recording(pieces: list[bytes], places: list[int]) -> None:
    content, updates = read(SSE, cut(events(*map(sound, pieces)), places))
    samples = b"".join(pieces)
    assert b"".join(update.data for update in updates if isinstance(update, Piece)) == samples
    assert [(media.data or b"")[44:] for media in content.media] == ([samples] if samples else [])


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"%PDF-1", b"\xff\xfb\x90"])
def test_samples_that_begin_like_another_kind_of_file_are_sound(start: bytes) -> None:
    samples = start.ljust(16, b"\x00")
    content, updates = read(SSE, [events(sound(samples))])
    assert content.media == (Media("audio/wav", content.media[0].data),)
    assert (content.media[0].data or b"")[44:] == samples
    (piece,) = [update for update in updates if isinstance(update, Piece)]
    assert piece.content_type == "audio/pcm;rate=16000;channels=1"


@ANY_SHAPE
def test_finishing_twice_changes_nothing(label: str | None, body: bytes) -> None:
    content = whole(label, body)
    before = facts(content)
    assert content.finish() == []
    assert facts(content) == before


def test_snapshots_end_as_the_last_one() -> None:
    content = whole(*SHAPES["snapshots"])
    assert content.text == "Zürich 🎈"
    assert content.data == {"output": "Zürich 🎈", "partial": False, "error": None}
    assert len(content.events) == 4
    assert content.events[0].event == "event"


def test_text_is_there_while_it_streams() -> None:
    content = Content(SSE)
    assert content.feed(events(snapshot("A"))) == [Text("A", 0)]
    assert content.feed(events(snapshot("A cat"))) == [Text(" cat", 1)]
    assert content.text == "A cat"


def test_a_rewritten_snapshot_is_told_from_the_common_start() -> None:
    _, updates = read(*SHAPES["rewritten"][:1], [SHAPES["rewritten"][1]])
    assert updates == [Text("The cat", 0), Text("dog", 4), Text("A dog", 0)]


def test_openais_stream_ends_with_done_and_its_usage() -> None:
    content = whole(*SHAPES["deltas"])
    assert (content.text, content.usage) == ("Zürich", {"cost": 0.1})
    assert content.events[-1] == ServerSentEvent("[DONE]", "event")
    assert content.error is None


def test_reasoning_is_no_part_of_the_text() -> None:
    content = whole(*SHAPES["reasoning"])
    assert (content.text, content.reasoning) == ("4", "Hmm")


def test_an_error_in_the_stream_leaves_the_words_before_it() -> None:
    content = whole(*SHAPES["error"])
    assert (content.text, content.error) == ("4", "ou☹")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("out of memory", "out of memory"),
        ('{"error": "out of memory"}', "out of memory"),
        ('{"detail": "out of memory"}', {"detail": "out of memory"}),
        ('"out of memory"', "out of memory"),
        ("", "error"),
    ],
)
def test_an_event_that_is_named_error_is_one(data: str, error: Any) -> None:
    assert whole(SSE, f"event: error\ndata: {data}\n\n".encode()).error == error


def test_usage_and_model_are_told() -> None:
    content = whole(*SHAPES["usage"])
    assert (content.usage, content.model) == ({"prompt_tokens": 2, "cost": 1e-6}, "m")


def test_the_last_preview_is_the_picture() -> None:
    content, updates = read(SHAPES["previews"][0], [SHAPES["previews"][1]])
    assert updates == [
        Preview((Media("image/png", PNG),)),
        Preview((Media("image/png", url=CAT, width=8, height=8),)),
    ]
    assert content.media == (Media("image/png", url=CAT, width=8, height=8),)


def test_progress_is_told_and_not_kept() -> None:
    content, updates = read(SHAPES["progress"][0], [SHAPES["progress"][1]])
    assert updates[:2] == [Progress(0.25, "é"), Progress(1.0, "")]
    assert content.media == (Media("image/png", url=CAT),)


def test_sound_in_events_becomes_one_wav() -> None:
    (media,) = whole(*SHAPES["sound"]).media
    assert media.data
    with wave.open(BytesIO(media.data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.readframes(100)) == (16_000, 1, SAMPLES)


def test_the_output_of_a_workflow_is_the_answer() -> None:
    content = whole(*SHAPES["workflow"])
    assert (content.text, content.media) == ("A cat", (Media("image/png", url=CAT),))


def test_a_json_body_is_text_files_and_a_value() -> None:
    content, updates = read("application/json", [SHAPES["json"][1]])
    assert content.text == folded(updates) == "Zürich"
    assert content.data == {"output": "Zürich", "image": {"url": "https://fal.media/x.png"}}
    assert content.media == (Media("image/png", url="https://fal.media/x.png"),)
    assert content.events == []


def test_a_problem_is_json() -> None:
    assert whole(*SHAPES["problem"]).data == {"title": "no", "detail": "out of balance"}


@pytest.mark.parametrize("body", [b'{"output": "A', b"<html>502</html>", b'{"a": "\xff"}', b"\xef\xbb"])
def test_json_that_is_none_is_an_error_and_stays_readable(body: bytes) -> None:
    content = Content("application/json")
    content.feed(body)
    with pytest.raises(InvalidResponse, match="says that it is JSON and is not"):
        content.finish()
    assert content.text == body.decode("utf-8", "replace")
    assert content.data is None


@pytest.mark.parametrize("label", ["application/json", "text/event-stream", "application/x-ndjson", ""])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" + b"[]," * 1_000_000 + b"[]]", "has more than 1,000,000 values"),
        (b"[" + b"1," * 2_000_000 + b"1]", "has more than 1,000,000 values"),
        (b"[" + b'{"a":1},' * 400_000 + b"{}]", "would take more than 8 times its size in memory"),
        (b"[" * 300 + b"]" * 300, "is nested deeper than 200"),
        (b"[" * 5_000 + b"]" * 5_000, "is nested deeper than 200"),
    ],
    ids=["lists", "numbers", "objects", "deep", "deeper"],
)
def test_json_that_is_dear_to_decode_is_kept_as_text_with_a_word(label: str, body: bytes, reason: str) -> None:
    content = Content(label)
    content.feed(b"data: " + body + b"\n\n" if label == "text/event-stream" else body)
    content.finish()
    assert content.text == body.decode()
    assert content.data is None
    assert content.note == f"its JSON {reason}: it is kept as text"


@pytest.mark.parametrize(
    "value",
    [
        {"text": "[{," * 2_000_000},
        {"words": [{"start": each / 10, "end": each / 10 + 0.1, "text": "word"} for each in range(100_000)]},
        {"embedding": [0.1234567] * 500_000},
        {"image": "x" * 10_000_000},
    ],
    ids=["brackets in words", "times of words", "numbers", "one long string"],
)
def test_what_large_answers_are_made_of_is_decoded(value: Any) -> None:
    content = whole("application/json", json.dumps(value).encode())
    assert content.data == value
    assert content.note == ""


@pytest.mark.parametrize("body", [b"", b" \r\n", b"null"])
def test_a_json_body_may_be_empty(body: bytes) -> None:
    content = whole("application/json", body)
    assert (content.text, content.data, content.media) == ("", None, ())


@pytest.mark.parametrize(
    ("label", "body", "text"),
    [
        ("text/plain", "Zürich".encode(), "Zürich"),
        ("text/plain; charset=iso-8859-1", "Zürich".encode("latin-1"), "Zürich"),
        ('text/plain; charset="UTF-16"', "Zürich".encode("utf-16"), "Zürich"),
        ("text/html", b"<b>x</b>", "<b>x</b>"),
        ("text/plain; charset=unheard-of", "Zürich".encode(), "Zürich"),
        ("text/plain", b"Z\xfcrich", "Z\ufffdrich"),
        ("text/plain", b"cut \xf0\x9f", "cut \ufffd"),
    ],
)
def test_words_are_read_in_their_charset(label: str, body: bytes, text: str) -> None:
    assert whole(label, body).text == text


@pytest.mark.parametrize(
    "charset", ["hex", "base64", "zlib", "rot13", "undefined", "idna", "punycode", '"utf\0"', "*x"]
)
def test_a_charset_that_is_none_is_utf8(charset: str) -> None:
    assert whole(f"text/plain; charset={charset}", b"words").text == "words"


def test_broken_utf8_in_events_is_replaced() -> None:
    assert whole(SSE, b'data: {"output": "Z\xfcrich"}\n\n').text == "Z\ufffdrich"


@pytest.mark.parametrize(
    ("label", "body", "content_type"),
    [
        ("audio/mpeg", MP3, "audio/mpeg"),
        ("audio/mpeg", b"\x00\x01 an unknown frame", "audio/mpeg"),
        (SSE, MP3, "audio/mpeg"),
        (SSE, b"\xff\xfb\x90\x44" + bytes(20), "audio/mpeg"),
        ("text/plain", PNG, "image/png"),
        ("application/json", PNG, "image/png"),
        ("application/octet-stream", b"OggS\x00\x02" + bytes(20), "audio/ogg"),
        (None, PNG, "image/png"),
        ("", PNG, "image/png"),
        ("nonsense", PNG, "image/png"),
        ("audio/mpeg", PNG, "image/png"),
        ("video/mp4; codecs=x", b"\x00\x00\x00\x20ftypisom" + bytes(20), "video/mp4"),
        (None, b"\x01\x02\x03", "application/octet-stream"),
        ("application/zip", b"PK\x03\x04", "application/zip"),
    ],
)
def test_a_file_is_what_it_is_whatever_its_label(label: str | None, body: bytes, content_type: str) -> None:
    content, updates = read(label, [body])
    assert content.media == (Media(content_type, body),)
    assert b"".join(update.data for update in updates if isinstance(update, Piece)) == body
    assert content.text == ""


@pytest.mark.parametrize("label", ["audio/wav", SSE, None])
def test_a_wav_with_a_bogus_length_gets_its_true_one(label: str | None) -> None:
    (media,) = whole(label, wav_header(16_000) + bytes(32_000)).media
    assert media.content_type == "audio/wav"
    assert wav_seconds(media.data or b"") == 1.0
    with wave.open(BytesIO(media.data or b"")) as file:
        assert file.getnframes() == 16_000


@pytest.mark.parametrize(
    ("label", "rate", "channels", "width"),
    [
        ("audio/pcm", 16_000, 1, 2),
        ("audio/pcm;rate=24000", 24_000, 1, 2),
        ("audio/x-pcm; rate=44100; channels=2", 44_100, 2, 2),
        ("audio/pcm;rate=0;channels=none", 16_000, 1, 2),
        ("audio/pcm;rate=-5", 16_000, 1, 2),
    ],
)
def test_raw_samples_become_a_wav(label: str, rate: int, channels: int, width: int) -> None:
    (media,) = whole(label, b"\xff\xfb\x90\x44" * 10).media
    assert media.content_type == "audio/wav"
    with wave.open(BytesIO(media.data or b"")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate, channels, width)
        assert file.readframes(100) == b"\xff\xfb\x90\x44" * 10


@pytest.mark.parametrize(
    "parameters",
    ["channels=70000", "rate=2147483647;channels=9", "rate=" + "9" * 5_000],
    ids=["channels", "both", "digits"],
)
def test_numbers_that_no_wav_can_have_do_no_harm(parameters: str) -> None:
    (media,) = whole(f"audio/pcm;{parameters}", SAMPLES).media
    assert (media.data or b"").endswith(SAMPLES)


@pytest.mark.parametrize("label", ["audio/basic", "audio/mulaw", "audio/x-mulaw"])
def test_mulaw_samples_become_a_wav_that_says_so(label: str) -> None:
    (media,) = whole(label, SAMPLES).media
    assert media.data
    assert media.data[20:22] == b"\x07\x00"
    assert media.data[44:] == SAMPLES
    assert wav_seconds(media.data) == len(SAMPLES) / 8_000


def test_a_wav_under_the_label_of_raw_samples_gets_no_second_header() -> None:
    (media,) = whole("audio/pcm", wav_header(8_000) + SAMPLES).media
    assert wav_seconds(media.data or b"") == len(SAMPLES) / 16_000


def test_pieces_carry_the_parameters_of_their_type() -> None:
    _, updates = read("audio/pcm;rate=24000", [SAMPLES])
    assert updates == [Piece(SAMPLES, "audio/pcm;rate=24000")]


@pytest.mark.parametrize("label", [None, "", SSE, "application/json", "text/plain", "audio/mpeg", "audio/pcm"])
def test_an_empty_body_says_nothing(label: str | None) -> None:
    content, updates = read(label, [])
    assert updates == []
    assert facts(content) == ("", "", None, None, None, None, (), [])


def test_nothing_is_said_before_anything_came() -> None:
    assert facts(Content(SSE)) == ("", "", None, None, None, None, (), [])


def body_of(head: bytes, size: int) -> Callable[[Content], None]:
    def feed(content: Content) -> None:
        content.feed(head + bytes(64 * 1024 - len(head)))
        for _ in range(size // (64 * 1024) - 1):
            content.feed(bytes(64 * 1024))
        content.finish()

    return feed


@pytest.mark.parametrize(
    ("label", "head"), [("audio/mpeg", MP3), ("audio/pcm", b""), ("audio/wav", wav_header(16_000)), (None, b"")]
)
def test_a_large_file_is_kept_once(label: str | None, head: bytes) -> None:
    content, feed = Content(label), body_of(head, 32 * MIB)
    tracemalloc.start()
    try:
        feed(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(content.media[0].data or b"") in (32 * MIB, 32 * MIB + 44)
    assert peak < 1.3 * 32 * MIB


def test_a_large_message_is_kept_once() -> None:
    message, content = MP3 + bytes(16 * MIB), Content("audio/mpeg")
    tracemalloc.start()
    try:
        content.feed(message)
        content.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert content.media[0].data == message
    assert peak < 1.3 * 16 * MIB


def test_a_plain_event_does_not_hide_the_answer() -> None:
    content = Content("text/event-stream")
    content.feed(b'data: ping\n\ndata: {"output": "the answer"}\n\n')
    content.finish()
    assert content.text == "the answer"


PROBLEM = b'{"detail": "Model is cold, try later"}'
LINES = b'{"output": "A"}\n{"output": "A cat"}\n'
JSON_LINES_LABELS = ["application/x-ndjson", "application/jsonl", "application/json-lines", "application/stream+json"]
NO_LABELS = [None, "", "application/octet-stream", "nonsense"]


@pytest.mark.parametrize("label", [SSE, "application/json", *JSON_LINES_LABELS, *NO_LABELS])
@pytest.mark.parametrize(
    "body", [PROBLEM, b"\xef\xbb\xbf" + PROBLEM, json.dumps(json.loads(PROBLEM), indent=2).encode()]
)
def test_one_json_value_is_read_under_each_label_that_is_not_words(label: str | None, body: bytes) -> None:
    assert whole(label, body).data == json.loads(PROBLEM)


@pytest.mark.parametrize("label", [SSE, "application/json", *JSON_LINES_LABELS, *NO_LABELS])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n"])
def test_json_lines_are_events_under_each_label_that_is_not_words(label: str | None, end: bytes) -> None:
    content, updates = read(label, [LINES.replace(b"\n", end)])
    assert [event.json() for event in content.events] == [{"output": "A"}, {"output": "A cat"}]
    assert content.text == folded(updates) == "A cat"


@pytest.mark.parametrize("label", JSON_LINES_LABELS)
def test_json_lines_are_there_while_they_stream(label: str) -> None:
    content = Content(label)
    assert content.feed(LINES[:20]) == [Text("A", 0)]
    assert content.feed(LINES[20:]) == [Text(" cat", 1)]


def test_a_json_sequence_is_lines() -> None:
    assert whole("application/json-seq", LINES.replace(b"{", b"\x1e{")).text == "A cat"


@pytest.mark.parametrize(
    "label", ["application/json", "text/plain; charset=utf-8", "text/html", *JSON_LINES_LABELS, *NO_LABELS]
)
def test_plain_events_are_events_under_other_labels(label: str | None) -> None:
    content = Content(label)
    assert content.feed(events(snapshot("A"))) == [Text("A", 0)]
    assert content.feed(events(snapshot("A cat"))) == [Text(" cat", 1)]


@pytest.mark.parametrize(
    "words",
    [
        "data: none of it",
        "id: 4\nname: x",
        "event: party",
        "identity",
        ": a list",
        "date",
        "{}",
        "[1]\n",
        "event: x\ndat",
    ],
)
def test_words_that_resemble_events_are_words(words: str) -> None:
    content, updates = read("text/plain", cut(words.encode(), range(1, len(words))))
    assert content.text == folded(updates) == words


def test_words_are_held_back_for_their_first_lines_alone() -> None:
    content = Content("text/plain")
    assert content.feed(b"id: 4\n") == []
    assert content.feed(b"name") == [Text("id: 4\nname", 0)]
    assert Content("text/plain").feed(b": " + b"x" * 5_000) != []


@pytest.mark.parametrize(
    "body", [b"Model is cold", b"<html>\n\n<b>502</b></html>", b'{"output": "A cat', b"{}\n{]", "Zürich\n".encode()]
)
def test_a_stream_of_events_without_any_is_an_error_and_stays_readable(body: bytes) -> None:
    content = Content("text/event-stream")
    content.feed(body)
    with pytest.raises(InvalidResponse, match="says that it is a stream of events and is not"):
        content.finish()
    assert content.text.strip() == body.decode().strip()


@pytest.mark.parametrize("body", [b'data: {"output": "A cat', b'event: event\ndata: {"output":\n'])
def test_a_stream_that_is_half_an_event_is_an_error_and_stays_readable(body: bytes) -> None:
    content = Content(SSE)
    content.feed(body)
    with pytest.raises(InvalidResponse, match="breaks off"):
        content.finish()
    assert content.text.startswith('{"output":')


@pytest.mark.parametrize("body", [b": ping\n\n", b"retry: 10\n\n", b"id: 4\n", b"\n\n"])
def test_a_stream_of_comments_may_be_empty(body: bytes) -> None:
    assert facts(whole(SSE, body)) == facts(Content(SSE))


@pytest.mark.parametrize("label", NO_LABELS)
@pytest.mark.parametrize("words", ["Zürich 🎈", '{"output": "A', "a,b\r\n1,2\r\n", "x" * 100_000])
def test_words_without_a_label_are_words(label: str | None, words: str) -> None:
    content, updates = read(label, cut(words.encode(), range(3, 20)))
    assert content.text == folded(updates) == words
    assert content.media == ()


@pytest.mark.parametrize("label", NO_LABELS)
@given(body=st.binary(), places=st.lists(st.integers(0, 40), max_size=4))
def test_a_body_without_a_label_is_whole_as_words_or_as_a_file(
    label: str | None, body: bytes, places: list[int]
) -> None:
    body = b"some words " + body
    content, updates = read(label, cut(body, places))
    if content.media:
        assert content.media[0].data == body == b"".join(each.data for each in updates if isinstance(each, Piece))
    else:
        assert content.text.encode() == body


@pytest.mark.parametrize(
    "label",
    [
        *("application/yaml", "application/x-yaml", "application/xml", "application/atom+xml", "application/x-subrip"),
        *("application/srt", "text/vtt", "text/csv", "application/csv", "application/toml", "application/javascript"),
        *("text/markdown", "application/x-www-form-urlencoded", "application/xhtml+xml"),
    ],
)
def test_formats_of_words_are_words(label: str) -> None:
    assert whole(label, "\ufeffZürich".encode()).text == "Zürich"
    assert whole(f"{label}; charset=latin-1", "Zürich".encode("latin-1")).text == "Zürich"


def test_a_drawing_in_xml_is_a_picture() -> None:
    assert whole("image/svg+xml", b"<svg/>").media == (Media("image/svg+xml", b"<svg/>"),)


def test_plain_words_behind_a_json_answer_are_none_of_it() -> None:
    content, updates = read(SSE, [events(snapshot("A cat")) + b"data: done\n\n" + events(snapshot("A cat sat"))])
    assert updates == [Text("A cat", 0), Json("done"), Text(" sat", 5)]
    assert content.text == folded(updates) == "A cat sat"


def test_sound_that_is_the_whole_of_a_json_body_is_a_file() -> None:
    (media,) = whole("application/json", json.dumps(sound(SAMPLES)).encode()).media
    assert (media.data or b"")[44:] == SAMPLES


def test_events_of_another_kind_are_named_beside_words_and_only_there() -> None:
    other = {"telemetry": 1}
    assert whole(SSE, events(snapshot("A"), other)).note == "1 event of another kind: in .events"
    assert whole(SSE, events(snapshot("A"), other, "B", other)).note == "3 events of another kind: in .events"
    assert whole(SSE, events(other, other)).note == ""
    assert whole(SSE, events(snapshot("A"), snapshot("A cat"))).note == ""
    assert whole("application/json", b'[{"output": "A"}]').note == ""
