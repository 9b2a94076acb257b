"""HTTP to fal's queue: one request, and its whole answer.

Whether a request may have been received is what matters for a submission, which is paid for: a `ConnectError` says that
certainly nothing was sent, any other error that something may have been. The key goes to the queue's own host only, no
redirect is followed, and nothing but the proxy is taken from the environment, since a ``.netrc`` would replace the key.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from ..errors import (
    ConnectError,
    ConnectionLost,
    FalNotebookError,
    InvalidRequest,
    ResponseTooLarge,
    StatusError,
    status_error,
)
from ..safety.bounded_json import decode_json
from ..safety.decompression import decompressed
from ..safety.plain_text import excerpt, page_words
from .fetching import proxy_of
from .http_connection import BrokenOff, NothingSent, RawAnswer, TooLarge
from .http_hosts import DirectHost, HTTPHost, ProxiedHost, close_all
from .protocol import Data, End, Event, Start
from .queue_address import QueueAddress, same_origin


@dataclass(frozen=True)
class HTTPAnswer:
    """An answer of the queue.

    Attributes:
        status: the HTTP status.
        headers: the response headers by their names in small letters.
        body: the whole body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def events(self, request_id: str) -> list[Event]:
        """The same as it would have come over a WebSocket."""
        return [Start(request_id, self.status, httpx.Headers(self.headers)), Data(self.body), End(self.status, None)]


class QueueHTTP:
    """Connections to a queue. They are used on one event loop.

    Making the object may be done elsewhere, and takes long: for TLS, certificates are read.

    Args:
        address: the queue.
        max_body: the most bytes that an answer may have.

    Raises:
        ConnectError: the proxy that is set cannot be used.
    """

    def __init__(self, address: QueueAddress, max_body: int) -> None:
        self.address = address
        self._max_body = max_body
        self._key = address.authorization.headers() if address.authorization else {}
        roots = {_root(url) for url in (address.base, address.list_base)}
        context = httpx.create_ssl_context() if any(each.startswith("https:") for each in roots) else None
        self._hosts = {root: _host(root, context) for root in roots}

    async def close(self) -> None:
        """Close the connections; all of them, also if the task is cancelled meanwhile."""
        await close_all(host.close for host in self._hosts.values())

    async def ask(self, method: str, url: str, body: bytes | None = None) -> HTTPAnswer:
        """The answer to one request, which is sent once.

        Raises:
            ConnectError: there was no connection, so that nothing was sent.
            ConnectionLost: the request may have been received, and its answer did not come, or not whole.
            ResponseTooLarge: the answer is too large.
        """
        host, path = self._place(url)
        headers = self._key if body is None else {**self._key, "Content-Type": "application/json"}
        found: HTTPAnswer | FalNotebookError
        try:
            found = self._unpacked(await host.ask(method, path, headers, body, self._max_body))
        except (NothingSent, BrokenOff, TooLarge, ValueError) as exc:
            found = self._failure(exc)
        if isinstance(found, FalNotebookError):
            raise found  # out here, so that it has no context, whose frames hold the key
        return found

    def refusal(self, answer: HTTPAnswer, request_id: str | None = None) -> StatusError:
        """The error for a status of 300 or more."""
        target = self.address.target
        headers = {target.redact(name.lower()): target.redact(value) for name, value in answer.headers.items()}
        return status_error(
            answer.status,
            _detail(answer, target.redaction),
            endpoint=target.endpoint,
            request_id=request_id or headers.get("x-fal-request-id"),
            headers=headers,
            by_fal=target.is_fal,
        )

    def _place(self, url: str) -> tuple[HTTPHost, str]:
        """The host of a URL, and its path with the query."""
        for root, host in self._hosts.items():
            if url.startswith(f"{root}/"):
                return host, url[len(root) :]
        if self.address.is_own(url):  # which is written in another way, such as with the usual port
            parts = urlsplit(url)
            for root, host in self._hosts.items():
                if same_origin(root, url):
                    return host, parts._replace(scheme="", netloc="", fragment="").geturl()
        raise InvalidRequest("the queue is asked at its own host only")

    def _unpacked(self, came: RawAnswer) -> HTTPAnswer:
        coding, whole = came.headers.get("content-encoding", ""), bytearray()
        if not coding:
            return HTTPAnswer(came.status, came.headers, came.body)
        for piece in decompressed([came.body], coding):
            whole += piece
            if len(whole) > self._max_body:
                raise TooLarge
        return HTTPAnswer(came.status, came.headers, bytes(whole))

    def _failure(self, exc: Exception) -> FalNotebookError:
        target, host = self.address.target, urlsplit(self.address.base).netloc
        said = f": {exc}" if str(exc) else ""
        if isinstance(exc, TooLarge):
            return ResponseTooLarge(f"the answer has more than {self._max_body:,} bytes")
        if isinstance(exc, NothingSent):
            hint = "is the gateway running? `fal-notebook serve` starts one" if target.is_local else None
            message = target.redact(f"no connection to the queue at {host}{said}")
            return ConnectError(message, hint=hint or "check network and proxy", may_pass=True)
        return ConnectionLost(target.redact(f"the connection to the queue at {host} broke off{said}"))


def _root(url: str) -> str:
    """A URL's scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _host(root: str, context: ssl.SSLContext | None) -> HTTPHost:
    """The connections to a host."""
    url = httpx.URL(root)
    try:
        proxy = proxy_of(url)
        return DirectHost(url, context) if proxy is None else ProxiedHost(url, proxy, context)
    except (ValueError, ImportError, httpx.InvalidURL):  # its message may have the proxy's password
        raise ConnectError("the proxy that is set cannot be used", hint="check HTTPS_PROXY") from None


def _detail(answer: HTTPAnswer, redaction: Any) -> Any:
    """What the body of a refusal says, without the key."""
    try:
        value = redaction.value(decode_json(answer.body))
    except ValueError:
        return excerpt(redaction.text(answer.body.decode("utf-8", "replace")))
    detail = value.get("detail", value) if isinstance(value, dict) else value
    return page_words(detail) if isinstance(detail, str) else detail
