import base64
from typing import Any

import pytest

from fal_notebook.client.file_bundles import rest_of, size_note, withheld_pictures
from fal_notebook.client.result import Result
from fal_notebook.media.media import Media
from fal_notebook.response.choices import Choice
from fal_notebook.response.files_in_json import files_in

from ..render.test_bundles import PNG, acting

URI = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
PICTURE = {"url": "https://fal.media/a.png", "width": 8, "height": 9, "content_type": "image/png"}


def shown(data: Any, text: str = "") -> dict[str, Any]:
    return Result("a/b", text=text, data=data, media=list(files_in(data)))._repr_mimebundle_()


MORE = {"detections": [{"box": [0, 1]}], "score": 0.9, "timings": {"inference": 1.5}, "seed": 7}
CHUNKS = {"chunks": [{"text": "a", "timestamp": [0, 1]}]}


@pytest.mark.parametrize(
    ("data", "text", "rest"),
    [
        ({"images": [PICTURE], **MORE}, "", MORE),
        ({"images": [PICTURE], "has_nsfw_concepts": [False], "prompt": "", "error": None}, "", {}),
        ({"images": [PICTURE], "has_nsfw_concepts": [True]}, "", {"has_nsfw_concepts": [True]}),
        ({"output": "a cat", "partial": False}, "a cat", {}),
        ({"text": "a cat ", **CHUNKS}, "a cat", CHUNKS),
        ({"image": {**PICTURE, "label": "x", "flag": False}}, "", {"image": {"label": "x", "flag": False}}),
        ({"image": URI, "b": [URI, {"b64_json": "abc", "revised_prompt": "p"}]}, "", {"b": [{"revised_prompt": "p"}]}),
        ({"image": base64.b64encode(PNG * 3).decode(), "n": 1}, "", {"n": 1}),
        ({"a": {"b": [{"c": {"url": "https://x/"}}]}, "zero": 0}, "", {"zero": 0}),
        ([1, 2], "", {}),
        ("words", "words", {}),
    ],
)
def test_the_rest_of_an_answer_is_what_neither_words_nor_files_say(data: Any, text: str, rest: dict[str, Any]) -> None:
    assert rest_of(data, text) == rest


def test_what_stands_beside_pictures_and_words_is_a_fold_below_them() -> None:
    html = shown({"images": [PICTURE], "seed": 7, "timings": {"inference": 1.5}})["text/html"]
    assert "<summary>more from the endpoint: seed, timings</summary>" in html
    html = shown({"text": "a cat", "chunks": [{"text": "a", "timestamp": [0, 1]}]}, "a cat")["text/html"]
    assert "<summary>more from the endpoint: chunks</summary>" in html
    assert html.index("a cat") < html.index("more from the endpoint") < html.index("a/b ·")


def test_a_seed_that_the_captions_say_is_not_said_again() -> None:
    assert "more from" not in shown({"images": [PICTURE], "seed": 7})["text/html"]
    assert "more from the endpoint: seed" in shown({"text": "a cat", "seed": 7}, "a cat")["text/html"]


def test_nothing_more_is_said_of_a_chat_and_of_a_failure() -> None:
    chat = {"id": "x", "created": 1, "choices": [{"message": {"content": "hi"}}]}
    assert "more from" not in str(Result("a/b", text="hi", data=chat, choices=[Choice("hi")]).body())
    assert "more from" not in str(Result("a/b", text="hi", data={"a": 1}, finish_reason="stop").body())
    assert "more from" not in shown({"output": "hi", "partial": False, "error": None}, "hi")["text/html"]


def test_pictures_that_are_equal_are_all_shown_and_only_those_withheld_are_named() -> None:
    other = f"data:image/png;base64,{base64.b64encode(PNG + b'x').decode()}"
    last = f"data:image/png;base64,{base64.b64encode(PNG + b'y').decode()}"
    data = {
        "images": [{"url": each} for each in (URI, other, URI, last)],
        "has_nsfw_concepts": [True, False, True, False],
    }
    media = list(files_in(data))
    assert len(media) == 4
    assert withheld_pictures(media, data) == [0, 2]
    html = shown(data)["text/html"]
    captions = [each.partition("</figcaption>")[0] for each in html.split("<figcaption")[1:]]
    assert ["withheld" in each for each in captions] == [True, False, True, False]


def test_an_output_that_makes_the_notebook_large_says_so() -> None:
    sound = Media("audio/wav", bytes(24_000_000))
    (output,) = Result("a/b", media=[sound]).body()
    note = "this output adds 32 MB to the notebook; --quiet --save keeps its files beside it instead"
    assert output["text/plain"].endswith(note)
    assert "adds" not in Result("a/b", media=[Media("audio/wav", bytes(10_000_000))]).body()[-1]["text/plain"]
    assert size_note([]) == []


def test_a_single_picture_is_in_the_notebook_once() -> None:
    picture = Media("image/png", PNG + bytes(100_000))
    parts = Result("a/b", media=[picture], data={"seed": 7}).outputs()
    assert sum(str(part).count(base64.b64encode(PNG).decode()[:60]) for part in parts) == 1
    (whole,) = [Result("a/b", media=[picture])._repr_mimebundle_()]
    assert str(whole).count(base64.b64encode(PNG).decode()[:60]) == 1
    assert acting(whole) == []


def test_data_is_an_output_of_its_own_only_where_outputs_may_be_several() -> None:
    result = Result("a/b", data={"seed": 7})
    assert [set(each) for each in result.body()] == [{"text/plain", "text/html", "application/json"}]
    assert [set(each) for each in result.body(html_only=True)] == [{"text/plain", "text/html"}]
    assert set(result._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_what_is_told_elsewhere_and_what_came_last_of_an_answer_that_was_stopped_is_in_no_fold() -> None:
    data = {"output": "a cat", "usage": {"prompt_tokens": 3}, "model": "m", "partial": True}
    assert "more from" not in Result("a/b", text="a cat", data=data).body()[-1]["text/plain"]
    data["progress"] = 0.25
    assert "more from the endpoint: progress" in Result("a/b", text="a cat", data=data).body()[-1]["text/plain"]
    assert "more from" not in Result("a/b", text="a cat", data=data, stopped=True).body()[-1]["text/plain"]
