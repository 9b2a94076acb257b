"""An application for the tests' gateway whose endpoints have schemas: one makes pictures, one takes a conversation."""

import asyncio
import threading
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import endpoints
from ..schema.documents import fal_document, picture_document

PICTURE = "studio/picture"
TALK = "studio/chat/completions"
OTHER = "studio/other"
PLAIN = "studio/plain"
_STYLE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "strength": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        "is_strict": {"type": "boolean", "default": False},
    },
}


def _documents() -> dict[str, Any]:
    """One document that has all endpoints."""
    picture = picture_document(PICTURE)
    members = picture["components"]["schemas"]["Input"]["properties"]
    members["tiled"] = {"type": "boolean", "default": False, "description": "Whether its edges fit together."}
    members["style"] = {**_STYLE, "description": "How it is drawn."}
    members["mask"] = {"type": "string", "_fal_ui_field": "image"}
    picture["components"]["schemas"]["Input"]["required"] = ["prompt", "image_url"]
    picture["components"]["schemas"]["Input"]["properties"]["image_url"] = {"type": "string", "description": "Of what."}
    talk = fal_document(
        TALK,
        {
            "messages": {"type": "array", "items": {}},
            "model": {"type": "string", "enum": ["small", "large"]},
            "temperature": {"type": "number", "minimum": 0, "maximum": 2, "default": 1},
        },
        required=["messages", "model"],
    )
    other = fal_document(OTHER, {"prompt": {"type": "string"}, "voice": {"enum": ["alto", "bass"], "default": "alto"}})
    plain = fal_document(PLAIN, {"image_url": {"type": "string", "_fal_ui_field": "image"}}, required=["image_url"])
    whole = picture
    for each in (talk, other, plain):
        name = next(iter(each["paths"])).strip("/")
        schema = each["components"]["schemas"].pop("Input")
        whole["components"]["schemas"][name.replace("/", "_")] = schema
        reference = {"$ref": f"#/components/schemas/{name.replace('/', '_')}"}
        whole["paths"][f"/{name}"] = {"post": {"requestBody": {"content": {"application/json": {"schema": reference}}}}}
    return whole


may_tell = threading.Event()
"""Whether the document is given; until then, whoever asks for it waits."""
may_tell.set()


async def _document(_: Request) -> Response:
    await asyncio.to_thread(may_tell.wait, 20)
    return JSONResponse(_documents())


async def _picture(request: Request) -> Response:
    return await endpoints.picture(request)


async def _plain(request: Request) -> Response:
    endpoints.received.append(await request.json())
    return JSONResponse({"label": "a cat"})


async def _talk(request: Request) -> Response:
    """Say how many parts the newest message has."""
    arguments = await request.json()
    endpoints.received.append(arguments)
    content = arguments["messages"][-1]["content"]
    count = len(content) if isinstance(content, list) else 0
    return JSONResponse({"choices": [{"message": {"role": "assistant", "content": f"It has {count} parts."}}]})


def create_app() -> Starlette:
    """The endpoints of the other tests, too."""
    app = endpoints.create_app()
    app.routes.append(Route("/openapi.json", _document, methods=["GET"]))
    for name, endpoint in ((PICTURE, _picture), (TALK, _talk), (OTHER, endpoints.echo), (PLAIN, _plain)):
        app.routes.append(Route(f"/{name}", endpoint, methods=["POST"]))
    return app
