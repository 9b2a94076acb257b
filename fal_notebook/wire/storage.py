"""Uploads one file to fal's storage, with fal-client's own upload.

fal-client takes the bytes of a file as one object, and tells nothing until the upload has ended. So it gets a `_Source`
in their place: that has a length, can be cut into parts, and hands out small pieces when they are sent. This counts
them, can stop in the middle, and needs no copy of the file. fal-client tries a file again that did not arrive whole,
which harms nobody; it sends files of more than 100 MiB in parts, ten at a time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, cast

import httpx
from fal_client import StorageSettings, SyncClient
from fal_client.auth import AuthCredentials
from fal_client.client import CDNTokenManager, FalClientHTTPError

from ..errors import UploadFailed
from ..safety.loggers import quiet
from ..safety.plain_text import excerpt, one_line
from .target import Authorization

_PIECE = 65_536  # bytes that are handed to the socket at once
_TIMEOUTS = {"connect": 30.0, "read": 120.0, "write": 60.0, "pool": None}  # seconds; httpx's form
_LONGEST_REASON = 160  # characters
_REFUSED_KEY = (401, 403)


class UploadStopped(BaseException):
    """The upload was stopped. No ``Exception``: fal-client takes those for a reason to try another way."""


class StorageAccess:
    """The right to upload with one key. It keeps the token that the storage gives for some time. From any thread."""

    def __init__(self, authorization: Authorization) -> None:
        ((scheme, _, key),) = (each.partition(" ") for each in authorization.headers().values())
        self._credentials = AuthCredentials(scheme, key)
        self._tokens = CDNTokenManager(self._credentials)
        self._connections = _Connections()
        self._redaction = authorization.redaction

    @quiet()
    def upload(
        self,
        data: bytes,
        content_type: str,
        file_name: str,
        *,
        kept: int,
        progress: Callable[[int], object],
        stopped: threading.Event,
    ) -> str:
        """Upload a file and return its URL, which anybody can read who has it.

        Args:
            data: the file.
            content_type: its type.
            file_name: its name, which becomes part of the URL.
            kept: for how many seconds the storage is asked to keep it.
            progress: called with the number of bytes that are on their way or have arrived, on several threads.
            stopped: the upload ends soon after this is set.

        Raises:
            UploadFailed: the storage did not take it.
            UploadStopped: it was stopped.
        """
        failure: UploadFailed | None = None
        source = _Source(memoryview(data), _Progress(progress), stopped)
        try:
            with self._connections, closing(_Client(self._credentials, self._tokens, self._connections)) as client:
                whole = cast("bytes", source)
                settings = StorageSettings(expires_in=kept)
                return client.upload(whole, content_type, _header_value(file_name), lifecycle=settings)
        except Exception as exc:  # noqa: BLE001 - whatever fails in fal-client is told in one way
            failure = self._failure(exc, file_name)
        raise failure  # out here, so that it has no context: frames there hold the key

    def _failure(self, exc: Exception, file_name: str) -> UploadFailed:
        status = getattr(getattr(exc, "response", None), "status_code", None)
        if isinstance(exc, FalClientHTTPError | httpx.HTTPStatusError):
            why = f"fal's storage answered {status}: {self._redaction.text(excerpt(str(exc)))}"
        else:
            why = f"{type(exc).__name__}: {self._redaction.text(str(exc))}".rstrip(": ")
        hint = "the request was not sent; this key may not upload" if status in _REFUSED_KEY else None
        name = one_line(file_name, 60)
        return UploadFailed(f"{name} could not be uploaded: {one_line(why, _LONGEST_REASON)}", hint=hint, status=status)


class _Connections:
    """The connections to the storage. Uploads that run at the same time share them; the last one closes them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._clients: dict[str, httpx.Client] = {}

    def client(self, token: str, make: Callable[[], httpx.Client]) -> httpx.Client:
        """The client that has a token in its headers; it is made where there is none."""
        with self._lock:
            if token not in self._clients:
                self._clients[token] = made = make()
                made.event_hooks = {"request": [_limit_time]}
            return self._clients[token]

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            unused = [] if self._users else list(self._clients.values())
            if unused:
                self._clients = {}
        for client in unused:
            client.close()


class _Client(SyncClient):
    """fal-client's client for one upload: with our key, and with connections that time out and are closed."""

    def __init__(self, credentials: AuthCredentials, tokens: CDNTokenManager, connections: _Connections) -> None:
        super().__init__()
        # These are its cached properties, which would look up a key on this thread, and fetch a token for each file.
        self.__dict__.update(_auth=credentials, _token_manager=tokens, _connections=connections)

    def _get_cdn_client(self) -> httpx.Client:
        connections: _Connections = self.__dict__["_connections"]
        return connections.client(self._token_manager.get_token().token, super()._get_cdn_client)

    def close(self) -> None:
        """Close what fal-client leaves open: the client for fal's older storage, if it was needed."""
        if (older := self.__dict__.get("_client")) is not None:
            older.close()


def _limit_time(request: httpx.Request) -> None:
    """Let a request time out: fal-client sends parts without a limit, and one that stood still would never end."""
    request.extensions["timeout"] = dict(_TIMEOUTS)


class _Progress:
    """Counts the bytes of all parts. A part that is sent again counts anew. Usable from any thread."""

    def __init__(self, tell: Callable[[int], object]) -> None:
        self._tell = tell
        self._sent: dict[int, int] = {}
        self._lock = threading.Lock()

    def count(self, part: int, sent: int) -> None:
        """Note that so many bytes of a part were handed to the socket."""
        with self._lock:
            self._sent[part] = sent
            self._tell(sum(self._sent.values()))


class _Source:
    """What fal-client and httpx take for the bytes of a file: a view on it, or on a part, handed out in pieces.

    Args:
        view: the bytes.
        progress: counts what was handed out.
        stopped: ends the upload with the next piece.
        start: where in the file the view begins; None for the whole file.
    """

    def __init__(
        self, view: memoryview, progress: _Progress, stopped: threading.Event, start: int | None = None
    ) -> None:
        self._view, self._progress, self._stopped, self._start = view, progress, stopped, start

    def __len__(self) -> int:
        return len(self._view)

    def __getitem__(self, part: Any) -> "_Source":
        return _Source(self._view[part], self._progress, self._stopped, part.start)

    def __iter__(self) -> Iterator[bytes]:
        """The pieces from the beginning, each time that it is asked for: a request may be sent again."""
        self._progress.count(self._start or 0, 0)
        for at in range(0, len(self._view), _PIECE):
            # Parts are sent on threads for which Python waits at its end.
            if self._stopped.is_set() or (self._start is not None and not threading.main_thread().is_alive()):
                raise UploadStopped
            yield bytes(self._view[at : at + _PIECE])
            self._progress.count(self._start or 0, min(at + _PIECE, len(self._view)))

    def tell(self) -> int:
        """The place in the file, as httpx asks to learn the length."""
        return 0

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """The place at the end, as httpx asks to learn the length; a place is not kept."""
        return len(self._view)


def _header_value(name: str) -> str:
    """A file's name as it can stand in a header."""
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in name[-80:])
    return kept.strip(".") or "file"
