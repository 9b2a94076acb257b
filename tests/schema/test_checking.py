"""The check of arguments against a schema, with jsonschema as a second judge."""

import contextlib
import time
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError, create_model

from fal_notebook.schema.checking import MOST_PROBLEMS, check
from fal_notebook.schema.reading import read_schema

from .documents import PICTURE, fal_document, picture_document

SCHEMA = read_schema(picture_document(), PICTURE)
FITTING = {
    "prompt": "a cat",
    "num_images": 2,
    "image_size": {"width": 64, "height": 64},
    "seed": None,
    "guidance_scale": 3,
    "loras": [{"path": "x", "scale": 1}],
}
SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, 2.0, -1.5]) | st.text("ab4.", max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("pqr"), inner, max_size=3),
    max_leaves=5,
)


def schemas() -> st.SearchStrategy[Any]:
    bounds = st.fixed_dictionaries(
        {},
        optional={
            "minimum": st.integers(-4, 4),
            "maximum": st.integers(-4, 4),
            "exclusiveMinimum": st.integers(-4, 4),
            "exclusiveMaximum": st.sampled_from([-1.5, 0.5, 3]),
            "multipleOf": st.sampled_from([0.5, 2, 3]),
        },
    )
    lengths = st.fixed_dictionaries({}, optional={"minLength": st.integers(0, 3), "maxLength": st.integers(0, 3)})
    plain = (
        st.builds(lambda kind, more: {"type": kind, **more}, st.sampled_from(["integer", "number"]), bounds)
        | st.builds(lambda more: {"type": "string", **more}, lengths)
        | st.sampled_from([{}, {"type": "boolean"}, {"type": "null"}, {"type": ["integer", "null"]}])
        | st.builds(lambda choices: {"enum": choices}, st.lists(SCALARS, min_size=1, max_size=4))
    )
    return st.recursive(plain, _nested, max_leaves=4)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.builds(
        lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 2)
    )
    objects = st.builds(
        lambda members, required, more: {
            "type": "object",
            "properties": members,
            "required": [each for each in required if each in members],
            "additionalProperties": more,
        },
        st.dictionaries(st.sampled_from("pqr"), inner, min_size=1, max_size=3),
        st.lists(st.sampled_from("pqr"), unique=True),
        st.booleans(),
    )
    return lists | objects | st.builds(lambda each: {"anyOf": each}, st.lists(inner, min_size=1, max_size=3))


def words(**arguments: Any) -> list[str]:
    return [problem.words for problem in check(SCHEMA, {"prompt": "a cat", **arguments})]


def test_what_fits_has_no_problem() -> None:
    assert check(SCHEMA, FITTING) == []
    assert check(SCHEMA, {**FITTING, "num_images": 2.0, "image_size": "square", "image_url": None}) == []


def test_an_argument_that_is_missing_is_certain_to_be_refused() -> None:
    (problem,) = check(SCHEMA, {})
    assert (problem.words, problem.is_certain) == ("prompt is missing", True)


def test_a_missing_argument_that_has_a_default_is_in_doubt() -> None:
    document = fal_document("a/b", {"x": {"type": "string", "default": "y"}}, required=["x"])
    (problem,) = check(read_schema(document, "a/b"), {})
    assert not problem.is_certain


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"num_image": 2}, "num_image is no argument of this endpoint; did you mean num_images?"),
        ({"zzzzz": 2}, "zzzzz is no argument of this endpoint"),
        ({"num_images": 9}, "num_images is 9, and has to be at most 4"),
        ({"num_images": 0}, "num_images is 0, and has to be at least 1"),
        ({"num_images": "4"}, "num_images is '4', and a whole number is wanted"),
        ({"num_images": 1.5}, "num_images is 1.5, and a whole number is wanted"),
        (
            {"image_size": "sqare"},
            "image_size is 'sqare', which is none of 'square', 'square_hd', 'landscape_4_3'; did you mean 'square'?",
        ),
        ({"image_size": {"width": 0}}, "image_size.width is 0, and has to be more than 0"),
        (
            {"image_size": {"widht": 1}},
            "image_size.widht is no argument of this endpoint; did you mean width?",
        ),
        ({"loras": [{"path": "a"}, {"path": "b", "scale": 5}]}, "loras[1].scale is 5, and has to be at most 4"),
        ({"prompt": 4}, "prompt is 4, and text is wanted"),
        ({"sync_mode": "yes"}, "sync_mode is 'yes', and true or false is wanted"),
    ],
)
def test_what_seems_wrong_is_in_doubt(arguments: dict[str, Any], said: str) -> None:
    assert words(**arguments) == [said]
    assert not any(each.is_certain for each in check(SCHEMA, {"prompt": "a cat", **arguments}))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"prompt": None}, "prompt is null, and text is wanted"),
        ({"prompt": ["a"]}, "prompt is a list, and text is wanted"),
        ({"num_images": "four"}, "num_images is 'four', and a whole number is wanted"),
        ({"num_images": {}}, "num_images is an object, and a whole number is wanted"),
        ({"sync_mode": "perhaps"}, "sync_mode is 'perhaps', and true or false is wanted"),
        ({"loras": "x"}, "loras is 'x', and a list is wanted"),
        ({"loras": [{"scale": 1}]}, "loras[0].path is missing"),
        ({"image_url": ["a"]}, "image_url is a list, and text is wanted"),
    ],
)
def test_a_kind_that_cannot_be_read_is_certain_to_be_refused(arguments: dict[str, Any], said: str) -> None:
    problems = check(SCHEMA, {"prompt": "a cat", **arguments})
    assert [(each.words, each.is_certain) for each in problems] == [(said, True)]


def test_every_problem_is_told_and_the_certain_ones_first() -> None:
    problems = check(SCHEMA, {"num_images": 9, "num_image": 1, "loras": 3})
    assert [each.is_certain for each in problems] == [True, True, False, False]
    assert len(check(SCHEMA, {f"unknown{number}": 1 for number in range(100)})) == MOST_PROBLEMS


def test_what_json_does_not_know_is_not_judged() -> None:
    assert words(image_url=Path("cat.png"), loras=(b"x", 2), num_images=object()) == []


def test_true_is_not_one() -> None:
    schema = read_schema(fal_document("a/b", {"x": {"enum": [1, 2]}}), "a/b")
    assert check(schema, {"x": True})
    assert not check(schema, {"x": 1.0})


def test_a_multiple_is_one_as_it_is_written() -> None:
    schema = read_schema(fal_document("a/b", {"x": {"type": "number", "multipleOf": 0.1}}), "a/b")
    assert not check(schema, {"x": 0.3})
    assert check(schema, {"x": 0.35})


def test_huge_arguments_are_bounded_work() -> None:
    loras = [{"path": "x", "scale": 9} for _ in range(300_000)]
    many = {"prompt": "x", **{f"unknown{number}": 1 for number in range(300_000)}}
    start = time.perf_counter()
    assert len(words(loras=loras, prompt="x" * 10_000_000, num_images=10**6000)) == MOST_PROBLEMS
    assert len(check(SCHEMA, many)) == MOST_PROBLEMS
    assert time.perf_counter() - start < 1


@given(schemas(), VALUES)
def test_jsonschema_judges_the_same(schema: dict[str, Any], value: Any) -> None:
    read = read_schema(fal_document("a/b", {"x": schema}, additionalProperties=False), "a/b")
    fits = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (check(read, {"x": value}) == []) is fits


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=5))
def test_no_arguments_raise(arguments: dict[str, Any]) -> None:
    assert {each.path for each in check(SCHEMA, arguments)} >= ({"prompt"} - arguments.keys())


class Nested(BaseModel):
    p: int
    q: list[float] | None = None


PYDANTIC = (int, float, bool, str, int | None, list[int], Literal["a", "4"], Literal[1, 2], Nested, Nested | str)


@given(st.sampled_from(PYDANTIC), VALUES)
def test_what_is_certain_to_be_refused_is_refused_by_pydantic(kind: Any, value: Any) -> None:
    model = create_model("Input", x=(kind, ...))
    document = model.model_json_schema(ref_template="#/components/schemas/{model}")
    whole = fal_document("a/b", {})
    whole["components"]["schemas"] |= {"Input": document, **document.get("$defs", {})}
    for arguments in ({"x": value}, {}):
        if any(each.is_certain for each in check(read_schema(whole, "a/b"), arguments)):
            with pytest.raises(ValidationError):
                model.model_validate(arguments)


@given(st.sampled_from(PYDANTIC), VALUES)
def test_what_pydantic_makes_of_a_value_is_never_doubted(kind: Any, value: Any) -> None:
    model = create_model("Input", x=(kind, ...))
    document = model.model_json_schema(ref_template="#/components/schemas/{model}")
    whole = fal_document("a/b", {})
    whole["components"]["schemas"] |= {"Input": document, **document.get("$defs", {})}
    with contextlib.suppress(ValidationError):
        arguments = model.model_validate({"x": value}).model_dump()
        assert check(read_schema(whole, "a/b"), arguments) == []
