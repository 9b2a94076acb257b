"""The messages to the page: plain data, harmless, and compressed if that saves bytes."""

import json
import zlib

import pytest

from fal_notebook.client.result import Result
from fal_notebook.errors import InvalidRequest, ModelError
from fal_notebook.media.media import Media
from fal_notebook.prompt import page_messages
from fal_notebook.prompt.argument_rows import Form, InvalidForm
from fal_notebook.prompt.entry import Entry
from fal_notebook.prompt.text_patches import TextPatch
from fal_notebook.prompt.transcript import Transcript
from fal_notebook.response.updates import Progress, Text

from ..endpoints import PNG

HOSTILE = "<b>\x1b[31m\u202e"


def entry(result: Result | None = None, prompt: str = "ask", endpoint: str = "a/b") -> Entry:
    made = Entry(1, endpoint, {}, prompt)
    made.text.feed(Text("so far", 0))
    made.text.take()
    if result is not None:
        made.end(result)
    return made


def test_an_entry_that_streams_has_the_words_so_far() -> None:
    told = page_messages.entry(entry())
    assert told == {"kind": "entry", "id": 1, "endpoint": "a/b", "prompt": "ask", "text": "so far"}


def test_an_entry_that_has_ended_has_its_html_and_its_kind_of_end() -> None:
    told = page_messages.entry(entry(Result("a/b", text="**words**")))
    assert (told["kind"], told["text"], told["end"]) == ("entry", "so far", "done")
    assert "<strong>words</strong>" in told["html"]
    assert "copy" not in told


@pytest.mark.parametrize(
    ("result", "end"),
    [
        (Result("a/b", text="x"), "done"),
        (Result("a/b", text="x", stopped=True), "stopped"),
        (Result("a/b", text="x", error=ModelError("no")), "failed"),
        (Result("a/b", text="x", error=ModelError("no"), stopped=True), "stopped"),
    ],
)
def test_an_end_is_one_of_three(result: Result, end: str) -> None:
    assert page_messages.ending(entry(result))["end"] == end


def test_an_answer_without_words_has_a_text_for_the_clipboard() -> None:
    picture = entry(Result("a/b", media=[Media("image/png", PNG)]))
    assert "image/png" in page_messages.ending(picture)["copy"]


def test_an_answer_that_has_not_ended_has_no_end() -> None:
    with pytest.raises(ValueError, match="has not ended"):
        page_messages.ending(entry())


def test_text_of_users_and_servers_is_harmless() -> None:
    told = [
        page_messages.entry(entry(prompt=HOSTILE, endpoint=HOSTILE)),
        page_messages.progress(1, Progress(None, HOSTILE)),
    ]
    assert not {"\x1b", "\u202e"} & set(json.dumps(told, ensure_ascii=False))


def test_new_words_come_with_their_offset_and_without_new_words_there_is_none() -> None:
    told = page_messages.delta(1, TextPatch(3, "new"), "12 bytes", 0.123)
    assert told == {"kind": "delta", "id": 1, "status": "12 bytes", "elapsed": 0.12, "offset": 3, "new": "new"}
    assert "new" not in page_messages.delta(1, None, "12 bytes", 0.123)


def test_a_refusal_names_the_rows_that_are_wrong() -> None:
    assert page_messages.refused(InvalidForm({1: "seed is not JSON"}))["problems"] == {1: "seed is not JSON"}
    assert page_messages.refused(InvalidRequest("the prompt is empty"))["problems"] == {}


@pytest.mark.parametrize(
    ("endpoint", "takes"), [("fal-ai/any-llm", True), (" /fal-ai/any-llm/stream/ ", True), ("fal-ai/any-llms", False)]
)
def test_the_form_says_whether_the_endpoint_takes_a_model(endpoint: str, *, takes: bool) -> None:
    form = Form({"seed": 1})
    told = page_messages.form(form, endpoint)
    assert (told["rows"], told["takesModel"]) == (form.rows, takes)
    assert "fal-ai/any-llm" in told["endpoints"]


def test_a_message_has_the_versions_of_the_transcript_at_its_time() -> None:
    transcript = Transcript("name")
    before = page_messages.transcript_versions("w", transcript)
    transcript.add(entry(Result("a/b", text="x")))
    assert before["versions"] == [0, 0, 0, 0, 0, 0]
    assert page_messages.transcript_versions("w", transcript)["versions"] == [1, 0, 0, 0, 0, 0]


def test_html_is_compressed_without_loss() -> None:
    html = "<p>words</p>" * 1_000
    message, buffers = page_messages.packed({"kind": "done", "html": html, "end": "done"})
    assert message == {"kind": "done", "html": "", "end": "done"}
    assert buffers is not None
    assert zlib.decompress(buffers[0]).decode() == html
    assert len(buffers[0]) < len(html) / 10


@pytest.mark.parametrize("message", [{"kind": "entry"}, {"html": '<img src="data:image/png;base64,x">'}])
def test_media_and_messages_without_html_are_not_compressed(message: page_messages.Message) -> None:
    assert page_messages.packed(message) == (message, None)
