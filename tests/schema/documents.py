"""OpenAPI documents in fal's form, written anew."""

from typing import Any

PICTURE = "studio/picture"


def fal_document(endpoint: str, members: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A document of 3.0.4 of an endpoint that takes these members; ``more`` goes into its input's schema."""
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {endpoint}",
            "description": "Makes pictures of words.",
            "x-fal-metadata": {"endpointId": endpoint, "category": "text-to-image"},
        },
        "components": {
            "schemas": {
                "Input": {"type": "object", "properties": members, **more},
                "ImageSize": {
                    "type": "object",
                    "properties": {
                        "width": {"type": "integer", "exclusiveMinimum": True, "minimum": 0, "maximum": 14142},
                        "height": {"type": "integer", "exclusiveMinimum": True, "minimum": 0, "maximum": 14142},
                    },
                },
                "Output": {
                    "type": "object",
                    "properties": {"images": {"type": "array", "items": {}}, "seed": {"type": "integer"}},
                    "x-fal-order-properties": ["images", "seed"],
                },
            }
        },
        "paths": {
            f"/{endpoint}": {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}}
                }
            },
            f"/{endpoint}/requests/{{request_id}}": {
                "get": {
                    "responses": {
                        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Output"}}}}
                    }
                }
            },
        },
    }


def picture_document(endpoint: str = PICTURE) -> dict[str, Any]:
    """The document of an endpoint that makes pictures."""
    return fal_document(
        endpoint,
        {
            "num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1, "title": "Num Images"},
            "prompt": {"type": "string", "title": "Prompt", "description": "What the picture shows."},
            "image_size": {
                "anyOf": [
                    {"$ref": "#/components/schemas/ImageSize"},
                    {"enum": ["square", "square_hd", "landscape_4_3"], "type": "string"},
                ],
                "default": "landscape_4_3",
            },
            "guidance_scale": {"type": "number", "minimum": 0, "maximum": 20, "default": 3.5},
            "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "sync_mode": {"type": "boolean", "default": False, "ui": {"hidden": True}},
            "image_url": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "loras": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["path"],
                    "properties": {"path": {"type": "string"}, "scale": {"type": "number", "maximum": 4}},
                },
            },
        },
        required=["prompt"],
        **{"x-fal-order-properties": ["prompt", "num_images", "image_size"]},
    )
