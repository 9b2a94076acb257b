"""A text of the magic's line, read as the kind that its argument takes."""

from typing import Any

import pytest

from fal_notebook.schema.line_values import value_of
from fal_notebook.schema.reading import read_schema

from .documents import PICTURE, picture_document

SCHEMA = read_schema(picture_document(), PICTURE)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("num_images", "4", 4),
        ("num_images", "four", "four"),
        ("num_images", "4.5", "4.5"),
        ("guidance_scale", "0.5", 0.5),
        ("guidance_scale", "1e-3", 0.001),
        ("guidance_scale", "3", 3),
        ("guidance_scale", "1e999", "1e999"),
        ("guidance_scale", "nan", "nan"),
        ("num_images", "9" * 5000, "9" * 5000),
        ("seed", "None", None),
        ("seed", "7", 7),
        ("sync_mode", "True", True),
        ("sync_mode", "false", False),
        ("prompt", "42", "42"),
        ("prompt", "true", "true"),
        ("image_url", "null", "null"),
        ("image_size", "square", "square"),
        ("image_size", '{"width": 64}', {"width": 64}),
        ("loras", '[{"path": "x"}]', [{"path": "x"}]),
        ("loras", "[oh", "[oh"),
        ("unknown", "4", "4"),
    ],
)
def test_a_text_is_what_the_argument_takes(name: str, text: str, value: Any) -> None:
    found = value_of(text, SCHEMA.argument(name))
    assert (found, type(found)) == (value, type(value))
