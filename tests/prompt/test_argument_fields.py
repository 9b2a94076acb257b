"""The form's fields, from schemas in fal's form."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fal_notebook.prompt.argument_fields import by_argument, fields_of, file_argument, model_field
from fal_notebook.schema.checking import check
from fal_notebook.schema.endpoint_schema import EndpointSchema
from fal_notebook.schema.reading import read_schema

from ..schema.documents import fal_document, picture_document


def schema(members: dict[str, Any], **more: Any) -> EndpointSchema:
    return read_schema(fal_document("a/b", members, **more), "a/b")


def field(member: dict[str, Any], name: str = "x", **more: Any) -> dict[str, Any]:
    (found,) = fields_of(schema({name: member}, **more), ())
    assert found.pop("name") == name
    return found


def test_fields_are_in_the_endpoints_order_without_those_that_are_hidden_or_elsewhere() -> None:
    fields = fields_of(read_schema(picture_document(), "studio/picture"), ("prompt",))
    assert [each["name"] for each in fields] == [
        "num_images", "image_size", "guidance_scale", "seed", "image_url", "loras",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("member", "wanted"),
    [
        ({"type": "string"}, {"control": "text"}),
        ({"type": "string", "default": "a\nb"}, {"control": "area", "default": "a b"}),
        ({"type": "integer"}, {"control": "number", "whole": True}),
        ({"type": "number", "minimum": 0}, {"control": "number", "min": 0}),
        ({"type": "number", "minimum": 0, "maximum": 20}, {"control": "number", "min": 0, "max": 20, "step": 0.1}),
        ({"type": "number", "minimum": 0, "maximum": 1}, {"control": "number", "min": 0, "max": 1, "step": 0.01}),
        (
            {"type": "integer", "minimum": 0, "maximum": 2**31},
            {"control": "number", "whole": True, "min": 0, "max": 2**31},
        ),
        ({"type": "boolean", "default": False}, {"control": "switch", "default": "false"}),
        ({"type": "boolean"}, {"control": "choice", "choices": [["json", "true"], ["json", "false"]]}),
        ({"enum": ["a", 2]}, {"control": "choice", "choices": [["text", "a"], ["json", "2"]]}),
        ({"type": "string", "ui": {"field": "video"}}, {"control": "file", "file": "video", "several": False}),
        ({"type": "array", "items": {"type": "string"}}, {"control": "json"}),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"control": "any"}),
        ({}, {"control": "any"}),
        ({"type": "object", "properties": {"n": {"type": "string"}}}, None),
    ],
)
def test_the_control_is_that_of_the_kind(member: dict[str, Any], wanted: dict[str, Any] | None) -> None:
    assert field(member) == (wanted or {"control": "object", "members": [{"name": "n", "control": "text"}]})


def test_several_files_are_a_list() -> None:
    urls = {"type": "array", "items": {"type": "string"}}
    assert field(urls, "image_urls") == {"control": "file", "file": "image", "several": True}


def test_what_has_to_be_given_and_what_it_means_is_said() -> None:
    member = {"type": "string", "description": "Words\n<b>of\x1b[31m a server</b>"}
    assert field(member, required=["x"]) == {
        "control": "text",
        "required": True,
        "help": "Words <b>of␛[31m a server</b>",
    }
    assert "required" not in field({"type": "string", "default": "a"}, required=["x"])


def test_the_model_has_its_choices_and_its_default() -> None:
    with_model = schema({"model": {"enum": ["small", "large"], "default": "small"}})
    assert model_field(with_model) == {
        "name": "model",
        "control": "choice",
        "choices": [["text", "small"], ["text", "large"]],
        "default": "small",
    }
    assert model_field(schema({})) is None


def test_a_file_goes_to_the_argument_of_its_kind_that_is_free() -> None:
    found = schema(
        {
            "mask_url": {"type": "string"},
            "image_url": {"type": "string"},
            "reference_url": {"type": "string"},
            "audio_url": {"type": "string"},
        }
    )
    taken: dict[str, Any] = {}
    for wanted in ("image_url", "mask_url", "reference_url"):
        argument = file_argument(found, "image", taken)
        assert argument is not None
        assert argument.name == wanted
        taken[wanted] = "x"
    assert file_argument(found, "image", taken) is None


def test_problems_are_told_by_the_argument_that_has_to_be_corrected() -> None:
    found = read_schema(picture_document(), "studio/picture")
    problems = check(found, {"prompt": "x", "loras": [{"scale": 9}, {"path": 1}], "sed": 2})
    assert set(by_argument(problems)) == {"loras", "sed"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
MEMBER = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "what"]) | JSON,
        "enum": st.lists(JSON, max_size=3),
        **dict.fromkeys(("default", "minimum", "maximum", "multipleOf", "description", "properties", "anyOf"), JSON),
    },
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=4) | st.just("\ud800"), MEMBER, max_size=4))
def test_whatever_a_schema_holds_its_fields_can_be_sent_to_the_page(members: dict[str, Any]) -> None:
    fields = fields_of(schema(members), ())
    json.dumps(fields, allow_nan=False, ensure_ascii=False).encode()
    assert all(each["control"] != "object" or each["members"] for each in fields)
