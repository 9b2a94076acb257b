import base64
import json
from typing import Any

import pytest

from fal_notebook.media.media import Media
from fal_notebook.response.files_in_json import files_in

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CAT = "https://v3.fal.media/files/cat.png"


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        ({"image": {"url": CAT}}, "image/png"),
        ({"images": [{"url": "https://fal.media/x", "content_type": "image/jpeg"}]}, "image/jpeg"),
        ({"images": [CAT]}, "image/png"),
        ({"image": {"url": "https://fal.media/x"}}, "image/png"),
        ({"audio": {"url": "https://fal.media/x.wav"}}, "audio/wav"),
        ({"audio_url": "https://fal.media/x.mp3"}, "audio/mpeg"),
        ({"audio_file": {"url": "https://fal.media/x"}}, "audio/mpeg"),
        ({"video": {"url": "https://fal.media/x"}}, "video/mp4"),
        ({"output": {"video": {"url": "https://fal.media/x.webm"}}}, "video/webm"),
        ({"model_file": {"url": "https://fal.media/x.zip"}}, "application/zip"),
        ({"document_url": "https://fal.media/x.pdf"}, "application/pdf"),
        ({"anything": {"url": "https://fal.media/x", "content_type": "Application/PDF"}}, "application/pdf"),
    ],
)
def test_a_file_is_found_by_its_type_its_ending_or_its_names(value: Any, content_type: str) -> None:
    (media,) = files_in(value)
    assert media.content_type == content_type
    assert media.url
    assert media.url.startswith("https://")
    assert media.data is None


def test_a_data_uri_is_a_file_that_needs_no_fetching() -> None:
    uri = Media("image/png", PNG).data_uri()
    assert files_in({"images": [{"url": uri, "width": 1}]}) == (Media("image/png", PNG, width=1),)


def test_what_the_server_tells_of_a_file_is_kept() -> None:
    described = {"url": CAT, "file_name": "c.png", "width": 8, "height": 9, "duration": 1.5, "file_size": 70}
    assert files_in({"image": described}) == (Media("image/png", None, CAT, "c.png", 8, 9, 1.5),)


def test_a_description_of_the_wrong_type_is_left_out() -> None:
    described = {"url": CAT, "file_name": 7, "width": "8", "height": None, "duration": [], "content_type": 3}
    assert files_in({"image": described}) == (Media("image/png", url=CAT),)


def urls(value: Any) -> list[str | None]:
    return [media.url for media in files_in(value)]


def test_equal_files_of_a_list_are_different_files() -> None:
    black, red, blue = (f"https://fal.media/{name}.png" for name in ("black", "red", "blue"))
    pictures = [black, red, black, blue]
    assert urls({"images": [{"url": each} for each in pictures]}) == pictures
    assert urls({"results": [{"images": [each]} for each in pictures]}) == pictures
    assert urls({"image": [black] * 8}) == [black] * 8


def test_a_file_that_stands_under_several_names_is_one() -> None:
    first, second = "https://fal.media/1.png", "https://fal.media/2.png"
    value = {"image": {"url": first}, "images": [{"url": second}, {"url": first}, {"url": second}]}
    assert urls(value) == [first, second, second]
    assert urls({"images": [first, second], "output": {"images": [first, second]}}) == [first, second]
    assert urls({"images": [{"url": first, "image_url": first}]}) == [first]


@pytest.mark.parametrize(
    "value",
    [
        {"output": "https://evil/x.png"},
        {"output": "https://evil/x"},
        {"text": "https://evil/x.mp3"},
        {"choices": [{"message": {"content": "https://evil/x.png"}}]},
        {"annotations": [{"url": "https://evil/x.png", "title": "a source"}]},
        {"annotations": [{"type": "url_citation", "url_citation": {"url": "https://evil/x", "title": "t"}}]},
        ["https://evil/x.png"],
        "https://evil/x.png",
        {"output": "Data: one, two and three"},
        {"image": "a cat.png"},
        {"image": "/etc/x.png"},
        {"image": {"url": "javascript:alert(1)"}},
        {"image": {"url": "file:///etc/x.png"}},
        {"image": {"url": "https:///x.png"}},
        {"image": {"url": "https://evil/x.png and more"}},
        {"image": {"url": "http://[::1/x.png"}},
        {"image": {"url": "data:image/png;base64,abcde"}},
        {"image": {"url": None}},
        {"image": 7},
        None,
        7,
    ],
)
def test_what_is_not_told_to_be_a_file_is_none(value: Any) -> None:
    assert files_in(value) == ()


def test_a_value_nested_as_deep_as_json_goes_does_no_harm() -> None:
    value = json.loads('{"images": ' + "[" * 800 + json.dumps(CAT) + "]" * 800 + "}")
    assert files_in(value) == ()


def test_a_file_within_some_nesting_is_found() -> None:
    value: Any = {"image": {"url": CAT}}
    for _ in range(10):
        value = {"node": [value]}
    assert files_in(value) == (Media("image/png", url=CAT),)


@pytest.mark.parametrize("name", ["image_captions", "prompt", "imagery", "videographer", "audio_text"])
def test_a_url_under_a_name_that_only_sounds_like_a_files_is_none(name: str) -> None:
    assert files_in({name: ["https://example.com/x.png"]}) == ()


@pytest.mark.parametrize("name", ["image", "images", "control_image", "image_url", "image_urls", "file", "video_file"])
def test_a_url_under_a_files_name_is_one(name: str) -> None:
    assert len(files_in({name: "https://example.com/x.png"})) == 1


def test_the_seed_of_each_picture_is_kept_and_what_is_no_number_is_not() -> None:
    url = "https://fal.media/a.png?"
    images = [{"url": f"{url}{seed}", "seed": seed, "width": True} for seed in (7, True, "8")]
    found = files_in({"images": images})
    assert [(media.seed, media.width) for media in found] == [(7, None), (None, None), (None, None)]


@pytest.mark.parametrize("bad", [" ", "\n", "\x1b", "\ud800", "\u202e"])
def test_an_address_with_what_no_address_holds_is_no_file(bad: str) -> None:
    assert files_in({"images": [{"url": f"https://fal.media/{bad}a.png", "content_type": "image/png"}]}) == ()


BASE64 = base64.b64encode(PNG).decode()
SOUND = base64.b64encode(b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(60)).decode()


@pytest.mark.parametrize(
    "value",
    [
        {"b64_json": BASE64},
        {"data": [{"b64_json": BASE64, "revised_prompt": "A cat"}], "created": 1},
        {"type": "image.partial", "image": {"partial_index": 0, "b64_json": BASE64}},
        {"type": "image_generation.completed", "b64_json": BASE64, "output_format": "png"},
        {"image": BASE64},
        {"images": [BASE64]},
        {"output": {"image_base64": BASE64.rstrip("=")}},
        {"image": {"data": BASE64, "mimeType": "image/png"}},
        {"control_image": "\n".join([BASE64[:40], BASE64[40:]])},
        {"image": {"url": BASE64}},
    ],
)
def test_bare_base64_is_a_file_where_its_name_and_its_first_bytes_say_so(value: Any) -> None:
    assert files_in(value) == (Media("image/png", PNG),)


def test_bare_base64_of_sound_is_a_file() -> None:
    (media,) = files_in({"result": {"audio": {"data": SOUND}}})
    assert (media.content_type, media.kind) == ("audio/mpeg", "audio")


@pytest.mark.parametrize(
    "value",
    [
        {"text": BASE64},
        {"output": BASE64},
        {"data": BASE64},
        [BASE64],
        BASE64,
        {"embedding_base64": base64.b64encode(bytes(range(90))).decode()},
        {"image": base64.b64encode(b"<svg onload=alert(1)>" * 5).decode()},
        {"image": BASE64[:70] + "!" + BASE64[70:]},
        {"image": "iVBORw0KGgo="},
        {"image": "R" * 100},
        {"image": "Ü" * 100},
        {"image": "\ud800" * 100},
        {"image_prompt": BASE64},
    ],
)
def test_other_base64_is_no_file(value: Any) -> None:
    assert files_in(value) == ()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"model_mesh": {"url": "https://x.y/m.glb"}}, [("model/gltf-binary", "model_mesh")]),
        (
            {"model_mesh": {"url": "https://x.y/m", "content_type": "application/octet-stream", "file_name": "m.glb"}},
            [("model/gltf-binary", "model_mesh")],
        ),
        (
            {"model_urls": {"glb": "https://x.y/a.glb", "fbx": {"url": "https://x.y/a.fbx"}}},
            [("model/gltf-binary", "glb"), ("application/octet-stream", "fbx")],
        ),
        ({"image": {"url": "https://x.y/a.png", "content_type": "application/octet-stream"}}, [("image/png", "")]),
        (
            {"thing": {"url": "https://x.y/a.png", "content_type": "application/octet-stream"}},
            [("application/octet-stream", "thing")],
        ),
        ({"page": {"url": "https://x.y/a.html"}, "search": [{"url": "https://x.y/a.png"}]}, []),
        ({"output": "https://x.y/a.glb"}, []),
        (
            {"a": {"url": "https://x.y/a", "content_type": "application/octet-stream", "file_name": "//[x.glb"}},
            [("model/gltf-binary", "a")],
        ),
    ],
)
def test_a_file_that_is_only_linked_is_known_by_its_ending(value: object, found: list[tuple[str, str]]) -> None:
    assert [(media.content_type, media.name) for media in files_in(value)] == found


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"vocals": {"url": "https://x.y/a.wav", "content_type": "audio/wav"}}, "vocals"),
        ({"stems": {"bass": {"audio": {"url": "https://x.y/a.wav"}}}}, "bass"),
        ({"control_image": {"url": "https://x.y/a.png"}}, "control_image"),
        ({"speech_url": {"url": "https://x.y/a.wav", "content_type": "audio/wav"}}, "speech"),
        ({"images": [{"url": "https://x.y/a.png"}]}, ""),
        ({"audio_url": "https://x.y/a.wav"}, ""),
        ({"output": {"video_file": {"url": "https://x.y/a.mp4"}}}, ""),
        ({"x" * 500: {"url": "https://x.y/a.png", "content_type": "image/png"}}, "x" * 80),
    ],
)
def test_a_file_has_the_name_that_says_more_than_its_type(value: object, name: str) -> None:
    (media,) = files_in(value)
    assert media.name == name
