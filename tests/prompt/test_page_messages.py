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
from fal_notebook.prompt.transcript import Transcript
from fal_notebook.render.answer_style import unstyled, with_fallbacks, without_blank_lines
from fal_notebook.render.markdown import markdown_html
from fal_notebook.response.updates import Progress, Text

from ..endpoints import PNG

HOSTILE = "<b>\x1b[31m\u202e"


def entry(result: Result | None = None, prompt: str = "ask", endpoint: str = "a/b") -> Entry:
    made = Entry(1, endpoint, {}, prompt)
    if result is None or result.text:
        made.words.feed(Text("so *far*" if result is None else result.text, 0))
    made.words.take(last=result is not None)
    if result is not None:
        made.end(result)
    return made


def test_an_entry_that_streams_has_the_words_so_far() -> None:
    told = page_messages.entry(entry())
    assert told == {
        "kind": "entry",
        "id": 1,
        "endpoint": "a/b",
        "prompt": "ask",
        "keep": 0,
        "blocks": [],
        "tail": [0, '<p dir="auto">so <em>far</em></p>\n', False],
    }


def test_an_entry_that_has_ended_has_its_html_and_its_kind_of_end() -> None:
    told = page_messages.entry(entry(Result("a/b", text="**words**")))
    assert (told["kind"], told["end"], told["copy"]) == ("entry", "done", "**words**")
    assert "<strong>words</strong>" in told["html"]
    assert "blocks" not in told


@pytest.mark.parametrize(
    "result",
    [
        Result("a/b", text="**words** $x$\n\n- a\n- b\n"),
        Result("a/b", text="```\none\n\n\ntwo\n```\n\nwords"),
        Result("a/b", text="words", reasoning="because", media=[Media("image/png", PNG)]),
        Result("a/b", text="words", error=ModelError("no")),
    ],
)
def test_the_words_of_an_ended_answer_are_apart_from_what_is_around_them(result: Result) -> None:
    ended = entry(result)
    told = page_messages.ending(ended)
    assert told["html"].count("<fal-words></fal-words>") == 1
    words = without_blank_lines(with_fallbacks(told["words"]))
    whole = told["html"].replace("<fal-words></fal-words>", words)
    assert whole == unstyled(ended.bundle["text/html"])
    assert told["words"] == markdown_html(result.text)


def test_an_answer_of_which_a_part_was_not_shown_is_told_as_a_whole() -> None:
    made = Entry(1, "a/b", {}, "ask")
    made.words.feed(Text("# Words\n\n", 0))
    made.words.take()
    made.end(Result("a/b", text="# Words\n\nand more"))
    told = page_messages.ending(made)
    assert "words" not in told
    assert "and more" in told["html"]


def test_an_answer_that_shows_other_words_than_have_streamed_is_told_as_a_whole() -> None:
    ended = entry(Result("a/b", text="words"))
    ended.end(Result("a/b", text="others"))
    told = page_messages.ending(ended)
    assert "words" not in told
    assert told["html"] == unstyled(ended.bundle["text/html"])


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
    told = page_messages.ending(entry(Result("a/b", media=[Media("image/png", PNG)])))
    assert "image/png" in told["copy"]
    assert "words" not in told


def test_an_answer_that_has_not_ended_has_no_end() -> None:
    with pytest.raises(ValueError, match="has not ended"):
        page_messages.ending(entry())


def test_text_of_users_and_servers_is_harmless() -> None:
    told = [
        page_messages.entry(entry(prompt=HOSTILE, endpoint=HOSTILE)),
        page_messages.progress(1, Progress(None, HOSTILE)),
        page_messages.copied(1, HOSTILE),
    ]
    assert not {"\x1b", "\u202e"} & set(json.dumps(told, ensure_ascii=False))


def test_without_new_words_there_is_only_the_state_of_the_stream() -> None:
    told = {"kind": "delta", "id": 1, "status": "12 bytes", "elapsed": 0.12}
    assert page_messages.delta(1, None, "12 bytes", 0.123) == told
    assert page_messages.delta(1, {"keep": 1}, "12 bytes", 0.123) == {**told, "keep": 1}


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


def test_what_is_long_is_compressed_without_loss() -> None:
    long = {"html": "<p>words ש</p>" * 1_000, "copy": "words"}
    message, buffers = page_messages.packed({"kind": "done", "end": "done", **long})
    assert message == {"kind": "done", "end": "done", "packed": True}
    assert buffers is not None
    assert json.loads(zlib.decompress(buffers[0])) == long
    assert len(buffers[0]) < len(long["html"]) / 10


@pytest.mark.parametrize("message", [{"kind": "entry"}, {"kind": "delta", "blocks": [["<p>short</p>", False]]}])
def test_what_is_short_is_not_compressed(message: page_messages.Message) -> None:
    assert page_messages.packed(message) == (message, None)


def test_media_are_not_compressed() -> None:
    html = f'<img src="data:image/png;base64,{"x" * 5_000}">'
    assert page_messages.packed({"html": html, "copy": "a"}) == ({"html": html, "copy": "a"}, None)
    message, buffers = page_messages.packed({"html": html, "words": "x" * 5_000})
    assert message == {"html": html, "packed": True}
    assert buffers
