"""Documents in fal's form and of FastAPI, and those that nobody should write."""

import contextlib
import time
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from fal_notebook.schema.endpoint_schema import MISSING, Argument, EndpointSchema
from fal_notebook.schema.reading import NoSchema, read_schema

from .documents import PICTURE, fal_document, picture_document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYWORDS = ("$ref", "type", "anyOf", "allOf", "enum", "const", "properties", "items", "required", "minimum", "nullable")


def argument(schema: EndpointSchema, name: str) -> Argument:
    found = schema.argument(name)
    assert found is not None
    return found


def test_an_endpoint_is_read_from_fals_document() -> None:
    schema = read_schema(picture_document(), PICTURE)
    assert (schema.category, schema.description) == ("text-to-image", "Makes pictures of words.")
    assert [each.name for each in schema.arguments][:4] == ["prompt", "num_images", "image_size", "guidance_scale"]
    assert [each.name for each in schema.outputs] == ["images", "seed"]
    assert not schema.streams
    assert not schema.deprecated
    prompt, number = argument(schema, "prompt"), argument(schema, "num_images")
    assert (prompt.required, prompt.description, prompt.default) == (True, "What the picture shows.", MISSING)
    assert (number.required, number.default, number.kinds) == (False, 1, ("integer",))
    assert (number.shapes[0].minimum, number.shapes[0].maximum) == (1, 4)
    assert argument(schema, "seed").kinds == ("integer", "null")
    assert argument(schema, "sync_mode").hidden


def test_an_argument_of_several_forms_has_them_all() -> None:
    size = argument(read_schema(picture_document(), PICTURE), "image_size")
    assert size.kinds == ("object", "string")
    assert size.choices == ("square", "square_hd", "landscape_4_3")
    width = size.shapes[0].members[0]
    assert (width.name, width.shapes[0].above, width.shapes[0].minimum) == ("width", 0, None)


@pytest.mark.parametrize(
    ("name", "marks", "file"),
    [
        ("image_url", {}, "image"),
        ("image_urls", {"type": "array", "items": {"type": "string"}}, "image"),
        ("mask_url", {}, "image"),
        ("archive_url", {}, "file"),
        ("prompt", {}, ""),
        ("first", {"ui": {"field": "video"}}, "video"),
        ("second", {"_fal_ui_field": "audio"}, "audio"),
        ("count_url", {"type": "integer"}, ""),
    ],
)
def test_a_file_is_known_by_its_mark_or_its_name(name: str, marks: dict[str, Any], file: str) -> None:
    schema = read_schema(fal_document("a/b", {name: {"type": "string", **marks}}), "a/b")
    assert argument(schema, name).file == file


def test_an_endpoint_is_read_from_the_document_of_fastapi() -> None:
    class Question(BaseModel):
        prompt: str = Field(description="What is asked.", min_length=2)
        temperature: float | None = Field(default=None, ge=0, le=2)
        n: int = Field(default=1, gt=0)

    class Answer(BaseModel):
        output: str

    app = FastAPI()

    @app.post("/talk", summary="Talks", deprecated=True)
    @app.post("/talk/stream")
    def talk(question: Question) -> Answer:
        """Answers a question."""
        return Answer(output=question.prompt)

    schema = read_schema(app.openapi(), "talk")
    assert (schema.title, schema.description, schema.deprecated) == ("Talks", "Answers a question.", True)
    assert schema.streams
    assert [(each.name, each.required, each.kinds) for each in schema.arguments] == [
        ("prompt", True, ("string",)),
        ("temperature", False, ("number", "null")),
        ("n", False, ("integer",)),
    ]
    assert argument(schema, "prompt").shapes[0].shortest == 2
    assert argument(schema, "n").shapes[0].above == 0
    assert [each.name for each in schema.outputs] == ["output"]
    assert argument(read_schema(app.openapi(), "talk/stream"), "prompt").required


def test_a_stream_without_a_schema_has_its_siblings() -> None:
    schema = read_schema(picture_document(), f"{PICTURE}/stream")
    assert (schema.endpoint, schema.streams) == (f"{PICTURE}/stream", True)
    assert argument(schema, "prompt").required
    assert [each.name for each in schema.outputs] == ["images", "seed"]


@pytest.mark.parametrize("document", [None, [], "x", {}, {"paths": []}, {"paths": {"/a/b": {"post": 7}}}])
def test_what_is_no_document_has_no_schema(document: object) -> None:
    with pytest.raises(NoSchema):
        read_schema(document, "a/b")


def test_references_in_a_circle_end() -> None:
    document = fal_document("a/b", {"tree": {"$ref": "#/components/schemas/Input"}, "self": {"$ref": "#/x"}})
    document["x"] = {"$ref": "#/x"}
    schema = read_schema(document, "a/b")
    assert argument(schema, "self").kinds == ()
    assert argument(schema, "tree").kinds == ("object",)


def test_many_references_that_each_branch_are_bounded_work() -> None:
    members = {f"member{number}": {"$ref": "#/components/schemas/Input"} for number in range(400)}
    start = time.perf_counter()
    schema = read_schema(fal_document("a/b", members), "a/b")
    assert time.perf_counter() - start < 5
    assert len(schema.arguments) == 400


def test_of_a_million_arguments_few_are_read_and_no_other_is_doubted() -> None:
    members: dict[str, Any] = {f"member{number}": {} for number in range(1_000_000)}
    document = fal_document("a/b", members, required=list(members))
    start = time.perf_counter()
    schema = read_schema(document, "a/b")
    assert time.perf_counter() - start < 5
    assert len(schema.arguments) == 500
    assert schema.takes_more


def test_what_is_nested_deeply_is_anything_at_last() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(10_000):
        schema = {"type": "array", "items": schema}
    assert argument(read_schema(fal_document("a/b", {"deep": schema}), "a/b"), "deep").kinds == ("array",)


@given(st.dictionaries(st.sampled_from(KEYWORDS), JSON, max_size=6), JSON)
def test_no_schema_of_an_argument_raises(schema: dict[str, Any], other: Any) -> None:
    document = fal_document("a/b", {"x": schema}, required=other)
    assert read_schema(document, "a/b").endpoint == "a/b"


@given(st.dictionaries(st.sampled_from(("paths", "info", "components")), JSON), st.sampled_from(("post", "get")), JSON)
def test_no_document_raises_anything_but_that_it_has_no_schema(document: dict[str, Any], method: str, op: Any) -> None:
    document.setdefault("paths", {"/a/b": {method: op}})
    with contextlib.suppress(NoSchema):
        read_schema(document, "a/b")
