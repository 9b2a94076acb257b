"""The HTTP upgrade that opens a WebSocket, through proxies and TLS, and what it means where it fails.

Whatever fails here, nothing was sent: the arguments go out over an open WebSocket only.
"""

import json
import logging
import re
import socket
import ssl
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from websockets.asyncio.client import connect
from websockets.exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)
from websockets.frames import CloseCode

from ..errors import ConnectError, FalNotebookError, status_error
from ..safety.plain_text import excerpt, page_words
from .compression import DeflateFactory
from .target import Target
from .websocket import CLOSE_SECONDS, WebSocket

_PROXY_HINT = "HTTPS_PROXY, or what else names one here, is like http://host:8080"
_ADDRESS_HINT = "check the address and the network, whose login page may answer for it"
PASSING = (502, 503, 504)
"""The statuses of a handshake that say nothing of the request: the same may succeed in a moment."""

PASSING_CODES = (
    CloseCode.GOING_AWAY,
    CloseCode.ABNORMAL_CLOSURE,
    CloseCode.INTERNAL_ERROR,
    CloseCode.SERVICE_RESTART,
    CloseCode.TRY_AGAIN_LATER,
    CloseCode.BAD_GATEWAY,
)
"""The codes of a close that say the same."""
_FURTHER_ADDRESS_SECONDS = 0.25
"""How long one address of a host is tried alone before the next is, too (RFC 8305, 5)."""


class _Connect(connect):
    """The opening of a connection to the address that was asked for and to no other.

    A redirect would carry the credentials along.
    """

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Logger(logging.LoggerAdapter[logging.Logger]):
    """A logger that has no DEBUG level: there websockets logs the handshake's headers, the key among them."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        return level > logging.DEBUG and super().isEnabledFor(level)


async def open_websocket(target: Target, *, max_size: int, open_timeout: float) -> WebSocket:
    """Open a WebSocket.

    Args:
        target: where to.
        max_size: the most bytes that a message may have.
        open_timeout: seconds for the handshake.

    Raises:
        StatusError: the server refused the handshake with an HTTP status.
        ConnectError: no connection came about.
    """
    made: list[WebSocket] = []

    def make(*args: Any, **options: Any) -> WebSocket:
        made.append(WebSocket(max_size, *args, **options))
        return made[-1]

    failure: FalNotebookError
    try:
        websocket = await _Connect(
            target.url,
            additional_headers=target.authorization.headers() if target.authorization else None,
            open_timeout=open_timeout,
            ping_interval=None,  # pings of our own also tell how long the server has been silent
            close_timeout=CLOSE_SECONDS,
            max_size=max_size,
            proxy=_proxy(target),
            logger=_Logger(logging.getLogger(__name__), {}),
            create_connection=make,  # type: ignore[arg-type]  # documented as any factory
            extensions=[DeflateFactory(compress_settings={"memLevel": 5})],
            happy_eyeballs_delay=None if target.is_local else _FURTHER_ADDRESS_SECONDS,
        )
    except InvalidStatus as exc:
        response = exc.response
        failure = _refusal(response.status_code, bytes(response.body or b""), response.headers.raw_items(), target)
    except InvalidMessage as exc:
        failure = _broken_refusal(made[-1], target) or _no_connection(exc, target)
    except (OSError, EOFError, ValueError, ImportError, WebSocketException) as exc:  # a SOCKS proxy wants a package
        failure = _no_connection(exc, target)
    else:
        assert isinstance(websocket, WebSocket)  # noqa: S101 - the type that create_connection makes
        _forget_handshake(websocket)
        return websocket
    # Raised out here, it has no context: the frames of the handshake hold the key.
    raise failure


def _forget_handshake(websocket: WebSocket) -> None:
    """Let go of its headers: the request's hold the key, and the response's may repeat it."""
    for each in (websocket.request, websocket.response):
        if each is not None:
            each.headers.clear()


async def closed_at_once(websocket: WebSocket, target: Target) -> ConnectError:
    """The error that tells how a WebSocket closed over which nothing was sent."""
    await websocket.wait_closed()
    if websocket.failure is not None:
        message = f"the handshake of {target.url} could not be taken: {type(websocket.failure).__name__}"
        return ConnectError(message, hint="nothing was sent")
    code, reason = websocket.close_code, websocket.close_reason
    said = f", code {code}" + (f" {reason}" if reason else "")
    message = target.redact(f"{target.url} closed the connection as soon as it was open{said}")
    return ConnectError(message, hint="nothing was sent", may_pass=code in PASSING_CODES)


def _refusal(status: int, body: bytes, fields: Iterable[tuple[str, str]], target: Target) -> FalNotebookError:
    """A handshake that the server answered with an HTTP status. The request was not sent."""
    if status < HTTPStatus.MULTIPLE_CHOICES:
        message = f"{target.url} answered with status {status}: it does not speak WebSocket"
        return ConnectError(message, hint=_ADDRESS_HINT)
    if status < HTTPStatus.BAD_REQUEST:
        message = f"{target.url} answered with a redirect ({status}), which is not followed"
        return ConnectError(message, hint=_ADDRESS_HINT)
    headers = {target.redact(name.lower()): target.redact(value) for name, value in fields}
    return status_error(
        status,
        _detail(body, headers.get("content-type", ""), target),
        endpoint=target.endpoint,
        request_id=headers.get("x-fal-request-id"),
        headers=headers,
        in_handshake=True,
    )


def _broken_refusal(websocket: WebSocket, target: Target) -> FalNotebookError | None:
    """The same where no more than the status could be read: the rest is too long, or broke off."""
    found = re.match(rb"HTTP/1\.1 ([2-5]\d\d)\b", websocket.head)
    return _refusal(int(found[1]), b"", [], target) if found else None


def _detail(body: bytes, label: str, target: Target) -> Any:
    try:
        value = target.redaction.value(json.loads(body))
    except (ValueError, RecursionError):
        return excerpt(target.redact(_decoded(body, label)))
    detail = value.get("detail", value) if isinstance(value, dict) else value
    return page_words(detail) if isinstance(detail, str) else detail


def _decoded(body: bytes, label: str) -> str:
    charset = re.search(r"charset=[\"']?([\w.:-]{1,40})", label, re.IGNORECASE)
    try:
        return body.decode(charset[1] if charset else "utf-8")
    except (LookupError, ValueError):  # there is no such charset, or it is another
        return body.decode("utf-8", "replace")


def _proxy(target: Target) -> str | Literal[True] | None:
    """What websockets is told of proxies: it looks for one itself (True), but not at ``ALL_PROXY``."""
    if target.is_local:
        return None
    parts, found = urlsplit(target.url), getproxies()
    nearer = ("wss", "socks", "https") if parts.scheme == "wss" else ("ws", "socks", "https", "http")
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    if "all" not in found or any(name in found for name in nearer):
        return True
    return None if proxy_bypass(f"{parts.hostname}:{port}") else found["all"]


def _no_connection(exc: Exception, target: Target) -> ConnectError:
    hint = "is the gateway running? `fal-notebook serve` starts one" if target.is_local else "check network and proxy"
    if isinstance(exc, TimeoutError):
        return ConnectError(f"{target.url} did not answer in time", hint=hint, may_pass=True)
    if _blames_proxy(exc, target):
        return ConnectError(f"no connection to {target.url}: the proxy cannot be used", hint=_PROXY_HINT)
    if isinstance(exc, InvalidProxyStatus) and exc.response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        hint = "give it a name and a password: http://NAME:PASSWORD@HOST:PORT"
    message = target.redact(f"no connection to {target.url}: {_reason(exc)}")
    return ConnectError(message, hint=hint, may_pass=_may_pass(exc, target))


def _blames_proxy(exc: Exception, target: Target) -> bool:
    """Whether a proxy's address may be what cannot be used. What says so may quote it, with its password."""
    is_value = isinstance(exc, ValueError) and not isinstance(exc, OSError)  # which errors of certificates are, too
    return isinstance(exc, InvalidProxy) or (is_value and not target.is_local and bool(getproxies()))


def _reason(exc: Exception) -> str:
    if isinstance(exc, InvalidProxyStatus):
        return f"the proxy answered with status {exc.response.status_code}"
    if isinstance(exc, InvalidProxyMessage):
        return "the proxy broke off, or is none"
    if isinstance(exc, InvalidHandshake) and not isinstance(exc, ProxyError):
        return "it does not speak WebSocket"
    return str(exc) or type(exc).__name__


def _may_pass(exc: Exception, target: Target) -> bool:
    """Whether the same handshake may succeed in a moment: it broke off, or no way led there."""
    if isinstance(exc, InvalidProxyStatus):
        return exc.response.status_code in PASSING
    if isinstance(exc, ssl.SSLError):  # a certificate, or no TLS at all; a cut is none of these
        return isinstance(exc, ssl.SSLEOFError)
    if isinstance(exc, socket.gaierror):
        return exc.errno == socket.EAI_AGAIN
    if isinstance(exc, OSError) and target.is_local:  # no other way than the one on which nobody listens
        return isinstance(exc, ConnectionResetError | ConnectionAbortedError | BrokenPipeError)
    return isinstance(exc, OSError | EOFError | InvalidMessage | InvalidProxyMessage)
