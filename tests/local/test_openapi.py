"""What the local models say of themselves is what they take."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Route

from fal_notebook import info
from fal_notebook.local.app import create_app
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.openapi import document
from fal_notebook.local.server import LocalServer
from fal_notebook.schema.checking import check
from fal_notebook.schema.endpoint_schema import EndpointSchema
from fal_notebook.schema.reading import read_schema

from .wire import ask

ENDPOINTS = [
    route.path.strip("/")
    for route in create_app().routes
    if isinstance(route, Route) and "POST" in (route.methods or ())
]
CATEGORIES = {"speech": "text-to-speech", "fractal": "text-to-image", "repaint": "image-to-image"}
PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACAUwAOw=="
CHAT = "openrouter/router/openai/v1/chat/completions"
WRONG: list[Any] = [None, [], {}, 0, -1, 10**9, 2.5, "words", True, "", [{"role": "user"}], [{"content": 3}]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(create_app())) as server:
        yield server.url


def schema(endpoint: str) -> EndpointSchema:
    return read_schema(document(), endpoint)


def fitting(endpoint: str) -> dict[str, Any]:
    if endpoint == CHAT:
        return {"messages": [{"role": "user", "content": "Hi"}]}
    if endpoint == "local/repaint":
        return {"image_url": PICTURE, "style": "pencil"}
    return {"prompt": "Hi", **({"model": "some/model"} if endpoint.startswith("openrouter") else {})}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_is_described(endpoint: str, url: str) -> None:
    found = info(endpoint, base_url=url).schema
    assert found.category == CATEGORIES.get(endpoint.split("/")[1], "llm")
    assert found.description
    assert found.streams == (endpoint not in (CHAT, "local/repaint"))
    assert not found.deprecated
    assert check(found, fitting(endpoint)) == []


def test_nothing_else_is_described() -> None:
    assert sorted(document()["paths"]) == sorted(f"/{each}" for each in ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_is_certain_to_be_refused_is_refused(endpoint: str, url: str) -> None:
    known = schema(endpoint)
    cases = [{each.name: value for each in known.arguments} for value in WRONG]
    cases += [{name: value for name, value in fitting(endpoint).items() if name != left} for left in fitting(endpoint)]
    for arguments in cases:
        problems = [each.path.partition("[")[0] for each in check(known, arguments) if each.is_certain]
        answer = ask(f"{url}/{endpoint}", arguments)
        refused = {each["loc"][1] for each in answer.json["detail"]} if answer.status == 422 else set()
        assert set(problems) <= refused, arguments


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_is_refused_is_at_least_in_doubt(endpoint: str, url: str) -> None:
    known = schema(endpoint)
    for value in WRONG:
        arguments = {each.name: value for each in known.arguments}
        answer = ask(f"{url}/{endpoint}", arguments)
        assert answer.status == 422
        doubted = {each.path.partition("[")[0] for each in check(known, arguments)}
        assert {each["loc"][1] for each in answer.json["detail"]} <= doubted, arguments
