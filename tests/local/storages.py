"""A storage on a free port to which fal-client's own code uploads, beside an application of the tests."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import fal_notebook
from fal_notebook.client.uploads import Uploads
from fal_notebook.local.asgi import ASGIApp, Message, Receive, Scope, Send
from fal_notebook.local.server import LocalServer
from fal_notebook.local.storage import PATH, LocalStorage, WithStorage

from ..conftest import KEY

__all__ = ["KEY", "Mirror", "Storage", "always_uploading", "storage_of", "stored"]


class Mirror:
    """Answers with the arguments that came.

    Attributes:
        asked: the arguments of each request.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = (await receive())["body"]
            self.asked.append(json.loads(body))
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})


class Storage(LocalStorage):
    """The storage, which can be slow or broken.

    Attributes:
        uploads: how many files or parts came.
        at_once: the most that came at the same time.
        status: what every upload is answered, if it is not 0.
        holds: whether an upload is taken only piece by piece, when it is let.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, key=KEY)
        self.uploads = self.at_once = self._now = self.status = 0
        self.holds = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "/auth/" in scope["path"] or scope["method"] == "GET":
            await super().__call__(scope, receive, send)
            return
        self.uploads += 1
        self._now += 1
        self.at_once = max(self.at_once, self._now)

        async def held() -> Message:
            while self.holds:  # noqa: ASYNC110 - another thread lets it go
                await asyncio.sleep(0.01)
            return await receive()

        try:
            if self.status:
                await send({"type": "http.response.start", "status": self.status, "headers": []})
                await send({"type": "http.response.body", "body": f"no, {KEY}".encode()})
            else:
                await super().__call__(scope, held, send)
        finally:
            self._now -= 1


@contextmanager
def storage_of(
    storage: LocalStorage, app: ASGIApp, monkeypatch: pytest.MonkeyPatch, path: str = PATH
) -> Iterator[LocalServer]:
    """Serve both. fal-client has the hosts of fal's storage as constants: they are set to this one."""
    with LocalServer(WithStorage(app, storage, path)) as server:
        monkeypatch.setattr("fal_client.client.REST_URL", server.http_url)
        monkeypatch.setattr("fal_client.client.CDN_URL", f"{server.http_url}{path}")
        yield server


@contextmanager
def always_uploading() -> Iterator[list[str]]:
    """Let the kernel's session upload every file, as in a new kernel; what it tells is in the list."""
    session, told = fal_notebook.session(), list[str]()
    session.upload = "always"
    uploads = session.companion(Uploads)
    uploads.__init__()  # type: ignore[misc]
    uploads.tell = told.append
    yield told
    session.upload = "auto"
    uploads.__init__()  # type: ignore[misc]


def stored(folder: Path) -> list[bytes]:
    """The files of a storage, in the order of their sizes."""
    return sorted((path.read_bytes() for path in folder.iterdir()), key=len)
