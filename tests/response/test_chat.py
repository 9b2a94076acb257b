import base64
import json
from typing import Any

import pytest

from fal_notebook.client.result import Result
from fal_notebook.media.media import Media
from fal_notebook.response.choices import Choice, Source, ToolCall
from fal_notebook.response.json_events import EventReader

from .test_content import PNG
from .wholes import error, events, said, shown, streamed, whole

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
PICTURE = Media("image/png", PNG)


def chunk(index: int = 0, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def completion(*messages: dict[str, Any], reason: str = "stop", **more: Any) -> dict[str, Any]:
    choices = [
        {"index": index, "message": {"role": "assistant", **message}, "finish_reason": reason}
        for index, message in enumerate(messages)
    ]
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": choices, **more}


def test_a_stream_tells_why_it_ended_and_what_it_used() -> None:
    result = streamed(
        chunk(role="assistant", content=""),
        chunk(content="Hel"),
        chunk(content="lo"),
        chunk(reason="stop"),
        {**chunk(), "choices": [], "usage": USAGE},
        "[DONE]",
    )
    assert (result.text, result.finish_reason, result.usage, result.model) == ("Hello", "stop", USAGE, "m")
    assert result.choices == [Choice("Hello", finish_reason="stop")]
    assert shown(result) == "Hello"


@pytest.mark.parametrize("choices", [None, []])
def test_usage_may_come_where_there_are_no_choices(choices: Any) -> None:
    result = streamed(chunk(content="Hi"), {"object": "chat.completion.chunk", "choices": choices, "usage": USAGE})
    assert (result.text, result.usage) == ("Hi", USAGE)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("length", "cut off at the length limit: raise max_tokens"),
        ("content_filter", "ended by the endpoint's content filter"),
        ("too\nodd", "ended early: too odd"),
    ],
)
def test_an_answer_that_is_cut_says_so_where_it_ends(reason: str, words: str) -> None:
    for result in (
        streamed(chunk(content="Once upon"), chunk(reason=reason)),
        whole(completion({"content": "Once upon"}, reason=reason)),
    ):
        assert result.finish_reason == reason
        assert shown(result) == f"Once upon\n{words}"


def test_a_message_that_closes_a_stream_is_not_told_twice() -> None:
    result = streamed(chunk(content="Hel"), chunk(content="lo, you"), completion({"content": "Hello, you"}))
    assert (result.text, result.finish_reason) == ("Hello, you", "stop")


@pytest.mark.parametrize("message", ["lo, you", "", " ", "\nHello, you\n", None])
def test_a_message_that_closes_a_stream_takes_no_words_away(message: Any) -> None:
    assert streamed(chunk(content="Hel"), chunk(content="lo, you"), completion({"content": message})).text == (
        "Hello, you"
    )


def test_a_message_that_closes_a_stream_may_correct_it() -> None:
    assert streamed(chunk(content="2 + 2 = 5"), completion({"content": "2 + 2 = 4"})).text == "2 + 2 = 4"


def test_a_delta_with_its_like_in_a_message_beside_it_is_told_once() -> None:
    values = [chunk(content=words) for words in ("Hel", "lo, ", "you")]
    for value in values:
        value["choices"][0]["message"] = {"content": value["choices"][0]["delta"]["content"]}
    assert streamed(*values).text == "Hello, you"


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content", "thinking"])
def test_reasoning_stands_beside_the_answer(name: str) -> None:
    thoughts: list[dict[str, Any]] = [{name: "Let "}, {name: "me see"}]
    result = streamed(*(chunk(**each) for each in thoughts), chunk(content="4"))
    assert (result.text, result.reasoning) == ("4", "Let me see")
    result = whole(completion({"content": "4", name: "Let me see"}))
    assert (result.text, result.reasoning) == ("4", "Let me see")


def test_reasoning_may_come_in_details_alone_and_is_told_once_where_it_stands_twice() -> None:
    details = [
        {"type": "reasoning.summary", "summary": "Let "},
        {"type": "reasoning.text", "text": "me see", "signature": None},
        {"type": "reasoning.encrypted", "data": "ZW5j"},
    ]
    assert streamed(chunk(reasoning_details=details), chunk(content="4")).reasoning == "Let me see"
    both = streamed(chunk(reasoning="Let me see", reasoning_details=details), chunk(content="4"))
    assert both.reasoning == "Let me see"


def test_content_may_be_a_list_of_parts() -> None:
    result = streamed(
        chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]),
        chunk(content=[{"type": "thinking", "thinking": "m"}, {"type": "text", "text": "Fo"}]),
        chunk(content=[{"type": "output_text", "text": "ur"}, ".", 7, None]),
    )
    assert (result.text, result.reasoning) == ("Four.", "Hmm")


def test_pictures_stand_beside_each_other_and_a_closing_message_brings_none_again() -> None:
    def part(data: bytes) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": Media("image/png", data).data_uri()}}

    other = Media("image/png", PNG + b"x")
    both = {"images": [part(PNG), part(PNG + b"x")], "content": "Two"}
    result = streamed(chunk(images=[part(PNG)]), chunk(content=[part(PNG + b"x")]), completion(both))
    assert (result.text, result.media) == ("Two", [PICTURE, other])
    assert whole(completion({"content": [part(PNG), part(PNG), {"type": "text", "text": "Two"}]})).media == (
        [PICTURE, PICTURE]
    )


def test_a_refusal_is_told_in_the_place_of_the_answer() -> None:
    for result in (
        streamed(chunk(content=None, refusal="I "), chunk(refusal="can't."), chunk(reason="stop")),
        whole(completion({"content": None, "refusal": "I can't."})),
    ):
        assert result.choices == [Choice("I can't.", finish_reason="stop", refused=True)]
        assert shown(result) == "I can't.\nthe model refused"


def test_several_choices_stand_one_below_the_other_each_with_a_line_that_names_it() -> None:
    result = streamed(
        *(chunk(index, content=words) for index, words in [(1, "Red"), (0, "Blue"), (1, "dish"), (0, "ish")]),
        chunk(1, reason="length"),
        chunk(0, reason="stop"),
    )
    assert result.text == "Blueish"
    assert [choice.text for choice in result.choices] == ["Blueish", "Reddish"]
    assert shown(result) == (
        "choice 1 of 2\nBlueish\nchoice 2 of 2\nReddish\ncut off at the length limit: raise max_tokens"
    )
    assert shown(whole(completion({"content": "A"}, {"content": "B", "reasoning": "Hm"}))) == (
        "choice 1 of 2\nA\nchoice 2 of 2\n[reasoning] Hm\nB"
    )


def test_choices_that_come_in_one_chunk_are_each_read() -> None:
    both = chunk(content="a")
    both["choices"] += chunk(1, content="b")["choices"]
    result = streamed(*[both] * 5)
    assert [choice.text for choice in result.choices] == ["aaaaa", "bbbbb"]


def test_more_choices_than_a_page_bears_are_counted() -> None:
    result = Result("a/b", text="x" * 30_000, choices=[Choice("x" * 30_000)] * 100)
    assert shown(result).count("choice ") < 40
    assert shown(result).endswith(" of its choices")


def test_tool_calls_are_joined_and_shown_folded() -> None:
    def call(index: int, **function: str) -> dict[str, Any]:
        return {"index": index, "function": function}

    result = streamed(
        chunk(tool_calls=[{"id": "c1", "type": "function", **call(0, name="weather", arguments="")}], content=None),
        chunk(tool_calls=[call(0, arguments='{"city"')]),
        chunk(tool_calls=[call(0, arguments=': "Paris"}'), {"id": "c2", **call(1, name="clock", arguments="{")}]),
        chunk(reason="tool_calls"),
    )
    calls = [ToolCall("weather", {"city": "Paris"}, "c1"), ToolCall("clock", "{", "c2")]
    assert result.choices == [Choice(finish_reason="tool_calls", tool_calls=calls)]
    assert shown(result) == '[calls weather] {"city": "Paris"}\n[calls clock] "{"'
    assert "<summary>calls weather</summary>" in result.body()[0]["text/html"]


@pytest.mark.parametrize("arguments", ['{"city": "Paris"}', {"city": "Paris"}])
def test_tool_calls_of_a_whole_message(arguments: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    result = whole(completion({"content": "One moment", "tool_calls": [call]}, reason="tool_calls"))
    assert result.choices[0].tool_calls == [ToolCall("weather", {"city": "Paris"}, "c1")]
    assert shown(result).startswith("One moment\n[calls weather]")


def test_a_call_of_the_older_kind_and_one_that_a_closing_message_repeats() -> None:
    pieces = [chunk(function_call=each) for each in ({"name": "f", "arguments": "{"}, {"arguments": "}"})]
    result = streamed(*pieces, completion({"content": None, "function_call": {"name": "f", "arguments": "{}"}}))
    assert result.choices[0].tool_calls == [ToolCall("f", {})]


def test_words_beside_pieces_of_a_call_lose_none() -> None:
    each = chunk(content="a", tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "1"}}])
    result = streamed(*[each] * 5)
    assert result.choices == [Choice("aaaaa", tool_calls=[ToolCall("f", 11111)])]


def test_sources_are_a_list_of_links() -> None:
    cited = {"type": "url_citation", "url_citation": {"url": "https://a.org/x.png", "title": "A <b>", "start_index": 1}}
    flat = {"type": "url_citation", "url": "https://b.org/", "title": "B"}
    result = streamed(
        chunk(content="So it is.", annotations=[cited]),
        chunk(annotations=[flat, cited]),
        {**chunk(reason="stop"), "citations": ["https://b.org/", "https://c.org/"]},
        {**chunk(), "search_results": [{"title": "C", "url": "https://c.org/", "date": "2025-01-01"}]},
    )
    assert result.sources == [
        Source("https://a.org/x.png", "A <b>"),
        Source("https://b.org/", "B"),
        Source("https://c.org/", "C"),
    ]
    assert result.media == []
    assert shown(result) == (
        "So it is.\nSources:\n[1] A <b> https://a.org/x.png\n[2] B https://b.org/\n[3] C https://c.org/"
    )
    html = result.body()[0]["text/html"]
    assert '<a href="https://a.org/x.png" target="_blank" rel="noopener noreferrer nofollow">A &lt;b&gt;</a>' in html


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//a.org", "https://", "https://a\n.org", 7, None, [], {}]
)
def test_what_is_no_link_is_no_source(url: Any) -> None:
    assert whole(completion({"content": "A", "annotations": [{"url": url}]}, citations=[url])).sources == []


def test_sound_that_comes_in_pieces_is_a_recording_with_its_words() -> None:
    samples = bytes(range(40))
    values = [
        chunk(audio={"id": "a", "transcript": "Hel"}),
        chunk(audio={"data": base64.b64encode(samples[:20]).decode()}),
        chunk(audio={"data": base64.b64encode(samples[20:]).decode(), "transcript": "lo"}),
    ]
    result = streamed(*values)
    (recording,) = result.media
    assert recording.content_type == "audio/wav"
    assert (recording.data or b"").endswith(samples)
    assert result.text == "Hello"


@pytest.mark.parametrize("told", ["it broke", {"message": "it broke", "code": 502}])
def test_a_choice_may_carry_the_error(told: Any) -> None:
    failed = chunk(reason="error", content="")
    failed["choices"][0]["error"] = told
    assert error(chunk(content="Hel"), failed) == told
    assert error(chunk(content="Hel"), chunk(reason="error")) == "the model's provider failed"


@pytest.mark.parametrize(
    "delta",
    [
        {"content": {"a": 1}},
        {"tool_calls": 7},
        {"tool_calls": [7, {"index": "x", "function": 7}, {"index": -1, "function": {"name": [], "arguments": 7}}]},
        {"function_call": []},
        {"annotations": [None, 7, {"url_citation": 7}]},
        {"reasoning_details": {"a": 1}},
        {"reasoning": ["a"]},
        {"refusal": {"a": 1}},
        {"audio": {"data": 7, "transcript": []}},
    ],
)
def test_other_types_do_no_harm(delta: dict[str, Any]) -> None:
    assert streamed(chunk(content="Hi"), chunk(**delta), {"choices": [{"index": [], "delta": delta}]}).text == "Hi"


def test_what_a_server_can_send_without_end_is_bounded() -> None:
    reader = EventReader()
    for place in range(3_000):
        call = {"index": place, "function": {"name": "n" * 1_000, "arguments": "{}"}}
        picture = {"image_url": {"url": f"https://a.org/{place}.png"}}
        reader.read(chunk(place, content="x", tool_calls=[call]))
        reader.read({**chunk(tool_calls=[call], images=[picture]), "citations": [f"https://a.org/{place}"]})
    assert (len(reader.choices), len(reader.choices[0].tool_calls), len(reader.sources)) == (128, 128, 1_000)
    assert len(reader.media) == 200
    assert len(reader.choices[0].tool_calls[0].name) == 200


LABELS = ("application/octet-stream", "application/json", "application/x-ndjson", "text/event-stream")


@pytest.mark.parametrize(
    ("label", "end"), [*((label, end) for label in LABELS for end in ("", "\n")), ("text/plain", "")]
)
def test_a_label_that_does_not_fit_changes_nothing(label: str, end: str) -> None:
    values = [chunk(content="Hel"), chunk(content="lo"), chunk(reason="length")]
    body = "".join(f"{json.dumps(value)}{end}" for value in values).encode() if end else events(*values)
    result = said(body, label)
    assert (result.text, result.finish_reason) == ("Hello", "length")


def test_the_reason_that_came_last_counts_whatever_came_before() -> None:
    values = [chunk(content=words, reason=words) for words in ("a", "", "data:a/b,", "a")]
    assert streamed(*values).finish_reason == "a"
