"""fal's own client, unchanged, against the storage of this machine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import fal_client
import fal_client.client
import httpx
import pytest
from fal_client.auth import AuthCredentials

from fal_notebook.local.asgi import Receive, Scope, Send
from fal_notebook.local.server import LocalServer
from fal_notebook.local.storage import TOKEN_SECONDS, LocalStorage

from .storages import storage_of

KEY = "made-up-id:made-up-secret"
LARGE = bytes(range(250)) * 600


async def other(scope: Scope, _receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the other application"})


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(tmp_path: Path, clock: Clock) -> LocalStorage:
    folder = tmp_path / "storage"
    folder.mkdir()
    return LocalStorage(folder, key=KEY, most_bytes=200_000, clock=clock)


@pytest.fixture
def server(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with storage_of(storage, other, monkeypatch) as running:
        yield running


class Client(fal_client.SyncClient):
    """fal-client's client, which leaves its connections open for the interpreter to find."""

    def _get_cdn_client(self) -> httpx.Client:
        client = super()._get_cdn_client()
        self.__dict__.setdefault("opened", []).append(client)
        return client

    def close(self) -> None:
        for client in [*self.__dict__.get("opened", []), self._client]:
            client.close()


@pytest.fixture
def theirs(server: LocalServer) -> Iterator[Client]:
    client = Client(key=KEY)
    yield client
    client.close()


def test_a_file_comes_back_byte_for_byte_without_a_key(theirs: Client) -> None:
    url = theirs.upload(b"\x89PNG\r\n", "image/png", "c\u00e4t.png")
    answer = httpx.get(url)
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG\r\n", "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx.head(url).headers["content-length"] == "6"


def test_a_large_file_comes_in_parts(theirs: Client, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 10_000)
    monkeypatch.setattr(fal_client.client, "MULTIPART_CHUNK_SIZE", 7_000)
    assert httpx.get(theirs.upload(LARGE, "video/mp4", "a.mp4")).content == LARGE
    assert len(storage.files) == 1


def test_the_asynchronous_client_uploads_a_file_in_parts(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 10_000)
    monkeypatch.setattr(fal_client.client, "MULTIPART_CHUNK_SIZE", 7_000)
    (tmp_path / "a.bin").write_bytes(LARGE)

    async def upload() -> str:
        manager = fal_client.client.AsyncCDNTokenManager(AuthCredentials("Key", KEY))
        async with httpx.AsyncClient() as client:
            return str(
                await fal_client.client.AsyncMultipartUpload.save_file(
                    client=client, token_manager=manager, file_path=str(tmp_path / "a.bin")
                )
            )

    assert httpx.get(asyncio.run(upload())).content == LARGE


def test_the_older_way_works(theirs: Client) -> None:
    url = theirs.upload(b"old", "text/plain", "old.txt", repository="fal")
    assert httpx.get(url).content == b"old"


def test_a_file_is_gone_when_its_time_is_over(theirs: Client, storage: LocalStorage, clock: Clock) -> None:
    url = theirs.upload(b"x", "text/plain", "x.txt", lifecycle=fal_client.StorageSettings(expires_in="1h"))
    kept = theirs.upload(b"y", "text/plain", "y.txt")
    clock.now += 3599
    assert httpx.get(url).status_code == 200
    clock.now += 2
    assert httpx.get(url).status_code == 404
    assert httpx.get(kept).status_code == 200
    assert len(storage.files) == 1


def test_a_token_is_fetched_once_and_anew_when_it_has_run_out(
    theirs: Client, server: LocalServer, clock: Clock
) -> None:
    tokens = theirs._token_manager
    first = tokens.get_token().token
    theirs.upload(b"x", "text/plain")
    assert tokens.get_token().token == first
    clock.now += TOKEN_SECONDS + 1
    answer = httpx.post(f"{server.http_url}/storage/files/upload", headers={"Authorization": f"Bearer {first}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("key", ["another:key-of-someone", ""])
def test_no_token_without_the_key(server: LocalServer, key: str) -> None:
    headers = {"Authorization": f"Key {key}"} if key else {}
    assert httpx.post(f"{server.http_url}/storage/auth/token", headers=headers).status_code == 401
    assert httpx.post(f"{server.http_url}/storage/files/upload", content=b"x", headers=headers).status_code == 401
    assert httpx.post(f"{server.http_url}/storage/upload/initiate", json={}, headers=headers).status_code == 401


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    theirs: Client, storage: LocalStorage, tmp_path: Path
) -> None:
    with pytest.raises(fal_client.FalClientError, match="too large"):
        theirs.upload(bytes(200_001), "video/mp4", fallback_repository=[])
    assert list((tmp_path / "storage").iterdir()) == []
    assert len(storage.files) == 0


def test_parts_that_did_not_come_make_no_file(theirs: Client, server: LocalServer, storage: LocalStorage) -> None:
    token = theirs._token_manager.get_token()
    headers = {"Authorization": f"Bearer {token.token}"}
    begun = httpx.post(f"{token.base_upload_url}/files/upload/multipart", headers=headers).json()
    parts = f"{begun['access_url']}/multipart/{begun['uploadId']}"
    assert httpx.put(f"{parts}/1", content=b"abc", headers=headers).headers["etag"]
    wrong = {"parts": [{"partNumber": 1, "etag": "another"}]}
    assert httpx.post(f"{parts}/complete", json=wrong, headers=headers).status_code == 422
    assert httpx.put(f"{parts}/0", content=b"abc", headers=headers).status_code == 422
    assert httpx.get(begun["access_url"]).status_code == 404
    assert httpx.put(f"{begun['access_url']}/multipart/{'x' * 22}/1", headers=headers).status_code == 404


def test_a_page_of_another_origin_cannot_upload(server: LocalServer, theirs: Client) -> None:
    token = theirs._token_manager.get_token().token
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://evil.example"}
    assert httpx.post(f"{server.http_url}/storage/files/upload", content=b"x", headers=headers).status_code == 403


def test_everything_else_goes_to_the_other_application(server: LocalServer) -> None:
    assert httpx.get(f"{server.http_url}/x").text == "the other application"
    assert httpx.get(f"{server.http_url}/storage/nothing").status_code == 401
