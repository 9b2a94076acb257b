"""A storage on a free port to which fal-client's own code uploads, beside an application of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fal_notebook.local.asgi import ASGIApp
from fal_notebook.local.server import LocalServer
from fal_notebook.local.storage import PATH, LocalStorage, WithStorage


@contextmanager
def storage_of(
    storage: LocalStorage, app: ASGIApp, monkeypatch: pytest.MonkeyPatch, path: str = PATH
) -> Iterator[LocalServer]:
    """Serve both. fal-client has the hosts of fal's storage as constants: they are set to this one."""
    with LocalServer(WithStorage(app, storage, path)) as server:
        monkeypatch.setattr("fal_client.client.REST_URL", server.http_url)
        monkeypatch.setattr("fal_client.client.CDN_URL", f"{server.http_url}{path}")
        yield server


def stored(folder: Path) -> list[bytes]:
    """The files of a storage, in the order of their sizes."""
    return sorted((path.read_bytes() for path in folder.iterdir()), key=len)
