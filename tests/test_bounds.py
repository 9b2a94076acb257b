"""Bodies that are cheap to send but costly to read are read in short steps, within bounded memory, and never lost."""

import gc
import json
import signal
import struct
import time
import tracemalloc
from collections.abc import Callable, Sequence

import pytest
from httpx import Headers

from fal_notebook.client.receiver import Receiver
from fal_notebook.client.result import Result
from fal_notebook.client.streaming import Stream
from fal_notebook.display.live import NoLive, follow
from fal_notebook.media.partial_audio import Playable
from fal_notebook.response import event_stream_body
from fal_notebook.response.updates import Update
from fal_notebook.wire.protocol import Data, End, Start
from fal_notebook.wire.target import Target

MOMENT = 0.6  # seconds of this thread for one step; ten times the usual time, for a busy machine
DEAREST = 12  # the most memory for a body, as a multiple of its size: for what is kept and what is made meanwhile
ALWAYS = 100_000_000  # bytes of memory that are allowed for any body, however short it is

URLS = [f"https://fal.media/{number}.png" for number in range(100_000)]
BODIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "empty lists": ("application/json", lambda: b"[" + b"[]," * 1_500_000 + b"[]]"),
    "choices": (
        "application/json",
        lambda: json.dumps({"choices": [{"message": {"content": "x"}}] * 100_000}).encode(),
    ),
    "calls": (
        "application/json",
        lambda: json.dumps({"choices": [{"message": {"tool_calls": [{"function": {"name": "f"}}] * 80_000}}]}).encode(),
    ),
    "sources": ("application/json", lambda: json.dumps({"choices": [], "citations": URLS}).encode()),
    "pieces of a call": (
        "text/event-stream",
        lambda: b'data:{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"["}}]}}]}\n\n' * 20_000,
    ),
    "closing messages": (
        "text/event-stream",
        lambda: (
            b'data:{"choices":[{"delta":{"content":"%s"}}]}\n\n' % (b"x" * 500_000)
            + b'data:{"choices":[{"message":{"content":"y"}}]}\n\n' * 5_000
        ),
    ),
    "pictures in choices": (
        "text/event-stream",
        lambda: b"".join(
            b'data:{"choices":[{"delta":{"images":[{"url":"https://a.org/%d.png"}]}}]}\n\n' % number
            for number in range(5_000)
        ),
    ),
    "chunks of Gemini in a list": (
        "application/json",
        lambda: json.dumps([{"candidates": [{"content": {"parts": [{"text": "x"}]}}]}] * 20_000).encode(),
    ),
    "bare base64": ("application/json", lambda: json.dumps({"images": ["R0lGODlh" + "A" * 60] * 20_000}).encode()),
    "empty objects": ("application/json", lambda: b"[" + b"{}," * 1_500_000 + b"{}]"),
    "lists in lists": ("application/json", lambda: b"[" * 150 + b"[[[1]]]," * 500_000 + b"1" + b"]" * 150),
    "numbers, nested deep": ("application/json", lambda: b"[" * 400 + b"1," * 900_000 + b"1" + b"]" * 400),
    "numbers, nested": ("application/json", lambda: b"[" * 190 + b"1," * 900_000 + b"1" + b"]" * 190),
    "short words": ("application/json", lambda: json.dumps(["ab"] * 900_000).encode()),
    "objects of one number": ("application/json", lambda: json.dumps([{"a": 1}] * 400_000).encode()),
    "files": ("application/json", lambda: json.dumps({"images": URLS}).encode()),
    "files that say that they are": ("application/json", lambda: json.dumps([{"url": url} for url in URLS]).encode()),
    "an escaped data URI": ("application/json", lambda: json.dumps({"url": "data:a/b," + "%41" * 1_000_000}).encode()),
    "values without lines between": ("application/json", lambda: b"{}" * 1_000_000),
    "one event of lists": ("text/event-stream", lambda: b"data:[" + b"[]," * 1_000_000 + b"[]]\n\n"),
    "events of a letter": ("text/event-stream", lambda: b"data:x\n\n" * 50_000),
    "events of an object": ("text/event-stream", lambda: b"data:{}\n\n" * 50_000),
    "events of a file": ("text/event-stream", lambda: b'data:{"image":{"url":"https://a/b.png"}}\n\n' * 10_000),
    "events of data URIs": ("text/event-stream", lambda: b'data:{"output":"data:' + b"/" * 300_000 + b'"}\n\n'),
    "an event of many lines": ("text/event-stream", lambda: b"data:\n" * 500_000 + b"\n"),
    "comments": ("text/event-stream", lambda: b":\n" * 1_000_000),
    "lines that are no fields": ("text/event-stream", lambda: b"x\n" * 1_000_000),
    "lines of JSON": ("application/x-ndjson", lambda: b"{}\n" * 50_000),
    "lines of JSON that say JSON": ("application/json", lambda: b'{"output":"b"}\n' * 100_000),
    "a WAV file of empty chunks": ("audio/wav", lambda: b"RIFF\x10\0\0\0WAVE" + b"junk\0\0\0\0" * 1_000_000),
    "a label of semicolons": (f"text/plain; {';' * 1_000_000}", lambda: b"words"),
    "a label of samples": (f"audio/pcm{';' * 1_000_000}", lambda: bytes(1_000)),
    "words under no label": ("application/octet-stream", lambda: b"some words " * 400_000),
}


def arrived(label: str, body: bytes) -> Stream:
    """A stream whose whole response has arrived in one message and is still to be read."""
    receiver = Receiver()
    stream = Stream(Target("a/b", "ws://127.0.0.1/a/b"), receiver, lambda: None, nested=False)
    receiver.receive([Start("1", 200, Headers({"content-type": label})), Data(body), End(200, None)])
    receiver.end()
    return stream


def longest(*works: Callable[[], object], until: Callable[[], bool]) -> float:
    """The longest time that any call of the works took on this thread; they are called again until ``until`` holds."""
    times = [0.0]
    gc.freeze()  # else the garbage collector goes through all that the tests before have left
    try:
        while not until():
            for work in works:
                began = time.thread_time()
                work()
                times.append(time.thread_time() - began)
    finally:
        gc.unfreeze()
    return max(times)


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_read_and_shown_in_moments(name: str) -> None:
    label, body = BODIES[name]
    stream = arrived(label, body())
    assert longest(stream.take, until=lambda: stream.is_done) < MOMENT
    shown: list[object] = []
    assert longest(lambda: shown.append(stream.so_far().outputs()), until=lambda: bool(shown)) < MOMENT


@pytest.mark.rig
@pytest.mark.parametrize("name", BODIES)
def test_a_body_takes_no_more_memory_than_a_few_times_its_size(name: str) -> None:
    label, make = BODIES[name]
    body = make()
    tracemalloc.start()
    try:
        stream = arrived(label, body)
        while not stream.is_done:
            stream.take()
        stream.so_far().outputs()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < max(ALWAYS, DEAREST * len(body))


@pytest.mark.parametrize("name", ["empty lists", "objects of one number", "values without lines between"])
def test_what_is_too_dear_to_decode_is_text_in_the_result_and_says_so(name: str) -> None:
    label, make = BODIES[name]
    stream = arrived(label, make())
    result = stream.outcome()
    assert result.text.encode() == make()
    assert result.data is None
    if result.error is None:
        assert "it is kept as text" in result.note
        assert any("it is kept as text" in bundle["text/plain"] for bundle in result.outputs())


def test_an_event_too_many_is_kept_as_a_file_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream_body, "_MOST_EVENTS", 10_000)
    body = b"data:x\n\n" * 20_000
    result = arrived("text/event-stream", body).outcome()
    (rest,) = result.media
    assert rest.data is not None
    assert len(result.events) * 8 + len(rest.data) == len(body)
    assert "more than 10,000 events" in result.note


class InterruptedOnce(NoLive):
    """A live view that is interrupted while it takes its second batch of updates."""

    takes = 0

    def take(self, updates: Sequence[Update]) -> None:
        self.takes += 1
        if self.takes == 2:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("name", ["events of a letter", "events of an object", "lines of JSON", "events of a file"])
def test_an_interrupt_is_heard_while_what_has_come_is_read(name: str) -> None:
    label, make = BODIES[name]
    stream, live = arrived(label, make()), InterruptedOnce()
    with pytest.raises(KeyboardInterrupt):
        follow(stream, live)
    assert live.takes == 2
    assert not stream.is_done
    partial: Result = stream.so_far()
    assert 0 < len(partial.events) < len(stream.outcome().events)


def test_a_wav_header_in_pieces_of_a_byte_is_looked_at_once() -> None:
    body = b"RIFF\x10\0\0\0WAVE" + b"junk\0\0\0\0" * 6_000 + b"data" + struct.pack("<I", 0)
    playable = Playable("audio/wav")
    began = time.thread_time()
    for byte in body:
        playable.feed(bytes([byte]))
    assert time.thread_time() - began < MOMENT
