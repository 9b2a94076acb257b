"""fal's reference client and ours get the same answers from the same `fal.App`."""

import json
from collections.abc import AsyncIterator, Iterator

import fal
import fal.apps
import pytest
from fastapi import HTTPException
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from fal_notebook import Piece, Text, errors, run, stream
from fal_notebook.local.asgi import ASGIApp, Receive, Scope, Send
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.local.serving import find_app

from .conftest import KEY

APP = "founders/speaker"


class Prompt(BaseModel):
    prompt: str


class Answer(BaseModel):
    output: str


class Speaker(fal.App):
    machine_type = "XS"

    @fal.endpoint("/")
    def answer(self, prompt: Prompt) -> Answer:
        return Answer(output=f"You said: {prompt.prompt} — ünïcödé 🦦")

    @fal.endpoint("/stream")
    async def words(self, prompt: Prompt) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            text = ""
            for word in prompt.prompt.split():
                text += f"{word} "
                yield f"event: event\r\ndata: {json.dumps({'output': text, 'partial': True})}\r\n\r\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    @fal.endpoint("/sound")
    async def sound(self, prompt: Prompt) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for number in range(40):
                yield bytes([0xFF, 0xFB, 0x90, number]) * 2_000

        return StreamingResponse(pieces(), media_type="audio/mpeg")

    @fal.endpoint("/refuse")
    def refuse(self, prompt: Prompt) -> Answer:
        raise HTTPException(403, "User is locked. Reason: Exhausted balance.")

    @fal.endpoint("/break")
    def broken(self, prompt: Prompt) -> Response:
        raise RuntimeError("a bug in the app")


class At:
    """An application mounted under a path, as every app on fal is."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        self._path, self._app = path, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["path"].removeprefix(self._path) or "/"}
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IS_ISOLATE_AGENT", "1")
        app = find_app(f"{__name__}:Speaker")
    with LocalServer(HTTPOverWebSocket(At(f"/{APP}", app), key=KEY)) as server:
        yield server.url


@pytest.fixture(autouse=True)
def _both_clients_ask_the_app(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    monkeypatch.setenv("FAL_NOTEBOOK_URL", url)
    monkeypatch.setattr(fal.apps, "_WS_URL_FORMAT", url + "/{app_id}")


def _reference(path: str, prompt: str) -> bytes:
    with fal.apps.ws(APP, path=path) as connection:
        body = connection.run({"prompt": prompt})
        assert isinstance(body, bytes)
        return body


def test_json_is_the_same() -> None:
    ours = run(APP, prompt="hi")
    assert ours.data == json.loads(_reference("", "hi"))
    assert ours.text == "You said: hi — ünïcödé 🦦"


def test_events_are_the_same() -> None:
    ours = run(f"{APP}/stream", prompt="one two three")
    lines = _reference("stream", "one two three").decode().split("\r\n")
    theirs = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    assert [event.data for event in ours.events] == theirs
    assert ours.text == "one two three "


def test_bytes_are_the_same() -> None:
    (media,) = run(f"{APP}/sound", prompt="hi").media
    assert media.data == _reference("sound", "hi")
    assert media.content_type == "audio/mpeg"


def test_what_streams_is_the_same() -> None:
    with fal.apps.ws(APP, path="sound") as connection:
        connection.send({"prompt": "hi"})
        theirs = b"".join(part for part in connection.stream() if isinstance(part, bytes))
    updates = list(stream(f"{APP}/sound", prompt="hi"))
    assert b"".join(update.data for update in updates if isinstance(update, Piece)) == theirs


def test_early_requests_are_answered_in_order_by_both() -> None:
    with fal.apps.ws(APP) as connection:
        for word in ("a", "b", "c"):
            connection.send({"prompt": word})
        theirs = [json.loads(connection.recv())["output"] for _ in range(3)]
    streams = [stream(APP, prompt=word) for word in ("a", "b", "c")]
    assert [each.result().text for each in streams] == theirs


@pytest.mark.parametrize(
    ("path", "arguments", "kind", "words"),
    [
        ("/refuse", {"prompt": "x"}, errors.AccessDenied, "Exhausted balance"),
        ("", {"promt": "x"}, errors.ValidationFailed, "prompt: Field required"),
        ("/nowhere", {"prompt": "x"}, errors.NotFound, "not found"),
        ("/break", {"prompt": "x"}, errors.ServerError, "500"),
    ],
)
def test_what_fals_client_takes_for_data_is_an_error_to_ours(
    path: str, arguments: dict[str, str], kind: type[errors.StatusError], words: str
) -> None:
    with fal.apps.ws(APP, path=path.strip("/")) as connection:
        theirs = connection.run(arguments)
    with pytest.raises(kind, match=words) as caught:
        run(APP + path, arguments)
    assert caught.value.request_id
    assert theirs


def test_updates_of_text_are_what_is_new() -> None:
    updates = [update for update in stream(f"{APP}/stream", prompt="one two") if isinstance(update, Text)]
    assert [(update.new, update.offset) for update in updates] == [("one ", 0), ("two ", 4)]
