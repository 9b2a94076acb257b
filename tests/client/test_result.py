import base64
import json
import re
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

from fal_notebook.client.facts import LOCAL_MODEL_HEADER
from fal_notebook.client.metrics import Metrics
from fal_notebook.client.result import FORMATS, Result
from fal_notebook.errors import ModelError, RequestTimeout
from fal_notebook.media.media import Media
from fal_notebook.response.choices import Choice, Source, ToolCall

from ..render.test_bundles import FRAME, OURS
from ..render.test_markdown import HTML, QUOTED, problems

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ENDPOINT = "fal-ai/any-llm/stream"
PICTURE = Media("image/png", PNG)
SOUND = Media("audio/wav", b"RIFF")
RESULTS = {
    "text": Result(ENDPOINT, text="A **cat**", data={"output": "A **cat**"}),
    "reasoned": Result(ENDPOINT, text="4", reasoning="Hm"),
    "picture": Result(ENDPOINT, media=[PICTURE], data={"images": []}),
    "text and picture": Result(ENDPOINT, text="A cat", media=[PICTURE, SOUND]),
    "pictures": Result(ENDPOINT, text="Two cats", media=[PICTURE, PICTURE], data={"seed": 7}),
    "sound": Result(ENDPOINT, media=[SOUND]),
    "json": Result(ENDPOINT, data={"seed": 7}),
    "cut": Result(ENDPOINT, text="A", finish_reason="length", sources=[Source("https://a.org/", "A")], note="a note"),
    "choices": Result(ENDPOINT, text="A", choices=[Choice("A"), Choice("B", "Hm", "length")]),
    "calls": Result(ENDPOINT, data={"a": 1}, choices=[Choice(tool_calls=[ToolCall("f", {"a": [1]}, "c")])]),
    "failed": Result(ENDPOINT, text="A", error=ModelError("no"), data={"error": "no"}),
    "stopped": Result(ENDPOINT, text="A", stopped=True),
    "empty": Result(ENDPOINT),
}
ANY_RESULT = pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)


def test_the_status_line_tells_everything() -> None:
    result = Result(
        ENDPOINT,
        text="A",
        request_id="6f3c",
        usage={"prompt_tokens": 1200, "completion_tokens": 3, "cost": 0.0000125},
        model="google/gemini-flash-1.5",
        metrics=Metrics(connect=0.25, time_to_first_byte=0.5, duration=1.234),
    )
    assert result.status_line == (
        f"{ENDPOINT} · model google/gemini-flash-1.5 · 1.23 s · first token 0.75 s · 1,200 tokens in · 3 tokens out"
        " · $0.0000125 · request 6f3c"
    )


def test_the_status_line_of_a_file_counts_to_its_first_byte() -> None:
    result = Result(ENDPOINT, media=[SOUND], metrics=Metrics(time_to_first_byte=0.5, duration=2))
    assert result.status_line == f"{ENDPOINT} · 2.00 s · first byte 0.50 s"


@pytest.mark.parametrize(
    ("result", "end", "why"),
    [
        (Result(ENDPOINT, stopped=True), "stopped", ""),
        (Result(ENDPOINT, error=RequestTimeout("late")), "failed: RequestTimeout", ": late"),
        (Result(ENDPOINT, stopped=True, error=ModelError("x")), "stopped", ""),
    ],
)
def test_the_status_line_tells_how_it_ended_and_the_repr_why(result: Result, end: str, why: str) -> None:
    assert result.status_line == f"{ENDPOINT} · {end} · 0.00 s"
    assert repr(result) == f"<Result {ENDPOINT}, {end}{why}>"


def test_the_status_line_names_a_model_on_this_machine() -> None:
    result = Result(ENDPOINT, headers={LOCAL_MODEL_HEADER: "smollm2"}, model="google/gemini-flash-1.5")
    assert "local model smollm2" in result.status_line
    assert "gemini" not in result.status_line


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": None, "completion_tokens": "3", "cost": "free"}, {"total_tokens": 8}]
)
def test_usage_of_another_shape_is_left_out(usage: Any) -> None:
    assert Result(ENDPOINT, usage=usage).status_line == f"{ENDPOINT} · 0.00 s"


def test_a_cost_that_no_float_holds_does_no_harm() -> None:
    assert Result(ENDPOINT, usage={"cost": 10**400}).status_line.startswith(ENDPOINT)


def test_the_status_line_is_one_line_whatever_the_server_says() -> None:
    result = Result(ENDPOINT, model="a\nb\x1b[2J", request_id="c\r\nd", headers={})
    assert len(result.status_line.splitlines()) == 1
    assert "\x1b" not in result.status_line


def test_the_text_is_its_str() -> None:
    assert str(Result(ENDPOINT, text="A cat")) == "A cat"
    assert f"{Result(ENDPOINT, text='A cat')}!" == "A cat!"


def test_without_text_its_str_is_its_repr() -> None:
    result = Result(ENDPOINT, media=[SOUND])
    assert str(result) == repr(result) == f"<Result {ENDPOINT}, <Media audio/wav, 4 bytes>>"


def test_its_repr_is_short() -> None:
    assert repr(Result(ENDPOINT, text="x" * 12_345)) == f"<Result {ENDPOINT}, 12,345 characters>"


@ANY_RESULT
@pytest.mark.parametrize("style", FORMATS)
def test_every_output_has_plain_text_and_can_be_saved(result: Result, style: Any) -> None:
    outputs = result.outputs(style)
    assert outputs
    assert all(output["text/plain"] for output in outputs)
    assert json.loads(json.dumps(outputs)) == outputs


@ANY_RESULT
def test_the_status_line_is_the_last_of_the_outputs(result: Result) -> None:
    assert result.outputs()[-1]["text/plain"].endswith(result.status_line)


@ANY_RESULT
def test_in_a_cell_it_is_one_bundle(result: Result) -> None:
    bundle = result._repr_mimebundle_()
    assert {"text/html", "text/plain"} <= set(bundle) <= {"text/html", "text/plain", "text/markdown"}
    assert ("text/markdown" in bundle) is bool(result.text)
    assert bundle["text/plain"].endswith(result.status_line)
    assert problems(bundle["text/html"], OURS, FRAME) == []


def test_jupyters_own_formatter_shows_it() -> None:
    shown, _ = DisplayFormatter().format(RESULTS["text and picture"])
    assert "data:image/png;base64," in shown["text/html"]
    assert shown["text/plain"].startswith("A cat\nimage/png")


def test_words_are_shown_with_the_status_line_in_one_output() -> None:
    (output,) = RESULTS["text"].outputs()
    assert "<strong>cat</strong>" in output["text/html"]
    assert output["text/plain"] == f"A **cat**\n{ENDPOINT} · 0.00 s"


def test_words_are_shown_as_they_are_when_asked() -> None:
    (output,) = RESULTS["text"].outputs("text")
    assert ">A **cat**</pre>" in output["text/html"]


def test_json_is_shown_in_place_of_words_when_asked() -> None:
    output, status = RESULTS["text"].outputs("json")
    assert output["text/plain"] == '{"output": "A **cat**"}'
    assert output["application/json"] == {"output": "A **cat**"}
    assert status == RESULTS["text"].foot


def test_json_that_is_not_there_leaves_the_words() -> None:
    (output,) = RESULTS["stopped"].outputs("json")
    assert output["text/plain"] == f"A\n{ENDPOINT} · stopped · 0.00 s"


def test_of_an_answer_that_was_stopped_while_the_model_thought_only_the_reasoning_is_shown() -> None:
    (output,) = Result(ENDPOINT, reasoning="Hm", data={"choices": []}, stopped=True).body()
    assert output["text/plain"] == "[reasoning] Hm"


def test_reasoning_comes_before_the_answer() -> None:
    (output,) = RESULTS["reasoned"].outputs()
    assert output["text/plain"].startswith("[reasoning] Hm\n4\n")


def test_a_picture_is_an_output_of_its_own() -> None:
    words, picture, player = RESULTS["text and picture"].outputs()
    assert words["text/plain"] == "A cat"
    assert "image/png" in picture
    assert "<audio" in player["text/html"]


def test_files_take_the_place_of_the_json_that_names_them() -> None:
    picture, status = RESULTS["picture"].outputs()
    assert "image/png" in picture
    assert status["text/plain"] == f"1×1 · 70 bytes\n{RESULTS['picture'].status_line}"


def test_several_pictures_are_one_output_with_the_words_and_the_status_line() -> None:
    result = RESULTS["pictures"]
    (output,) = result.outputs()
    assert output["text/html"].count("<img ") == 2
    assert output["text/plain"].startswith("Two cats\nimage/png")
    assert output["text/plain"].endswith(result.status_line)
    assert output == result._repr_mimebundle_()


def captions(result: Result) -> list[str]:
    html = "".join(output.get("text/html", "") for output in result.outputs())
    return re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", html)


def test_the_caption_of_each_picture_tells_its_size_and_its_seed() -> None:
    told, measured = Media("image/png", PNG, width=1024, height=768, seed=8), PICTURE
    assert captions(Result(ENDPOINT, media=[told, measured], data={"seed": 7})) == [
        "1024×768 · 70 bytes · seed 8",
        "1×1 · 70 bytes · seed 7",
    ]
    assert captions(Result(ENDPOINT, media=[measured, measured], data=[])) == ["1×1 · 70 bytes"] * 2


@pytest.mark.parametrize("seed", [True, "7", None, {"a": 1}, 1.5])
def test_a_seed_of_another_type_is_no_seed(seed: object) -> None:
    assert captions(Result(ENDPOINT, media=[PICTURE] * 2, data={"seed": seed})) == ["1×1 · 70 bytes"] * 2


def test_the_caption_of_a_withheld_picture_says_so() -> None:
    result = Result(ENDPOINT, media=[SOUND, PICTURE, PICTURE], data={"has_nsfw_concepts": [False, True]})
    assert captions(result) == [
        "1×1 · 70 bytes",
        "1×1 · 70 bytes · withheld by the safety checker",
        "<span>4 bytes</span>",
    ]


@pytest.mark.parametrize("extra", ["mask", "image"])
@pytest.mark.parametrize("comes_first", [True, False])
def test_a_picture_beside_those_with_flags_is_never_called_withheld(extra: str, comes_first: bool) -> None:  # noqa: FBT001
    made, other = Media("image/png", PNG), Media("image/gif", b"GIF89a\1\0\1\0\0\0\0;")
    data: dict[str, Any] = {"images": [{"url": made.data_uri()}], "has_nsfw_concepts": [True]}
    beside = {extra: {"url": other.data_uri()}}
    media = [other, made] if comes_first else [made, other]
    result = Result(ENDPOINT, media=media, data={**beside, **data} if comes_first else {**data, **beside})
    assert [number for number, said in enumerate(captions(result)) if "withheld" in said] == [media.index(made)]


def test_no_picture_is_called_withheld_where_the_flags_are_not_clearly_its_own() -> None:
    result = Result(ENDPOINT, media=[PICTURE, PICTURE], data={"has_nsfw_concepts": [True]})
    assert not any("withheld" in said for said in captions(result))
    assert "withheld" in result.outputs()[-1]["text/plain"]


def test_a_value_is_shown_where_there_is_nothing_else() -> None:
    assert RESULTS["json"].outputs()[0]["text/plain"].startswith('{"seed": 7}')


def test_a_failure_shows_what_came_and_no_error_body() -> None:
    (output,) = RESULTS["failed"].outputs()
    error = "ModelError: no (change the arguments, or send it again)"
    assert output["text/plain"] == f"A\n{error}\n{ENDPOINT} · failed: ModelError · 0.00 s"
    (empty,) = Result(ENDPOINT, data={"detail": "no"}, error=ModelError("no")).outputs()
    assert "detail" not in empty["text/plain"]


@pytest.mark.parametrize("media", [[SOUND, SOUND], [PICTURE, SOUND]], ids=["sounds", "picture first"])
def test_only_the_first_sound_plays_by_itself(media: list[Media]) -> None:
    result = Result(ENDPOINT, media=media)
    html = "".join(output.get("text/html", "") for output in result.outputs(autoplay=True))
    assert html.count(" autoplay>") == 1
    assert not any("autoplay" in output.get("text/html", "") for output in result.outputs())


@pytest.mark.parametrize("text", [*HTML, *QUOTED])
def test_a_hostile_answer_cannot_act(text: str) -> None:
    result = Result(text, text=text, reasoning=text, model=text, request_id=text, error=ModelError(text))
    assert problems(result._repr_mimebundle_()["text/html"], OURS, FRAME) == []
    for style in FORMATS:
        for output in Result(text, text=text, data={text: text}).outputs(style):
            assert problems(output["text/html"], OURS, FRAME) == []


@pytest.mark.parametrize(("flags", "said"), [([False, True], True), ([False], False), ("yes", False), (None, False)])
def test_a_withheld_picture_is_told(flags: object, said: bool) -> None:  # noqa: FBT001 - what is expected
    result = Result("a/b", data={"has_nsfw_concepts": flags})
    assert ("withheld" in result.outputs()[-1]["text/plain"]) is said


def test_results_can_be_hashed_and_equal_ones_alike() -> None:
    first, second = (Result("a/b", text="words", data={"a": [1]}, media=[Media("image/png", b"x")]) for _ in range(2))
    other = Result("a/b", text="words", data={"a": [2]})
    assert first == second != other
    assert hash(first) == hash(second)
    assert {first: 1, other: 2}[second] == 1


def plain(result: Result) -> str:
    return "\n".join(output["text/plain"] for output in result.body())


@pytest.mark.parametrize("reason", [None, "", "stop", "STOP", "end_turn", "completed", "tool_calls", "error"])
def test_an_answer_that_ended_as_it_should_says_nothing_of_it(reason: str | None) -> None:
    assert plain(Result(ENDPOINT, text="A", finish_reason=reason)) == "A"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("length", "cut off at the length limit: raise max_tokens"),
        ("MAX_TOKENS", "cut off at the length limit: raise max_tokens"),
        ("max_output_tokens", "cut off at the length limit: raise max_tokens"),
        ("content_filter", "ended by the endpoint's content filter"),
        ("SAFETY", "ended by the endpoint's content filter"),
        ("refusal", "the model refused"),
        ("MALFORMED_FUNCTION_CALL", "ended early: malformed_function_call"),
        ("a\nb\x1b" + "c" * 500, "ended early: a b␛" + "c" * 55 + "…"),
    ],
)
def test_an_answer_that_was_cut_says_so_below_it(reason: str, words: str) -> None:
    assert plain(Result(ENDPOINT, text="A", finish_reason=reason)) == f"A\n{words}"


def test_what_stands_beneath_an_answer_has_its_order() -> None:
    assert plain(RESULTS["cut"]) == (
        "A\ncut off at the length limit: raise max_tokens\nSources:\n[1] A https://a.org/\na note"
    )
    assert plain(RESULTS["calls"]) == '[calls f] {"a": [1]}'


def test_json_when_asked_stands_alone() -> None:
    result = Result(
        ENDPOINT, text="A", data={"a": 1}, choices=[Choice("A"), Choice("B")], sources=[Source("https://a/")]
    )
    assert [output["text/plain"] for output in result.body("json")] == ['{"a": 1}']


def test_more_calls_than_a_page_bears_are_counted() -> None:
    calls = [ToolCall("f", ["x " * 950] * 300)] * 100
    result = Result(ENDPOINT, choices=[Choice(tool_calls=calls), Choice("B", tool_calls=calls), Choice("C")])
    assert "… and more: 98 of its tool calls" in plain(result)
    assert plain(result).endswith("… and more: 1 of its choices")
    assert len(plain(result)) < 4_000_000


def test_more_sources_than_a_reader_wants_are_counted() -> None:
    sources = [Source(f"https://a.org/{number}") for number in range(1_000)]
    assert plain(Result(ENDPOINT, text="A", sources=sources)).endswith("… and more: 950 of its sources")


@pytest.mark.parametrize("text", [*HTML, *QUOTED, "$x$ \\(y\\)", "\u202eabc"])
def test_hostile_choices_sources_and_reasons_cannot_act(text: str) -> None:
    address = f"https://a.org/{text}"
    calls = [ToolCall(text, {text: text}, text), ToolCall(text, text)]
    choices = [Choice(text, text, text, tool_calls=calls), Choice(text, text, text, refused=True, tool_calls=calls)]
    result = Result(
        ENDPOINT, text=text, finish_reason=text, sources=[Source(address, text)], choices=choices, note=text
    )
    for output in [*result.outputs(), result._repr_mimebundle_()]:
        assert problems(output["text/html"], OURS, FRAME) == []
        assert "\u202e" not in output["text/plain"]


@pytest.mark.parametrize(
    ("label", "data", "style", "formatted"),
    [
        ("text/plain", None, "markdown", False),
        ("text/csv; header=present", None, "markdown", False),
        ("text/markdown", None, "markdown", True),
        ("text/plain", {"output": "A **cat**"}, "markdown", True),
        ("", None, "markdown", True),
        ("text/markdown", None, "text", False),
    ],
)
def test_a_body_of_plain_text_is_no_markdown(label: str, data: Any, style: Any, *, formatted: bool) -> None:
    result = Result(ENDPOINT, text="A **cat**", data=data, headers={"content-type": label})
    assert ("<strong>cat" in result.outputs(style)[0]["text/html"]) is formatted
    assert (result.words_format(style) == "markdown") is formatted
