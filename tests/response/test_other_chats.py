import base64
import json
from typing import Any

import pytest

from fal_notebook.media.media import Media
from fal_notebook.response.choices import Choice, Source, ToolCall

from .test_content import PNG
from .wholes import error, said, shown, streamed, whole

INLINE = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}}


def block(kind: str, index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def begin(index: int = 0, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def candidate(*parts: dict[str, Any], index: int = 0, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, "index": index, **more}]}


def line(words: str, **more: Any) -> dict[str, Any]:
    return {
        "model": "llama",
        "created_at": "t",
        "message": {"role": "assistant", "content": words},
        "done": False,
    } | more


def test_the_events_of_a_message_of_anthropic() -> None:
    cited = {"type": "web_search_result_location", "url": "https://a.org/", "title": "A", "cited_text": "x"}
    start = {"id": "msg", "type": "message", "content": [], "model": "claude", "usage": {"input_tokens": 25}}
    result = streamed(
        {"type": "message_start", "message": {**start, "stop_reason": None}},
        begin(type="thinking", thinking=""),
        {"type": "ping"},
        block("thinking_delta", thinking="Let "),
        block("thinking_delta", thinking="me see"),
        block("signature_delta", signature="c2ln"),
        {"type": "content_block_stop", "index": 0},
        begin(1, type="text", text=""),
        block("text_delta", 1, text="Hel"),
        block("text_delta", 1, text="lo"),
        block("citations_delta", 1, citation=cited),
        begin(2, type="tool_use", id="t1", name="weather", input={}),
        block("input_json_delta", 2, partial_json=""),
        block("input_json_delta", 2, partial_json='{"city"'),
        block("input_json_delta", 2, partial_json=': "Paris"}'),
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 15}},
        {"type": "message_stop"},
    )
    calls = [ToolCall("weather", {"city": "Paris"}, "t1")]
    assert result.choices == [Choice("Hello", "Let me see", "max_tokens", tool_calls=calls)]
    assert (result.sources, result.model) == ([Source("https://a.org/", "A")], "claude")
    assert result.usage == {"input_tokens": 25, "output_tokens": 15}
    assert "25 tokens in · 15 tokens out" in result.status_line
    assert "cut off at the length limit" in shown(result)


def test_a_whole_message_of_anthropic() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
        {"type": "text", "text": "Hel", "citations": [{"url": "https://a.org/", "title": "A"}]},
        {"type": "text", "text": "lo"},
        {"type": "tool_use", "id": "t1", "name": "clock", "input": {}},
    ]
    result = whole({"type": "message", "role": "assistant", "content": content, "stop_reason": "tool_use"})
    assert result.choices == [Choice("Hello", "Hm", "tool_use", tool_calls=[ToolCall("clock", {}, "t1")])]
    assert result.sources == [Source("https://a.org/", "A")]


def test_an_error_of_anthropic() -> None:
    told = {"type": "overloaded_error", "message": "Overloaded"}
    assert error(block("text_delta", text="Hel"), {"type": "error", "error": told}) == told
    refused = {"type": "message_delta", "delta": {"stop_reason": "refusal"}}
    assert "the model refused" in shown(streamed(block("text_delta", text="No."), refused))


GEMINI = [
    candidate({"text": "Let me see", "thought": True}),
    candidate({"text": "Hel"}) | {"modelVersion": "gemini", "usageMetadata": {"promptTokenCount": 4}},
    candidate({"text": "lo", "thoughtSignature": "c2ln"}, INLINE, {"functionCall": {"name": "f", "args": {"a": 1}}}),
    candidate(
        finishReason="MAX_TOKENS",
        groundingMetadata={"groundingChunks": [{"web": {"uri": "https://a.org/x.png", "title": "A"}}]},
        citationMetadata={"citationSources": [{"uri": "https://b.org/"}]},
    )
    | {"usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 9}},
]


@pytest.mark.parametrize("form", ["events", "list", "lines"])
def test_the_chunks_of_gemini(form: str) -> None:
    if form == "events":
        result = streamed(*GEMINI)
    elif form == "list":
        result = whole(GEMINI)
    else:
        result = said("\n".join(map(json.dumps, GEMINI)).encode(), "application/json")
    calls = [ToolCall("f", {"a": 1})]
    assert result.choices == [Choice("Hello", "Let me see", "MAX_TOKENS", tool_calls=calls)]
    assert result.media == [Media("image/png", PNG)]
    assert result.sources == [Source("https://a.org/x.png", "A"), Source("https://b.org/")]
    assert (result.model, result.usage) == ("gemini", {"promptTokenCount": 4, "candidatesTokenCount": 9})
    assert "4 tokens in · 9 tokens out" in result.status_line


def test_what_gemini_blocks_says_so() -> None:
    assert "content filter" in shown(whole({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}))
    assert "content filter" in shown(streamed(candidate({"text": "A"}), candidate(finishReason="SAFETY")))


def test_several_candidates_are_choices() -> None:
    both = {"candidates": candidate({"text": "A"})["candidates"] + candidate({"text": "B"}, index=1)["candidates"]}
    assert [choice.text for choice in streamed(both, both).choices] == ["AA", "BB"]


@pytest.mark.parametrize("label", ["application/x-ndjson", "application/json", "text/event-stream"])
def test_the_lines_of_ollama(label: str) -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Paris"}}}
    lines = [
        line("", message={"role": "assistant", "content": "", "thinking": "Hm"}),
        line("Hel"),
        line("lo"),
        line("", message={"content": "", "tool_calls": [call]}),
        line("", message={"content": "", "tool_calls": [call]}),
        line("", done=True, done_reason="length", prompt_eval_count=10, eval_count=17, total_duration=1),
    ]
    end = "\n\n" if label == "text/event-stream" else "\n"
    start = "data: " if label == "text/event-stream" else ""
    result = said("".join(f"{start}{json.dumps(each)}{end}" for each in lines).encode(), label)
    calls = [ToolCall("weather", {"city": "Paris"})] * 2
    assert result.choices == [Choice("Hello", "Hm", "length", tool_calls=calls)]
    assert (result.model, result.usage) == ("llama", {"prompt_eval_count": 10, "eval_count": 17})
    assert "10 tokens in · 17 tokens out" in result.status_line


def test_ollamas_other_way_to_answer() -> None:
    lines = [{"model": "llama", "response": words, "done": not words} for words in ("Hel", "lo", "")]
    assert streamed(*lines).text == "Hello"
    assert whole({"response": "Hello", "thinking": "Hm", "done": True, "done_reason": "stop"}).reasoning == "Hm"


@pytest.mark.parametrize(
    "value",
    [
        {"type": "content_block_delta", "delta": 7, "index": "x"},
        block("text_delta", text=7),
        block("input_json_delta", partial_json=7),
        block("citations_delta", citation=7),
        begin(type="tool_use", name=[], id={}, input=7),
        begin(type="image", source=7),
        {"type": "message_start", "message": 7},
        {"type": "message_delta", "delta": 7, "usage": 7},
        {"type": "message", "content": [7, {"type": "text", "text": 7}, {"type": [], "citations": 7}], "usage": []},
        {"candidates": [7, {"content": 7}, {"content": {"parts": 7}}, {"content": {"parts": [7, {"text": 7}]}}]},
        {"candidates": [{"groundingMetadata": {"groundingChunks": [7, {"web": 7}]}, "citationMetadata": 7}]},
        {"candidates": [{"finishReason": [], "index": []}], "usageMetadata": 7, "modelVersion": 7},
        {"promptFeedback": {"blockReason": 7}},
        {"message": {"content": 7, "tool_calls": 7, "thinking": 7}, "done": False},
        {"message": {"tool_calls": [7, {"function": 7}, {"function": {"name": 7}}]}, "done": False, "eval_count": []},
        {"message": 7, "response": 7, "done": True},
        {"done": [], "message": {}},
        [{"candidates": 7}],
    ],
)
def test_other_types_do_no_harm(value: Any) -> None:
    assert streamed(block("text_delta", text="Hi"), value).text == "Hi"
