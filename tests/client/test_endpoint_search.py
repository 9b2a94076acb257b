"""Endpoints are found by any part of them, at a real server in the place of fal's, at a gateway, and without either."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

import fal_notebook
from fal_notebook import Session, errors, find, info, session
from fal_notebook.client.endpoint_names import EndpointNames
from fal_notebook.client.prices import Price, Prices, read_prices
from fal_notebook.client.used_names import UsedNames
from fal_notebook.local.app import create_app
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.wire import platform_api
from fal_notebook.wire.environment import SCHEMAS_VARIABLE

from ..conftest import KEY
from ..test_secrets import all_that_is_said, no_part_of_the_key_in
from .platform import Platform, running

UNREACHABLE = "https://127.0.0.1:1/v1/models"


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Platform]:
    monkeypatch.delenv(SCHEMAS_VARIABLE)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    forget()
    with running(monkeypatch, tmp_path) as server:
        yield server
    forget()


def forget() -> None:
    for kind in (EndpointNames, Prices, UsedNames):
        session()._companions.pop(kind, None)


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(create_app())) as server:
        yield server.url


def names(words: str) -> list[str]:
    return [each.endpoint for each in find(words).endpoints]


def test_each_word_may_be_in_any_part(platform: Platform) -> None:
    assert names("flux image") == ["fal-ai/flux/dev/image-to-image", "fal-ai/flux/dev", "fal-ai/flux/dev/stream"]
    assert names("UPSCALES  video") == ["fal-ai/topaz/upscale/video"]
    assert names("nothing-of-that-name") == []
    assert "no endpoint was found for 'nothing-of-that-name'" in repr(find("nothing-of-that-name"))


def test_it_says_what_each_makes_and_what_is_deprecated(platform: Platform) -> None:
    said = repr(find("fal-ai"))
    assert "fal-ai/topaz/upscale/video" in said
    assert "video-to-video" in said
    assert "deprecated. Made pictures." in said
    assert "deprecated, use openrouter/router" in said
    assert "%falstream info ENDPOINT says more" in said


def test_without_a_key_no_price_is_asked_for(platform: Platform) -> None:
    found = find("flux")
    assert found.prices == {}
    assert "prices are unknown: they need a key" in repr(found)
    assert [key for _, key in platform.asked] == [None]


def test_with_a_key_it_says_what_each_costs(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    found = find("fal-ai")
    assert found.prices["fal-ai/flux/dev"] == Price(0.025, "megapixels")
    said = repr(found)
    assert "$0.025 per megapixel" in said
    assert "0.1 EUR per second" in said
    assert "unknown" in said
    find("fal-ai")
    assert [(path.partition("?")[0].rpartition("/")[2], key) for path, key in platform.asked] == [
        ("models", None),
        ("pricing", f"Key {KEY}"),
    ]


def test_fal_is_asked_what_calls_will_cost(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = session().companion(Prices)
    assert prices.estimated("fal-ai/flux/dev", 400) is None  # without a key
    monkeypatch.setenv("FAL_KEY", KEY)
    assert prices.estimated("fal-ai/flux/dev", 400) == 12.5
    asked = {"estimate_type": "historical_api_price", "endpoints": {"fal-ai/flux/dev": {"call_quantity": 400}}}
    assert platform.told == [asked]
    assert prices.estimated("fal-ai/flux/dev", 400, "wss://gate.example.com") is None
    for body in (b"[]", b'{"total_cost": "1"}', b'{"total_cost": 1e999, "currency": "USD"}', b"no JSON"):
        platform.answers["/v1/models/pricing/estimate"] = body
        assert prices.estimated("fal-ai/flux/dev", 400) is None


def test_the_key_follows_no_redirect_and_is_in_no_error(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    platform.answers["/v1/models/pricing"] = f"https://127.0.0.1:{platform.port}/elsewhere"
    assert find("flux").prices == {}
    assert not [path for path, _ in platform.asked if "elsewhere" in path]
    with pytest.raises(errors.ConnectError, match="prices could not be fetched") as caught:
        platform_api.fetch_prices(["a/b"])
    assert no_part_of_the_key_in(all_that_is_said(caught.value))
    monkeypatch.setattr(platform_api, "_API", f"http://127.0.0.1:{platform.port}/v1/models")
    with pytest.raises(errors.ConnectError, match="prices could not be fetched"):
        platform_api.fetch_prices(["a/b"])


def test_the_key_is_sent_for_fals_own_hosts_only(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    for name, value in (("FAL_NOTEBOOK_URL", "ws://127.0.0.1:1"), ("FAL_RUN_HOST", "fal.example.com")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert platform_api.fetch_prices(["a/b"]) is None
    assert session().companion(Prices).of(["fal-ai/flux/dev"], "wss://gate.example.com") == {}
    assert platform.asked == []


def test_an_answer_is_kept_for_a_day(platform: Platform, tmp_path: Path) -> None:
    assert names("flux") == names("flux")
    assert len(platform.asked) == 1
    for path in (tmp_path / "fal_notebook" / "schemas").iterdir():
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    names("flux")
    assert len(platform.asked) == 2


def test_without_the_network_it_finds_what_was_seen_and_says_so(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find("flux")
    for path in (tmp_path / "fal_notebook" / "schemas").iterdir():
        os.utime(path, (time.time() - 3 * 86_400,) * 2)
    monkeypatch.setattr(platform_api, "_API", f"https://127.0.0.1:{platform.port}/v1/models")
    platform.answers["/v1/models"] = f"https://127.0.0.1:{platform.port}/v1/models"  # it redirects for ever
    forget()
    assert "fal could not be reached: this is what it said 3 days ago" in repr(find("flux"))
    found = find("dev")
    assert [each.endpoint for each in found.endpoints][:2] == ["fal-ai/flux/dev", "fal-ai/flux/dev/image-to-image"]
    assert "fal could not be reached: these are endpoints that were seen before" in repr(found)


def test_on_a_first_day_without_the_network_it_knows_some(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform_api, "_API", UNREACHABLE)
    found = find("any-llm")
    assert [each.endpoint for each in found.endpoints] == ["fal-ai/any-llm", "fal-ai/any-llm/stream"]
    assert "fal could not be reached" in repr(found)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"models": 7}', b"[" * 100_000, b'{"a": 1}'])
def test_an_answer_that_is_none_finds_what_was_seen(body: bytes, platform: Platform, tmp_path: Path) -> None:
    platform.answers["/v1/models"] = body
    found = find("any-llm")
    assert len(found) == 2
    assert "what is not understood" in found.note
    assert not list(tmp_path.rglob("*.json"))


def test_hostile_answers_are_harmless_and_bounded(platform: Platform) -> None:
    evil = "<script>alert(1)</script>\x1b[2J"
    platform.models = [(f"{evil}{number}", evil, evil, evil * 100, "active") for number in range(300)]
    found = find("")
    assert len(found.bundle["text/html"]) < 100_000
    assert "<script" not in found.bundle["text/html"]
    assert "\x1b" not in repr(found)
    assert "more; more words find fewer" in repr(found)
    with pytest.raises(errors.InvalidRequest):
        find("x" * 201)


def test_a_gateways_own_endpoints_are_found(platform: Platform, demo: str) -> None:
    found = find("text-to-image", base_url=demo)
    assert [each.endpoint for each in found.endpoints] == ["local/fractal", "local/fractal/stream"]
    assert "unknown" not in repr(found)
    assert "deprecated" not in repr(find("any-llm", base_url=demo))
    assert "deprecated" not in repr(info("fal-ai/any-llm", base_url=demo))
    assert platform.asked == []
    assert [each.endpoint for each in session().companion(EndpointNames).soon(5, demo)][:1] == ["fal-ai/any-llm"]
    with pytest.raises(errors.ConnectError):
        find("x", base_url="ws://127.0.0.1:1")


def test_info_says_the_price_or_that_it_is_unknown(
    platform: Platform, demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fal_notebook.client import catalogue
    from fal_notebook.wire.schema_addresses import schema_address

    monkeypatch.setattr(catalogue, "schema_address", lambda endpoint, _=None: schema_address(endpoint, demo))
    assert "· price unknown" in repr(info("local/fractal"))
    monkeypatch.setenv("FAL_KEY", KEY)
    assert info("local/fractal").price == "unknown"
    monkeypatch.setattr("tests.client.platform.PRICES", {"local/fractal": (0.5, "images", "USD")})
    forget()
    assert "· $0.5 per image" in repr(info("local/fractal"))
    assert "price" not in repr(info("local/fractal", base_url=demo))


def test_prices_that_are_none_are_left_out() -> None:
    good = {"endpoint_id": "a/b", "unit_price": 1, "unit": "images"}
    bad = [{**good, "unit_price": wrong} for wrong in (True, "1", -1, 1e300, None)]
    assert read_prices({"prices": [*bad, {**good, "unit": 7}, 7, good]}) == {"a/b": Price(1.0, "images")}
    assert read_prices([]) == read_prices({"prices": 7}) == {}


def test_what_a_session_has_used_is_known_newest_first() -> None:
    used = UsedNames()
    for number in range(40):
        used.note(f"a/{number % 35}", {"model": number if number < 38 else f"m{number}"})
    assert used.endpoints[:2] == ["a/4", "a/3"]
    assert len(used.endpoints) == 30
    assert used.models == ["m39", "m38"]


def test_requests_are_noted(gateway: str) -> None:
    own = Session()
    own.stream("test/echo/stream", {"model": "m", "prompt": "Hi"}, base_url=gateway).result()
    assert own.companion(UsedNames).endpoints == ["test/echo/stream"]
    assert own.companion(UsedNames).models == ["m"]
    own.close()


def test_nothing_is_left_running(platform: Platform, demo: str) -> None:
    session().companion(EndpointNames).soon(5, demo)
    assert not [each for each in threading.enumerate() if each.name == "fal_notebook schema"]
    assert fal_notebook.find is find
