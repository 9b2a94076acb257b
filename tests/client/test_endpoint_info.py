"""What an endpoint says of itself, as a page of help."""

import re
from dataclasses import replace
from typing import Any

import pytest

from fal_notebook import info
from fal_notebook.client.endpoint_info import EndpointInfo
from fal_notebook.client.known_endpoints import MODELS
from fal_notebook.errors import InvalidRequest
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.local.serving import find_app
from fal_notebook.schema.reading import read_schema

from ..local.test_fal_app import Adder
from ..schema.documents import PICTURE, fal_document, picture_document

NOW = 1e12


def told(document: dict[str, Any], endpoint: str = PICTURE) -> EndpointInfo:
    return EndpointInfo(read_schema(document, endpoint), NOW)


def test_it_shows_what_an_endpoint_does_and_takes() -> None:
    words = told(picture_document()).bundle["text/plain"]
    assert "studio/picture" in words
    assert "text-to-image · does not stream" in words
    assert "Makes pictures of words." in words
    assert re.search(r"^prompt +text +required +What the picture shows\.$", words, re.MULTILINE)
    assert re.search(r"^num_images +a whole number +1 +from 1 to 4 +Num Images$", words, re.MULTILINE)
    assert re.search(r"^image_size .* landscape_4_3 +square, square_hd, landscape_4_3", words, re.MULTILINE)
    assert re.search(r"^image_url +image file", words, re.MULTILINE)
    assert "gives: images, seed" in words


def test_the_required_arguments_stand_first() -> None:
    document = fal_document("a/b", {"x": {}, "y": {"type": "string"}, "z": {}}, required=["z"])
    words = told(document, "a/b").bundle["text/plain"]
    rows = [line[0] for line in words.splitlines() if re.match("[xyz] ", line)]
    assert rows == ["z", "x", "y"]


def test_the_example_is_a_cell() -> None:
    assert told(picture_document()).example == "%%falstream studio/picture\nA cat that sleeps"
    members = {"image_url": {"type": "string"}, "scale": {"type": "integer"}, "mode": {"enum": ["a b", "c"]}}
    document = fal_document("a/b", members, required=["image_url", "scale", "mode"])
    assert told(document, "a/b").example == '%falstream a/b image_url=@picture.png scale:=1 mode="a b"'


def test_the_example_names_a_model_that_there_is_and_reads_as_it_is_written() -> None:
    members = {"prompt": {"type": "string"}, "model": {"type": "string", "minLength": 1}, "style": {"type": "string"}}
    found = told(fal_document("a/b", members, required=list(members)), "a/b")
    assert found.example.startswith(f'%%falstream a/b model="{MODELS[0]}" style="…"\n')
    assert "at least 1 character " in found.bundle["text/plain"].replace("\n", " \n")


def test_what_is_deprecated_says_what_takes_its_place() -> None:
    schema = replace(read_schema(picture_document(), PICTURE), deprecated=True, replaced_by="other/picture")
    assert "deprecated, use other/picture instead" in repr(EndpointInfo(schema, NOW))


def test_what_is_old_says_so() -> None:
    schema = read_schema(picture_document(), PICTURE)
    assert "as it was 1 day ago" in repr(EndpointInfo(schema, NOW, is_old=True))


def test_hostile_words_are_harmless() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J"
    members = {evil: {"type": "string", "description": evil, "default": evil, "enum": [evil], "examples": [evil]}}
    document = fal_document("a/b", members, required=[evil])
    document["info"] |= {"title": evil, "description": evil, "x-fal-metadata": {"category": evil}}
    bundle = told(document, "a/b").bundle
    assert "<script" not in bundle["text/html"]
    assert "<img" not in bundle["text/html"]
    assert not [data for data in bundle.values() if "\x1b" in data]


def test_a_huge_schema_is_a_page_of_bounded_size() -> None:
    long = "x" * 100_000
    members = {
        f"m{number}{long[:150]}": {"enum": [long], "default": long, "description": long} for number in range(500)
    }
    bundle = told(fal_document("a/b", members, required=list(members)), "a/b").bundle
    assert "and 400 arguments more" in bundle["text/plain"]
    assert sum(map(len, bundle.values())) < 1_000_000


def test_a_real_fal_app_tells_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IS_ISOLATE_AGENT", "1")
    with LocalServer(HTTPOverWebSocket(find_app(f"{Adder.__module__}:Adder"))) as server:
        found = info("count", base_url=server.url)
        assert [(each.name, each.kinds, each.required) for each in found.schema.arguments] == [
            ("values", ("array",), True)
        ]
        with pytest.raises(
            InvalidRequest, match=r"no schema of cuont \(http://127.0.0.1:\d+/openapi.json has none: is"
        ):
            info("cuont", base_url=server.url)
