"""fal's storage of files, on this machine: what fal-client uploads to, and what gives the files to whoever has the URL.

An upload needs a token, for which the key is asked. Large files come in parts, in any order and several at a time. A
file is gone once its time is over. As at fal, its URL needs no key; it has 128 random bits.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fal_notebook.local.admission import Refusal, refuse, refuse_host, refuse_page
from fal_notebook.local.asgi import ASGIApp, Receive, Scope, Send, below
from fal_notebook.local.queue_answers import header, send_json
from fal_notebook.local.storage_files import Files, StoredFile, StoreError

PATH = "/storage"
"""Where `fal-notebook serve` has its storage."""
TOKEN_SECONDS = 600.0
_MOST_JSON = 1_000_000  # bytes of the list of a file's parts
_FILE = re.compile(r"/files/(?P<id>[\w-]{22})/[^/]*", re.ASCII)
_PART = re.compile(
    r"/files/(?P<id>[\w-]{22})/[^/]*/multipart/(?P<upload>[\w-]{22})/(?P<part>\d{1,5}|complete)", re.ASCII
)
_DIRECT = re.compile(r"/direct/(?P<id>[\w-]{22})", re.ASCII)
_NOT_FOUND = Refusal(404, "There is no such file, or its time is over")
_NO_TOKEN = Refusal(401, "An upload needs a token of this storage")
_SAFE = ((b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"sandbox; default-src 'none'"))


@dataclass(frozen=True)
class _Grant:
    """What a token allows: uploads until its end."""

    until: float


class LocalStorage:
    """An ASGI application: the storage, with its files in one folder.

    Args:
        folder: where the files are; they stay there until their time is over.
        key: if set, a token is given only for ``Authorization: Key <key>``.
        origins: the origins of web pages that may upload.
        most_bytes: the most bytes of a file.
        clock: the time, in seconds since 1970.

    Attributes:
        files: the files that are stored.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: str | None = None,
        origins: Collection[str] = (),
        most_bytes: int = 5 * 1024**3,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.files = Files(folder, most_bytes, clock)
        self._key, self._origins, self._clock = key, frozenset(origins), clock
        self._tokens: dict[str, _Grant] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI asks."""
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "The storage has no WebSockets"})
            return
        try:
            await self._answer(scope, receive, send)
        except StoreError as error:
            await Refusal(error.status, str(error)).send_to_http(send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"].removeprefix(scope.get("root_path", ""))
        self.files.sweep()
        if method in ("GET", "HEAD") and (found := _FILE.fullmatch(path)):
            await self._give(found["id"], scope, send, with_body=method == "GET")
        elif method == "POST" and path in ("/auth/token", "/upload/initiate"):
            refusal = refuse(scope, self._key, self._origins)
            if refusal is not None:
                await refusal.send_to_http(send)
            elif path == "/auth/token":
                await self._token(scope, send)
            else:
                await self._initiate(scope, receive, send)
        elif method == "PUT" and (found := _DIRECT.fullmatch(path)):
            await self._take_direct(found["id"], receive, send)
        elif refusal := self._refuse_upload(scope):
            await refusal.send_to_http(send)
        elif method == "POST" and path == "/files/upload":
            file = self.files.begin(*_described(scope))
            await self.files.take(file.id, receive)
            await send_json(send, 200, {"access_url": _url(scope, file)})
        elif method == "POST" and path == "/files/upload/multipart":
            file = self.files.begin(*_described(scope))
            await send_json(send, 200, {"access_url": _url(scope, file), "uploadId": file.upload})
        elif method in ("PUT", "POST") and (found := _PART.fullmatch(path)):
            await self._part(method, found, receive, send)
        else:
            await Refusal(404, f"{method} {path} is nothing that the storage has").send_to_http(send)

    async def _token(self, scope: Scope, send: Send) -> None:
        now = self._clock()
        self._tokens = {token: grant for token, grant in self._tokens.items() if grant.until > now}
        token = secrets.token_urlsafe()
        grant = self._tokens[token] = _Grant(now + TOKEN_SECONDS)
        until = datetime.fromtimestamp(grant.until, UTC).isoformat()
        answer = {"token": token, "token_type": "Bearer", "base_url": _base(scope), "expires_at": until}
        await send_json(send, 200, answer)

    def _refuse_upload(self, scope: Scope) -> Refusal | None:
        refusal = (refuse_host(scope) if self._key is None else None) or refuse_page(scope, self._origins)
        if refusal is not None:
            return refusal
        kind, _, token = (header(dict(scope["headers"]), "authorization") or "").partition(" ")
        grant = self._tokens.get(token) if kind == "Bearer" else None
        return None if grant is not None and grant.until > self._clock() else _NO_TOKEN

    async def _initiate(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the URL to which a file is put, and the one that it will have: the way of fal's older storage."""
        asked = _object(await _read(receive))
        _, _, seconds = _described(scope)
        file = self.files.begin(str(asked.get("content_type")), str(asked.get("file_name")), seconds)
        urls = {"upload_url": f"{_base(scope)}/direct/{file.upload}", "file_url": _url(scope, file)}
        await send_json(send, 200, urls)

    async def _take_direct(self, upload: str, receive: Receive, send: Send) -> None:
        await self.files.take(self.files.of_upload(upload).id, receive)
        await send_json(send, 200, {})

    async def _part(self, method: str, found: "re.Match[str]", receive: Receive, send: Send) -> None:
        file = self.files.of_upload(found["upload"])
        if file.id != found["id"]:
            raise StoreError(404, "There is no such upload")
        if method == "PUT" and found["part"] != "complete":
            etag = await self.files.take_part(file.id, int(found["part"]), receive)
            await send_json(send, 200, {}, {"etag": etag})
        elif method == "POST" and found["part"] == "complete":
            parts = _object(await _read(receive)).get("parts")
            await self.files.complete(file.id, _parts(parts))
            await send_json(send, 200, {})
        else:
            raise StoreError(405, "A part is put, and a file is completed by a post")

    async def _give(self, file_id: str, scope: Scope, send: Send, *, with_body: bool) -> None:
        refusal = refuse_host(scope) if self._key is None else None
        file = self.files.stored(file_id)
        if refusal is not None or file is None:
            await (refusal or _NOT_FOUND).send_to_http(send)
            return
        headers = [(b"content-type", file.content_type.encode()), (b"content-length", str(file.size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, *_SAFE]})
        if with_body:
            async for piece in self.files.pieces(file):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class WithStorage:
    """An ASGI application: a storage below one path, and another application, such as the gateway, everywhere else.

    Args:
        other: the other application, which gets the server's start and end, too.
        storage: the storage.
        path: where the storage is.
    """

    def __init__(self, other: ASGIApp, storage: LocalStorage, path: str = PATH) -> None:
        self._other, self._storage, self._path = other, storage, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI asks."""
        if (inner := below(self._path, scope)) is not None:
            await self._storage(inner, receive, send)
        else:
            await self._other(scope, receive, send)


def _described(scope: Scope) -> tuple[str, str, float | None]:
    """The content type and the name of a file that is uploaded, and for how many seconds it is kept."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    wish = header(headers, "x-fal-object-lifecycle") or header(headers, "x-fal-object-lifecycle-preference") or "{}"
    seconds = _object(wish.encode()).get("expiration_duration_seconds")
    is_time = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0
    content_type = header(headers, "content-type") or "application/octet-stream"
    return content_type, header(headers, "x-fal-file-name") or "", seconds if is_time else None


def _base(scope: Scope) -> str:
    """The storage's own URL, as the client has reached it."""
    host = header(dict(scope["headers"]), "host") or "localhost"
    return f"{scope.get('scheme', 'http')}://{host}{scope.get('root_path', '')}"


def _url(scope: Scope, file: StoredFile) -> str:
    return f"{_base(scope)}/files/{file.id}/{file.name}"


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _MOST_JSON:
            raise StoreError(413, "The body is too large")
    return bytes(body)


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise StoreError(422, "A JSON object is wanted")
    return found


def _parts(given: Any) -> list[tuple[int, str]]:
    try:
        return sorted((int(each["partNumber"]), str(each["etag"])) for each in given)
    except (KeyError, TypeError, ValueError):
        raise StoreError(422, "The parts of the file are wanted") from None
