"""HTTP to fal's queue: one request, and its whole answer.

Whether a request may have been received is what matters for a submission, which is paid for: a `ConnectError` says that
certainly nothing was sent, any other error that something may have been. The key goes to the queue's own host only, no
redirect is followed, and nothing but the proxy is taken from the environment, since a ``.netrc`` would replace the key.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Any

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
from .protocol import Data, End, Event, Start
from .queue_address import QueueAddress

_CONNECT_SECONDS = 15.0
_ANSWER_SECONDS = 120.0  # to wait at any time for the next bytes
_IDLE_SECONDS = 2.0  # for which a connection is kept: servers close theirs after five, and a request may meet that
_MOST_CONNECTIONS = 24  # httpcore looks at each of them for each request
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class HTTPAnswer:
    """An answer of the queue.

    Attributes:
        status: the HTTP status.
        headers: the response headers.
        body: the whole body.
    """

    status: int
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""

    def events(self, request_id: str) -> list[Event]:
        """The same as it would have come over a WebSocket."""
        return [Start(request_id, self.status, self.headers), Data(self.body), End(self.status, None)]


class QueueHTTP:
    """Connections to a queue. They are used on one event loop; making the object takes long, and may be done elsewhere.

    Args:
        address: the queue.
        max_body: the most bytes that an answer may have.

    Raises:
        ConnectError: the proxy that is set cannot be used.
    """

    def __init__(self, address: QueueAddress, max_body: int) -> None:
        self.address = address
        self._max_body = max_body
        self._transport = _transport(address)
        self._client = httpx.AsyncClient(
            transport=self._transport,
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            trust_env=False,
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        """Close the connections; all of them, also if the task is cancelled meanwhile, which httpx does not promise."""
        cancelled: asyncio.CancelledError | None = None
        for connection in self._transport._pool.connections:
            try:
                await connection.aclose()
            except asyncio.CancelledError as exc:
                cancelled = exc
        await self._client.aclose()
        if cancelled is not None:
            raise cancelled

    async def ask(self, method: str, url: str, body: bytes | None = None) -> HTTPAnswer:
        """The answer to one request, which is sent once.

        Raises:
            ConnectError: there was no connection, so that nothing was sent.
            ConnectionLost: the request may have been received, and its answer did not come, or not whole.
            ResponseTooLarge: the answer is too large.
        """
        if not self.address.is_own(url):
            raise InvalidRequest("the queue is asked at its own host only")
        found: HTTPAnswer | FalNotebookError
        try:
            found = await self._exchange(method, url, body)
        except (httpx.HTTPError, ValueError) as exc:
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

    async def _exchange(self, method: str, url: str, body: bytes | None) -> HTTPAnswer | ResponseTooLarge:
        more = {} if body is None else {"Content-Type": "application/json"}
        key = self.address.authorization.headers() if self.address.authorization else {}
        request = self._client.build_request(method, url, content=body, headers={**more, **key})
        response = await self._client.send(request, stream=True)
        too_large = ResponseTooLarge(f"the answer has more than {self._max_body:,} bytes")
        raw, whole = bytearray(), bytearray()
        try:
            async for piece in response.aiter_raw():
                raw += piece
                if len(raw) > self._max_body:
                    return too_large
        finally:
            await response.aclose()
        for piece in decompressed([bytes(raw)], response.headers.get("content-encoding", "")):
            whole += piece
            if len(whole) > self._max_body:
                return too_large
        return HTTPAnswer(response.status_code, response.headers, bytes(whole))

    def _failure(self, exc: Exception) -> FalNotebookError:
        target, host = self.address.target, httpx.URL(self.address.base).netloc.decode("ascii")
        said = "" if isinstance(exc, httpx.ProxyError) else f": {str(exc) or type(exc).__name__}"
        if isinstance(exc, _NOTHING_SENT):
            hint = "is the gateway running? `fal-notebook serve` starts one" if target.is_local else None
            message = target.redact(f"no connection to the queue at {host}{said}")
            return ConnectError(message, hint=hint or "check network and proxy", may_pass=True)
        return ConnectionLost(target.redact(f"the connection to the queue at {host} broke off{said}"))


def _transport(address: QueueAddress) -> httpx.AsyncHTTPTransport:
    """The connections to this queue. Making them takes long: with TLS, certificates are read."""
    url = httpx.URL(address.base)
    is_plain = url.scheme == "http" and not address.list_base.startswith("https")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else httpx.create_ssl_context()
    try:
        return httpx.AsyncHTTPTransport(
            proxy=proxy_of(url),
            verify=context,
            limits=httpx.Limits(
                max_connections=_MOST_CONNECTIONS,
                max_keepalive_connections=_MOST_CONNECTIONS,
                keepalive_expiry=_IDLE_SECONDS,
            ),
            trust_env=False,
        )
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
