"""The form's suggestions: first the recently used names, then the known ones, each once."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fal_notebook.client.known_endpoints import CHAT, ENDPOINTS, MODELS
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.prompt.suggestions import PastPrompts, Suggestions, default_endpoint, models, with_model
from fal_notebook.wire.environment import SCHEMAS_VARIABLE

from ..conftest import KEY
from ..schema.documents import fal_document


def test_recently_used_names_come_first_and_no_name_comes_twice() -> None:
    suggestions = Suggestions(("known", "other"))
    for name in ("one", "two", "one", "other"):
        suggestions.remember(name)
    assert suggestions.names == ["other", "one", "two", "known"]


@pytest.mark.parametrize("name", ["", None, 7, ["a"]])
def test_a_value_that_is_not_a_name_is_ignored(name: Any) -> None:
    suggestions = Suggestions(("known",))
    suggestions.remember(name)
    assert suggestions.names == ["known"]


def test_only_the_last_ten_are_remembered() -> None:
    suggestions = Suggestions(())
    for number in range(30):
        suggestions.remember(str(number))
    assert suggestions.names == [str(number) for number in range(29, 19, -1)]
    for _ in range(30):
        suggestions.remember("again")
    assert suggestions.names == ["again", *(str(number) for number in range(29, 20, -1))]


def test_past_prompts_are_kept_once_in_order_and_neither_very_long_nor_very_many() -> None:
    past = PastPrompts()
    for prompt in ("one", "two", "one", "x" * 5_000):
        past.remember(prompt)
    assert past.prompts == ["two", "one"]
    for number in range(60):
        past.remember(str(number))
    assert past.prompts == [str(number) for number in range(10, 60)]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a gateway whose document has the endpoint that remembers."""

    async def document(_: Request) -> Response:
        return JSONResponse({**fal_document(CHAT, {}), "info": {"title": "A gateway"}})

    monkeypatch.delenv(SCHEMAS_VARIABLE)
    with LocalServer(HTTPOverWebSocket(Starlette(routes=[Route("/openapi.json", document)]))) as server:
        yield server.url


def test_the_default_endpoint_remembers_where_a_gateway_serves_it_or_a_key_for_fal_was_found(
    gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_NOTEBOOK_URL", gateway)
    assert default_endpoint(None) == CHAT
    assert default_endpoint("ws://127.0.0.1:9") == "fal-ai/any-llm/stream"
    assert default_endpoint("no address") == "fal-ai/any-llm/stream"
    monkeypatch.setenv(SCHEMAS_VARIABLE, "off")
    assert default_endpoint(None) == "fal-ai/any-llm/stream"
    monkeypatch.delenv("FAL_NOTEBOOK_URL")
    monkeypatch.setenv("FAL_KEY", KEY)
    assert default_endpoint(None) == CHAT


def test_a_model_is_put_in_where_one_is_required_and_taken_out_where_it_is_not() -> None:
    arguments, chosen = with_model({"temperature": 1}, "openrouter/router/stream", "")
    assert arguments == {"temperature": 1, "model": chosen}
    assert chosen in MODELS or chosen == models.names[0]
    assert with_model(arguments, CHAT, chosen) == (arguments, chosen)
    assert with_model(arguments, "a/b", chosen) == ({"temperature": 1}, "")
    own = {"model": "mine"}
    assert with_model(own, CHAT, "") == (own, "")
    assert with_model(own, "a/b", chosen) == (own, "")


def test_every_suggested_endpoint_is_one_that_a_box_can_ask() -> None:
    assert ENDPOINTS[0] == CHAT
    assert "fal-ai/any-llm/stream" in ENDPOINTS
    for endpoint in ENDPOINTS:
        arguments, _ = with_model({}, endpoint, "")
        assert bool(arguments) == endpoint.startswith("openrouter/")
