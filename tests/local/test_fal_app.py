"""A real `fal.App` behind the gateway, called by fal's own reference client."""

import json
from collections.abc import AsyncIterator, Iterator

import fal
import fal.apps
import pytest
from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.local.serving import find_app


class Numbers(BaseModel):
    values: list[int]


class Total(BaseModel):
    total: int


class Adder(fal.App):
    machine_type = "XS"

    def setup(self) -> None:
        self.offset = 100

    @fal.endpoint("/")
    def add(self, numbers: Numbers) -> Total:
        return Total(total=self.offset + sum(numbers.values))

    @fal.endpoint("/count")
    async def count(self, numbers: Numbers) -> StreamingResponse:
        async def events() -> AsyncIterator[str]:
            for value in numbers.values:
                yield f"data: {json.dumps({'output': value})}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    @fal.endpoint("/refuse")
    def refuse(self, numbers: Numbers) -> Total:
        raise HTTPException(403, f"{len(numbers.values)} numbers are too many")


@pytest.fixture
def app_id(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("IS_ISOLATE_AGENT", "1")
    monkeypatch.setenv("FAL_KEY", "made-up-id:made-up-secret")
    app = find_app(f"{__name__}:Adder")
    with LocalServer(HTTPOverWebSocket(app, key="made-up-id:made-up-secret")) as server:
        monkeypatch.setattr(fal.apps, "_WS_URL_FORMAT", server.url + "{app_id}")
        yield ""


def test_fals_client_runs_an_endpoint(app_id: str) -> None:
    with fal.apps.ws(app_id) as connection:
        assert json.loads(connection.run({"values": [1, 2, 3]})) == {"total": 106}


def test_fals_client_reads_answers_to_early_requests_in_order(app_id: str) -> None:
    with fal.apps.ws(app_id) as connection:
        for value in range(3):
            connection.send({"values": [value]})
        assert [json.loads(connection.recv())["total"] for _ in range(3)] == [100, 101, 102]


def test_fals_client_streams_events(app_id: str) -> None:
    with fal.apps.ws(app_id, path="/count") as connection:
        connection.send({"values": [1, 2, 3]})
        body = b"".join(part for part in connection.stream() if isinstance(part, bytes))
    assert [json.loads(line[6:])["output"] for line in body.splitlines() if line] == [1, 2, 3]


def test_fals_client_gets_the_detail_of_errors(app_id: str) -> None:
    with fal.apps.ws(app_id) as connection:
        mistake = json.loads(connection.run({"values": "x"}))["detail"][0]
    assert mistake["loc"] == ["body", "values"]
    with fal.apps.ws(app_id, path="/refuse") as connection:
        assert json.loads(connection.run({"values": [1]})) == {"detail": "1 numbers are too many"}
