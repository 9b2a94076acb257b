import base64
from typing import Any

import pytest

from fal_notebook.media.media import Media
from fal_notebook.response.json_events import EventReader
from fal_notebook.response.updates import Json, Piece, Preview, Progress, Reasoning, Text, Update

CAT = "https://v3.fal.media/files/cat.png"


def updates(*values: Any) -> list[Update]:
    reader = EventReader()
    return [update for value in values for update in reader.read(value)]


def reader_of(*values: Any) -> EventReader:
    reader = EventReader()
    for value in values:
        reader.read(value)
    return reader


def delta(content: str, **more: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": content, **more}}]}


def test_only_text_prints() -> None:
    printed = [Text("new", 3), Reasoning("r", 0), Preview(()), Piece(b"x", "audio/wav"), Progress(0.5, "m"), Json({})]
    assert "".join(map(str, printed)) == "new"


def test_cumulative_snapshots_give_what_is_new() -> None:
    values = [{"output": words, "partial": words != "A cat.", "error": None} for words in ("A", "A cat", "A cat.")]
    assert updates(*values) == [Text("A", 0), Text(" cat", 1), Text(".", 5)]
    assert reader_of(*values).text == "A cat."
    assert reader_of(*values).data == values[-1]


def test_a_repeated_snapshot_brings_no_text() -> None:
    first, second = updates({"output": "A", "partial": True}, {"output": "A", "partial": False})
    assert first == Text("A", 0)
    assert second == Json({"output": "A", "partial": False})


def test_a_rewritten_snapshot_begins_where_the_texts_part() -> None:
    assert updates({"output": "The cat sat"}, {"output": "The dog sat"}) == [Text("The cat sat", 0), Text("dog sat", 4)]


@pytest.mark.parametrize("end", [{"output": "", "partial": False}, {"text": "", "done": True}, {"output": " \n"}])
@pytest.mark.parametrize("name", ["output", "text"])
def test_an_empty_end_leaves_the_words(name: str, end: dict[str, Any]) -> None:
    values = [{name: "Hello there.", "reasoning": "Hm"}, {**end, "reasoning": ""}]
    assert updates(*values)[2:] == [Json(values[1])]
    assert (reader_of(*values).text, reader_of(*values).reasoning) == ("Hello there.", "Hm")


def test_an_empty_output_does_not_hide_the_text_beside_it() -> None:
    assert reader_of({"output": "", "text": "Hello"}).text == "Hello"


def test_a_transcript_is_cumulative_too() -> None:
    assert updates({"text": "Good"}, {"text": "Good day"}) == [Text("Good", 0), Text(" day", 4)]


@pytest.mark.parametrize("name", ["text", "output"])
def test_pieces_that_never_repeat_what_came_before_are_deltas(name: str) -> None:
    values = [{name: words} for words in ("Hel", "lo ", "world")]
    assert updates(*values) == [Text("Hel", 0), Text("lo ", 3), Text("world", 6)]
    assert reader_of(*values).text == "Hello world"


def test_reasoning_in_pieces_that_never_repeat_is_joined() -> None:
    values = [{"reasoning": words} for words in ("Let ", "me ", "think.")]
    assert updates(*values) == [Reasoning("Let ", 0), Reasoning("me ", 4), Reasoning("think.", 7)]
    assert reader_of(*values).reasoning == "Let me think."


@pytest.mark.parametrize("name", ["reasoning", "output"])
def test_where_fal_documents_snapshots_two_such_pieces_make_deltas(name: str) -> None:
    def value(words: str) -> dict[str, Any]:
        return {name: words, "partial": True}

    kind = Text if name == "output" else Reasoning
    assert updates(value("Hel"), value("lo "), value("world"), value("!")) == [
        kind("Hel", 0),
        kind("lo ", 0),
        kind("Hello world", 0),
        kind("!", 11),
    ]


def test_openai_deltas_are_appended() -> None:
    values = [delta("", role="assistant"), delta("A"), delta(" cat"), {"choices": [{"delta": {}}]}, {"choices": []}]
    assert [update for update in updates(*values) if isinstance(update, Text)] == [Text("A", 0), Text(" cat", 1)]


def test_only_the_first_of_openais_choices_is_the_answer() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "no"}}]}
    both = {"choices": [{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": "yes"}}]}
    assert reader_of(delta("oh "), other, both).text == "oh yes"


@pytest.mark.parametrize(
    "choice", [{"message": {"content": "A cat"}}, {"text": "A cat"}, {"delta": {"content": "A cat"}}]
)
def test_openais_choices_hold_the_answer_in_three_places(choice: dict[str, Any]) -> None:
    assert reader_of({"choices": [choice]}).text == "A cat"


@pytest.mark.parametrize("choices", ["x", None, [None], ["x"], [{"delta": None}], [{"delta": {"content": [1]}}], [{}]])
def test_choices_of_another_shape_say_nothing(choices: Any) -> None:
    assert updates({"choices": choices}) == [Json({"choices": choices})]


def test_openais_responses_are_appended() -> None:
    values = [
        {"type": "response.created", "response": {}},
        {"type": "response.output_text.delta", "delta": "A"},
        {"type": "response.output_text.delta", "delta": " cat"},
        {"type": "response.output_text.done", "text": "A cat"},
    ]
    assert reader_of(*values).text == "A cat"


def test_reasoning_stands_beside_the_answer() -> None:
    values = [
        {"output": "", "reasoning": "Hm"},
        {"output": "", "reasoning": "Hmm"},
        {"output": "4", "reasoning": "Hmm"},
    ]
    assert updates(*values) == [Reasoning("Hm", 0), Reasoning("m", 2), Text("4", 0)]
    reader = reader_of(*values)
    assert (reader.text, reader.reasoning) == ("4", "Hmm")


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_in_deltas_is_appended(name: str) -> None:
    reader = reader_of(delta("", **{name: "H"}), delta("", **{name: "m"}), delta("4"))
    assert (reader.text, reader.reasoning) == ("4", "Hm")


@pytest.mark.parametrize("error", ["out of tokens", {"message": "out of tokens", "code": 502}])
def test_an_error_in_an_event_is_kept_with_the_text_before_it(error: Any) -> None:
    reader = reader_of({"output": "A cat", "error": None}, {"output": "A cat", "error": error}, {"output": "A cat"})
    assert (reader.error, reader.text) == (error, "A cat")


@pytest.mark.parametrize("error", [None, "", 0, 0.25, 7, False, []])
def test_an_error_that_says_nothing_is_none(error: Any) -> None:
    assert reader_of({"output": "A", "error": error}).error is None


@pytest.mark.parametrize("value", [{"detail": "no"}, {"message": "no"}, {"error": "no"}, "no"])
def test_an_event_that_is_named_error_is_one(value: Any) -> None:
    reader = EventReader()
    reader.read(value, failed=True)
    assert reader.error in (value, "no")


def test_usage_and_model_are_kept() -> None:
    reader = reader_of(
        {"output": "A", "model": "m"}, {"output": "A", "usage": {"cost": 0.1}}, {"usage": None, "model": 1}
    )
    assert (reader.usage, reader.model) == ({"cost": 0.1}, "m")


def test_each_preview_replaces_the_one_before() -> None:
    uri = Media("image/jpeg", b"\xff\xd8\xff").data_uri()
    first, last = Media("image/jpeg", b"\xff\xd8\xff"), Media("image/png", url=CAT, width=8, height=8)
    values = [{"image": {"url": uri}}, {"images": [{"url": CAT, "width": 8, "height": 8}], "seed": 1}]
    assert updates(*values) == [Preview((first,)), Preview((last,))]
    assert reader_of(*values).media == (last,)


def test_an_event_without_files_leaves_those_before() -> None:
    assert reader_of({"image": {"url": CAT}}, {"progress": 1}).media == (Media("image/png", url=CAT),)


@pytest.mark.parametrize(
    ("value", "progress"),
    [
        ({"progress": 0.25, "message": "Denoising"}, Progress(0.25, "Denoising")),
        ({"progress": 0}, Progress(0.0, "")),
        ({"progress": 1}, Progress(1.0, "")),
        ({"progress": 25}, Progress(0.25, "")),
        ({"progress": 250}, Progress(1.0, "")),
        ({"progress": -1}, Progress(0.0, "")),
        ({"message": "Loading"}, Progress(None, "Loading")),
    ],
)
def test_progress_is_a_fraction_and_words(value: dict[str, Any], progress: Progress) -> None:
    assert updates(value) == [progress]


@pytest.mark.parametrize("fraction", [float("nan"), float("inf"), 10**400], ids=["nan", "inf", "huge"])
def test_progress_stays_between_0_and_1(fraction: float) -> None:
    told = [update.fraction for update in updates({"progress": fraction}) if isinstance(update, Progress)]
    assert all(each is None or 0 <= each <= 1 for each in told)


@pytest.mark.parametrize("value", [{"progress": "half"}, {"progress": True}, {"message": ""}, {"progress": None}])
def test_progress_of_another_type_is_none(value: dict[str, Any]) -> None:
    assert updates(value) == [Json(value)]


def test_sound_in_events_is_raw_samples() -> None:
    sound = base64.b64encode(bytes(5)).decode()
    assert updates({"audio": sound}, {"audio": sound, "sample_rate": 24_000}, {"done": True}) == [
        Piece(bytes(5), "audio/pcm;rate=16000;channels=1"),
        Piece(bytes(5), "audio/pcm;rate=24000;channels=1"),
        Json({"done": True}),
    ]


def test_sound_in_events_may_be_a_files_bytes() -> None:
    sound = base64.b64encode(b"ID3\x04" + bytes(20)).decode()
    assert updates({"audio": sound}) == [Piece(b"ID3\x04" + bytes(20), "audio/mpeg")]


@pytest.mark.parametrize("audio", ["", "Hello!", "abcde", "Zürich"])
def test_words_in_the_place_of_sound_are_no_sound(audio: str) -> None:
    assert updates({"audio": audio}) == [Json({"audio": audio})]


def test_an_address_in_the_place_of_sound_is_a_file() -> None:
    url = "https://fal.media/a.mp3"
    assert updates({"audio": url}) == [Preview((Media("audio/mpeg", url=url),))]


@pytest.mark.parametrize("kind", ["submit", "completion"])
def test_the_steps_of_a_workflow_are_not_its_answer(kind: str) -> None:
    value = {"type": kind, "node_id": "n", "app_id": "a", "request_id": "r", "output": {"output": "draft"}}
    assert updates(value) == [Json(value)]


def test_the_last_output_of_a_workflow_is_its_answer() -> None:
    values = [
        {"type": "submit", "node_id": "n", "app_id": "a", "request_id": "r"},
        {"type": "output", "output": {"output": "A cat", "images": [{"url": CAT}]}},
    ]
    reader = reader_of(*values)
    assert (reader.text, reader.media, reader.data) == ("A cat", (Media("image/png", url=CAT),), values[-1])


def test_a_failed_workflow_has_an_error() -> None:
    failed = reader_of({"type": "error", "node_id": "n", "message": "m", "error": {"status": 422}})
    assert failed.error == {"message": "m", "status": 422}


@pytest.mark.parametrize("value", [None, 7, "words", [1, 2], True, {}, {"a": {"b": None}}])
def test_another_value_is_told_as_it_is(value: Any) -> None:
    assert updates(value) == [Json(value)]
    assert reader_of(value).data == value


def test_words_that_are_an_address_fetch_nothing() -> None:
    reader = reader_of({"output": "https://evil/x.png"}, delta("https://evil/x.png"))
    assert reader.media == ()


def test_words_that_begin_with_data_are_words() -> None:
    assert updates({"output": "Data: one, two"}) == [Text("Data: one, two", 0)]


@pytest.mark.parametrize(
    "value",
    [{"seed": 7}, {"type": "response.mcp_call.started", "item_id": "x"}, [1, 2], {"type": "telemetry", "took": 0.5}],
)
def test_a_value_of_which_nothing_is_understood_is_counted(value: Any) -> None:
    assert reader_of({"output": "A"}, value, value).others == 2


@pytest.mark.parametrize(
    "value",
    [
        {"output": "A", "partial": False},
        {"text": "", "done": True},
        {"usage": {"cost": 1}},
        {"error": None, "seed": 7},
        {"error": "no"},
        {"type": "ping"},
        {"event": "start", "request_id": "r", "timestamp": 1},
        {"progress": 0.5},
        {"image": {"url": CAT}},
        {"type": "submit", "node_id": "n", "app_id": "a"},
        {"choices": []},
        {"type": "response.created", "response": {}},
        {"type": "message_stop"},
        {},
    ],
)
def test_a_value_that_is_understood_is_not_counted(value: Any) -> None:
    assert reader_of({"output": "A"}, value).others == 0


def test_previews_in_bare_base64_replace_each_other() -> None:
    png, gif = b"\x89PNG\r\n\x1a\n" + bytes(60), b"GIF89a" + bytes(60)
    values: list[dict[str, Any]] = [
        {"type": "image.partial", "image": {"partial_index": 0, "b64_json": base64.b64encode(gif).decode()}},
        {"type": "image.completed", "image": {"b64_json": base64.b64encode(png).decode()}},
    ]
    previews = [Preview((Media("image/gif", gif),)), Preview((Media("image/png", png),))]
    assert updates(*values) == previews
    assert reader_of(*values).media == previews[-1].media
