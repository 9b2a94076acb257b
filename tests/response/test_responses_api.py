import base64
from typing import Any

import pytest

from fal_notebook.media.media import Media
from fal_notebook.response.choices import Choice, Source, ToolCall

from .test_content import PNG
from .wholes import error, shown, streamed, whole

USAGE = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
CITED = {"type": "url_citation", "start_index": 0, "end_index": 2, "url": "https://a.org/", "title": "A"}
BASE64 = base64.b64encode(PNG).decode()


def event(kind: str, place: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "sequence_number": 1, "output_index": place, **more}


def response(status: str = "completed", output: tuple[Any, ...] = (), **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": status, "model": "m", "output": list(output), **more}


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": list(parts)}


def text(words: str, *cited: dict[str, Any]) -> dict[str, Any]:
    return {"type": "output_text", "text": words, "annotations": list(cited)}


def deltas(*words: str, place: int = 0) -> list[dict[str, Any]]:
    return [event("output_text.delta", place, item_id="msg_1", content_index=0, delta=each) for each in words]


def end(kind: str = "completed", *output: Any, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": response(kind, output, **more)}


def test_a_whole_stream_of_events_is_one_answer() -> None:
    result = streamed(
        {"type": "response.created", "response": response("in_progress", error=None, usage=None)},
        {"type": "response.in_progress", "response": response("in_progress")},
        event("output_item.added", item={"type": "reasoning", "id": "rs_1", "summary": []}),
        event("reasoning_summary_part.added", summary_index=0, part={"type": "summary_text", "text": ""}),
        event("reasoning_summary_text.delta", summary_index=0, delta="Let me "),
        event("reasoning_summary_text.delta", summary_index=0, delta="see"),
        event("reasoning_summary_text.done", summary_index=0, text="Let me see"),
        event("reasoning_summary_part.done", summary_index=0, part={"type": "summary_text", "text": "Let me see"}),
        event("reasoning_summary_text.delta", summary_index=1, delta="Yes"),
        event("output_item.done", item={"type": "reasoning", "id": "rs_1", "summary": []}),
        event("output_item.added", 1, item=message()),
        event("content_part.added", 1, part=text("")),
        *deltas("Hel", "lo", place=1),
        event("output_text.annotation.added", 1, annotation=CITED),
        event("output_text.done", 1, text="Hello"),
        event("content_part.done", 1, part=text("Hello", CITED)),
        event("output_item.done", 1, item=message(text("Hello", CITED))),
        end("completed", message(text("Hello", CITED)), usage=USAGE, error=None, incomplete_details=None),
    )
    assert (result.text, result.reasoning, result.usage, result.model) == ("Hello", "Let me see\n\nYes", USAGE, "m")
    assert result.choices == [Choice("Hello", "Let me see\n\nYes", "completed")]
    assert result.sources == [Source("https://a.org/", "A")]
    assert shown(result) == "[reasoning] Let me see\n\nYes\nHello\nSources:\n[1] A https://a.org/"
    assert "9 tokens in · 2 tokens out" in result.status_line


def test_a_response_that_comes_whole_says_the_same() -> None:
    reasoning = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}
    result = whole(response("completed", (reasoning, message(text("Hel"), text("lo", CITED))), usage=USAGE))
    assert (result.text, result.reasoning, result.finish_reason) == ("Hello", "Hm", "completed")
    assert (result.sources, result.usage) == ([Source("https://a.org/", "A")], USAGE)


@pytest.mark.parametrize("kind", ["output_text.done", "completed"])
def test_words_that_come_at_the_end_alone_are_told(kind: str) -> None:
    last = event(kind, text="Hello") if kind == "output_text.done" else end(kind, message(text("Hello")))
    assert streamed(last).text == "Hello"


def test_two_messages_are_set_off_from_each_other() -> None:
    both = end("completed", message(text("One")), message(text("Two")))
    assert streamed(*deltas("O", "ne"), *deltas("T", "wo", place=1), both).text == "One\n\nTwo"
    assert streamed(both).text == "One\n\nTwo"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("max_output_tokens", "cut off at the length limit: raise max_tokens"),
        ("content_filter", "ended by the endpoint's content filter"),
    ],
)
def test_an_incomplete_response_says_why(reason: str, words: str) -> None:
    last = end("incomplete", message(text("Once")), incomplete_details={"reason": reason})
    result = streamed(*deltas("On", "ce"), last)
    assert (result.text, result.finish_reason) == ("Once", reason)
    assert shown(result) == f"Once\n{words}"


def test_a_failed_response_is_an_error_with_its_words() -> None:
    told: dict[str, Any] = {"code": "server_error", "message": "it broke"}
    assert error(*deltas("On", "ce"), end("failed", error=told)) == told
    assert error(*deltas("On", "ce"), end("failed", error=None)) == "the response is failed"
    told = {"type": "error", "code": "server_error", "message": "it broke", "param": None, "sequence_number": 1}
    assert error(*deltas("On"), told) == told
    assert error({"type": "error", "error": {"code": "x", "message": "it broke"}}) == {
        "code": "x",
        "message": "it broke",
    }


def test_a_refusal_is_told_in_the_place_of_the_answer() -> None:
    refused = message({"type": "refusal", "refusal": "I can't."})
    for result in (
        streamed(event("refusal.delta", delta="I "), event("refusal.delta", delta="can't."), end("completed", refused)),
        streamed(event("refusal.done", refusal="I can't.")),
        whole(response("completed", (refused,))),
    ):
        assert (result.text, result.choices[0].refused) == ("I can't.", True)
        assert shown(result) == "I can't.\nthe model refused"


def test_calls_are_joined() -> None:
    item = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": ""}
    done = {**item, "arguments": '{"city": "Paris"}'}
    called = Choice(tool_calls=[ToolCall("weather", {"city": "Paris"}, "c1")])
    result = streamed(
        event("output_item.added", item=item),
        event("function_call_arguments.delta", delta='{"city"'),
        event("function_call_arguments.delta", delta=': "Paris"}'),
        event("function_call_arguments.done", arguments='{"city": "Paris"}'),
        event("output_item.done", item=done),
    )
    assert result.choices == [called]
    assert whole(response("completed", (done,))).choices[0].tool_calls == called.tool_calls


def test_pictures_come_in_previews_that_replace_each_other() -> None:
    other = base64.b64encode(PNG + b"x").decode()
    result = streamed(
        event("image_generation_call.in_progress"),
        event("image_generation_call.partial_image", partial_image_index=0, partial_image_b64=other),
        event("image_generation_call.generating"),
        event("output_item.done", item={"type": "image_generation_call", "status": "completed", "result": BASE64}),
        event("image_generation_call.partial_image", 1, partial_image_index=0, partial_image_b64=other),
        end("completed", {"type": "image_generation_call", "result": BASE64}),
    )
    assert result.media == [Media("image/png", PNG), Media("image/png", PNG + b"x")]


def test_sound_is_a_recording() -> None:
    result = streamed(event("audio.transcript.delta", delta="Hi"), event("audio.delta", delta="AAAA"))
    assert (result.text, [media.content_type for media in result.media]) == ("Hi", ["audio/wav"])


@pytest.mark.parametrize(
    "value",
    [
        {"type": "response.output_text.delta", "delta": [1]},
        {"type": "response.completed", "response": [1]},
        {"type": "response.completed", "response": {"output": {"a": 1}, "status": 7, "incomplete_details": "x"}},
        {"type": "response.completed", "response": {"output": [7, {"type": "message", "content": 7}, {"type": []}]}},
        {"type": "response.completed", "response": {"output": [{"type": "message", "content": [{"text": 1}]}]}},
        {"type": "response.output_item.done", "item": 7},
        {"type": "response.output_item.done", "item": {"type": "function_call", "name": 7, "arguments": [7]}},
        {"type": "response.output_text.annotation.added", "annotation": 7},
        {"type": "response.image_generation_call.partial_image", "partial_image_b64": 7},
        {"type": "response.image_generation_call.partial_image", "partial_image_b64": "A" * 64},
        {"type": "response.reasoning_summary_text.delta", "delta": 7, "summary_index": "x", "output_index": 1e400},
        {"type": ["response."]},
    ],
)
def test_other_types_do_no_harm(value: dict[str, Any]) -> None:
    assert streamed(*deltas("H", "i"), value).text == "Hi"
