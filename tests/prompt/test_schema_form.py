"""The schema of a box's endpoint: its fields, what it refuses, and where files go, over a real gateway."""

from collections.abc import Iterator
from typing import Any

import pytest

from fal_notebook.errors import InvalidRequest
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.wire.environment import SCHEMAS_VARIABLE

from .. import endpoints
from ..conftest import wait_until
from . import studio
from .test_widget import Watched, edited


@pytest.fixture(scope="module")
def gateway() -> Iterator[LocalServer]:
    with LocalServer(HTTPOverWebSocket(studio.create_app())) as server:
        yield server


@pytest.fixture(autouse=True)
def at_the_gateway(gateway: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_NOTEBOOK_URL", gateway.url)
    monkeypatch.delenv(SCHEMAS_VARIABLE)


def opened(endpoint: str, arguments: dict[str, Any] | None = None, **more: Any) -> Watched:
    """A box that a page shows, and that has found the schema of its endpoint."""
    widget = Watched(endpoint, arguments, **more)
    widget.hear("hello")
    wait_until(lambda: bool(widget.of("form")[-1].get("fields")))
    return widget


def attach(widget: Watched, name: str, data: bytes, argument: str = "") -> None:
    content = {"id": name, "name": name, "type": "", "size": len(data), "at": 0, "argument": argument}
    widget._handle_custom_msg({"kind": "attach", "view": "v", **content}, [memoryview(data)])


def test_the_form_has_the_fields_and_the_gateways_endpoints() -> None:
    form = opened(studio.PICTURE).of("form")[-1]
    assert [each["name"] for each in form["fields"]][:2] == ["num_images", "image_size"]
    assert form["takesSystem"] is False
    assert set(form["endpoints"]) >= {studio.PICTURE, studio.TALK, studio.OTHER}
    assert "openrouter/router/stream" not in form["endpoints"]


def test_the_model_of_the_schema_has_a_field_of_its_own() -> None:
    form = opened(studio.TALK).of("form")[-1]
    assert [each["name"] for each in form["fields"]] == ["temperature"]
    assert form["model"]["choices"] == [["text", "small"], ["text", "large"]]
    assert form["takesSystem"] is True


def test_another_endpoint_has_its_own_fields_and_one_without_a_schema_none() -> None:
    widget = opened(studio.PICTURE)
    widget.endpoint = studio.OTHER
    assert widget.of("form")[-1]["fields"] == []
    wait_until(lambda: [each["name"] for each in widget.of("form")[-1].get("fields", [])] == ["voice"])
    widget.endpoint = "test/echo/stream"
    assert widget.of("form")[-1]["fields"] == []


def test_what_is_certain_to_be_refused_is_not_sent_unless_the_check_is_off() -> None:
    widget = opened(studio.PICTURE, {"num_images": "many"})
    assert widget.of("form")[-1]["doubts"] == {"num_images": "num_images is 'many', and a whole number is wanted"}
    count = len(endpoints.authorizations)
    with pytest.raises(InvalidRequest, match=r"image_url is missing.*box.chat.check = \"off\" sends it as it is"):
        widget.run("x")
    widget.hear("run", prompt="x", endpoint=studio.PICTURE, rows=None)
    assert set(widget.of("refused")[-1]["wrong"]) == {"image_url", "num_images"}
    assert len(endpoints.authorizations) == count
    widget.chat.check = "off"
    widget.run("x")
    widget.wait()
    assert len(endpoints.authorizations) == count + 1


def test_a_doubt_is_told_and_the_prompt_is_sent() -> None:
    widget = opened(studio.OTHER)
    widget.hear("edited", rows=[edited("voice", "tenor", "text"), edited("vioce", "1")])
    doubts = widget.of("form")[-1]["doubts"]
    assert set(doubts) == {"voice", "vioce"}
    widget.run("x")
    widget.wait()
    assert endpoints.received[-1] == {"prompt": "x", "voice": "tenor", "vioce": 1}


def test_a_file_goes_into_the_argument_of_its_kind_and_a_refused_prompt_keeps_it() -> None:
    widget = opened(studio.PICTURE, {"num_images": "many"})
    attach(widget, "cat.png", endpoints.PNG)
    (chip,) = widget.of("attached")[-1]["files"]
    assert (chip["name"], chip["words"]) == ("cat.png", "70 bytes · image_url")
    widget.hear("run", prompt="x", endpoint=studio.PICTURE, rows=None)
    assert widget.of("refused")
    widget.hear("run", prompt="x", endpoint=studio.PICTURE, rows=[])
    widget.wait()
    assert endpoints.received[-1]["image_url"].startswith("data:image/png;base64,")
    assert widget.of("attached")[-1]["files"] == []
    assert widget.arguments == {}


def test_a_file_that_the_endpoint_does_not_take_is_refused_at_once() -> None:
    widget = opened(studio.OTHER)
    attach(widget, "cat.png", endpoints.PNG)
    assert "takes no image" in widget.of("refused")[-1]["message"]
    assert widget.of("attached")[-1]["files"] == []


def test_each_file_that_is_not_taken_is_told_by_its_name_and_why() -> None:
    widget = opened(studio.PLAIN)
    attach(widget, "cat.png", endpoints.PNG)
    attach(widget, "dog.png", endpoints.PNG)
    attach(widget, "song.wav", b"RIFF\x24\0\0\0WAVEfmt ")
    attach(widget, "nothing.png", b"")
    messages = [each["message"] for each in widget.of("refused") if each["file"]]
    assert messages == [
        "dog.png: image_url has a file already (remove that one first)",
        "song.wav: the endpoint takes no audio (see its arguments)",
        "nothing.png is empty (it was not attached)",
    ]
    assert [each["name"] for each in widget.of("attached")[-1]["files"]] == ["cat.png"]


def test_an_endpoint_that_takes_no_prompt_is_asked_without_one() -> None:
    widget = opened(studio.PLAIN)
    assert widget.of("form")[-1]["takesPrompt"] is False
    attach(widget, "cat.png", endpoints.PNG)
    widget.hear("run", prompt="", endpoint=studio.PLAIN, rows=None)
    widget.wait()
    assert list(endpoints.received[-1]) == ["image_url"]
    assert widget.results[-1].error is None
    other = opened(studio.OTHER)
    assert other.of("form")[-1]["takesPrompt"] is True
    with pytest.raises(InvalidRequest, match="the prompt is empty"):
        other.run(" ")


def test_a_file_for_an_argument_is_shown_by_its_name_and_not_sent_back_to_the_page() -> None:
    widget = opened(studio.PICTURE, {"image_url": "https://x.test/a.png"})
    attach(widget, "mask.png", endpoints.PNG, "mask")
    (row,) = (each for each in widget.of("form")[-1]["rows"] if each["name"] == "mask")
    assert (row["kind"], row["text"]) == ("file", "mask.png · 70 bytes")
    assert "base64" not in str(widget.sent)
    widget.hear("run", prompt="x", endpoint=studio.PICTURE, rows=[{"id": row["id"]}])
    assert widget.of("refused")[-1]["wrong"] == {"image_url": "image_url is missing"}
    widget.arguments = {**widget.arguments, "image_url": "https://x.test/a.png"}
    widget.run("x")
    widget.wait()
    assert endpoints.received[-1]["mask"].startswith("data:image/png;base64,")


def test_nothing_is_doubted_that_the_box_adds_by_itself() -> None:
    widget = opened(studio.TALK, {"model": "small"})
    widget.run("x")
    widget.wait()
    assert endpoints.received[-1]["stream"] is True
    assert widget.results[-1].note == ""
