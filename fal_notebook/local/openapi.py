"""What the local models take, as an OpenAPI document in fal's form.

It says what `language_api`, `speech_api`, `fractal_api` and `repaint_api` read. fal has a document for each endpoint;
this one has all of them, so what fal writes of the endpoint in ``info`` stands in each operation here.
"""

from typing import Any

Schema = dict[str, Any]

_ORDER = "x-fal-order-properties"
_METADATA = "x-fal-metadata"
_STREAMS = "{} It comes while it is being made."


def document() -> Schema:
    """Return the document."""
    paths: dict[str, Schema] = {}
    for endpoint, title, description, category, taken, given in _endpoints():
        paths[f"/{endpoint}"] = _operation(endpoint, title, description, category, taken, given)
    return {
        "openapi": "3.0.4",
        "info": {"title": "Models on this machine", "version": "1", "description": "The local models of fal_notebook."},
        "paths": paths,
        "components": {"schemas": {"Message": _MESSAGE, "Usage": _USAGE, "Image": _IMAGE}},
    }


def _endpoints() -> list[tuple[str, str, str, str, Schema, Schema]]:
    """The endpoints: name, title, what it does, what it makes of what, what it takes, what it gives."""
    words, spoken, drawn = "Answers a prompt in words.", "Speaks a text.", "Draws a Julia set that the prompt chooses."
    found = [
        ("fal-ai/any-llm", "Any LLM", words, "llm", _asked(), _ANSWER),
        ("openrouter/router", "OpenRouter", words, "llm", _asked("model"), _ANSWER),
        ("local/speech", "Speech", spoken, "text-to-speech", _SPOKEN, _object({})),
        ("local/fractal", "Fractal", drawn, "text-to-image", _object({**_DRAWN, "format": _FORM}, "prompt"), _PICTURES),
    ]
    streams = [
        (f"{name}/stream", title, _STREAMS.format(said), category, taken, given)
        for name, title, said, category, taken, given in found[:3]
    ]
    streams.append(
        (
            "local/fractal/stream",
            "Fractal",
            _STREAMS.format(drawn),
            "text-to-image",
            _object(_DRAWN, "prompt"),
            _PICTURES,
        )
    )
    chat = "Goes on with a conversation, in the form of OpenAI's chat completions."
    return [
        *found,
        *streams,
        ("local/repaint", "Repaint", _REPAINTS, "image-to-image", _object(_REPAINTED, "image_url"), _REPAINTING),
        ("openrouter/router/openai/v1/chat/completions", "Chat completions", chat, "llm", _CONVERSATION, _object({})),
    ]


def _operation(endpoint: str, title: str, description: str, category: str, taken: Schema, given: Schema) -> Schema:
    return {
        "post": {
            "summary": title,
            "description": description,
            _METADATA: {"endpointId": endpoint, "category": category},
            "requestBody": {"required": True, "content": {"application/json": {"schema": taken}}},
            "responses": {"200": {"description": "The answer.", "content": {"application/json": {"schema": given}}}},
        }
    }


def _object(members: Schema, *required: str, **more: Any) -> Schema:
    return {"type": "object", "properties": members, "required": list(required), _ORDER: list(members), **more}


def _described(description: str, schema: Schema, **more: Any) -> Schema:
    return {"description": description, **schema, **more}


def _optional(kind: str, description: str) -> Schema:
    return {"anyOf": [{"type": kind}, {"type": "null"}], "description": description}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_WORDS = {"type": "string", "minLength": 1}
_NUMBERS = {
    "temperature": _described(
        "How freely the words are chosen.", {"type": "number", "minimum": 0, "maximum": 2}, default=0.4
    ),
    "max_tokens": _described(
        "The most tokens of the answer.", {"type": "integer", "minimum": 1, "maximum": 2048}, default=512
    ),
}
_MODEL = "The model on fal; on this machine it is always the same one."


def _asked(*required: str) -> Schema:
    members = {
        "prompt": _described("What the model is asked.", _WORDS, examples=["What is the moon made of?"]),
        "model": _described(_MODEL, _WORDS) if "model" in required else _optional("string", _MODEL),
        "system_prompt": _optional("string", "What the model is told before the prompt."),
        **_NUMBERS,
    }
    return _object(members, "prompt", *required)


_USAGE = _object({name: {"type": "integer"} for name in ("prompt_tokens", "completion_tokens", "total_tokens")})
_ANSWER = _object(
    {
        "output": {"type": "string", "description": "The answer."},
        "reasoning": _optional("string", "What the model thought."),
        "partial": {"type": "boolean", "description": "Whether more is to come."},
        "error": _optional("string", "What went wrong."),
        "model": {"type": "string", "description": "The model that answered."},
        "usage": _reference("Usage"),
    }
)
_PART = _object({"type": {"type": "string"}, "text": {"type": "string"}}, "type", additionalProperties=True)
_MESSAGE = _object(
    {
        "role": {"type": "string", "enum": ["user", "assistant", "system"]},
        "content": {"anyOf": [_WORDS, {"type": "array", "items": _PART}]},
    },
    "role",
    "content",
)
_CONVERSATION = _object(
    {
        "messages": {
            "type": "array",
            "items": _reference("Message"),
            "minItems": 1,
            "description": "The conversation; the last message is the prompt.",
        },
        "model": _optional("string", _MODEL),
        "stream": {"type": "boolean", "default": False, "description": "Whether the answer comes word by word."},
        **_NUMBERS,
    },
    "messages",
    additionalProperties=True,  # clients of OpenAI's send more, which is ignored
)
_SPOKEN = _object(
    {
        "prompt": _described("The text.", _WORDS),
        "speed": _described("1 is the usual one.", {"type": "number", "minimum": 0.5, "maximum": 2}, default=1.0),
    },
    "prompt",
)
_SIDE = {"type": "integer", "minimum": 64, "maximum": 1024}
_FORM = _described(
    "JSON with the pictures, or the first picture itself.",
    {"type": "string", "enum": ["json", "png"]},
    default="json",
)
_DRAWN = {
    "prompt": _described("Words that choose the picture.", _WORDS, examples=["A dragon of ice"]),
    "num_images": _described("How many.", {"type": "integer", "minimum": 1, "maximum": 4}, default=1),
    "seed": {
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": 2**32 - 1}, {"type": "null"}],
        "description": "The same seed draws the same picture; without it, the prompt decides.",
    },
    "width": _described("In pixels.", _SIDE, default=512),
    "height": _described("In pixels.", _SIDE, default=512),
}
_REPAINTS = "Repaints a picture as a poster, in pencil, by its outlines or as a mosaic."
_REPAINTED = {
    "image_url": _described("The picture, as a data URI.", _WORDS, ui={"field": "image"}),
    "style": _described(
        "How it is painted.", {"type": "string", "enum": ["poster", "pencil", "outline", "mosaic"]}, default="poster"
    ),
    "colours": _described(
        "How many colours a poster has.", {"type": "integer", "minimum": 2, "maximum": 64}, default=6
    ),
    "strength": _described(
        "0 leaves the picture as it is, 1 shows nothing of it.",
        {"type": "number", "minimum": 0, "maximum": 1},
        default=1.0,
    ),
}
_IMAGE = _object(
    {
        "url": {"type": "string"},
        "content_type": {"type": "string"},
        **{name: {"type": "integer"} for name in ("width", "height", "seed")},
    }
)
_REPAINTING = _object(
    {
        "image": {**_reference("Image"), "description": "The picture."},
        "timings": {"type": "object"},
        "model": {"type": "string"},
    }
)
_PICTURES = _object(
    {
        "images": {"type": "array", "items": _reference("Image"), "description": "The pictures."},
        "seed": {"type": "integer", "description": "The seed of the first."},
        "prompt": {"type": "string"},
        "timings": {"type": "object"},
        "has_nsfw_concepts": {"type": "array", "items": {"type": "boolean"}},
        "model": {"type": "string"},
    }
)
