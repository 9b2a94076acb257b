"""The HTTP upgrade that opens a WebSocket, through proxies and TLS, and the errors that its failures become.

Whatever fails here, the request was not sent: the arguments go out over an open WebSocket only. An error says whether
the same handshake may succeed in a moment; `handshake` then tries again.
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
TRANSIENT_STATUSES = (502, 503, 504)
"""The HTTP statuses after which the same handshake may succeed in a moment."""

_TRANSIENT_CODES = (
    CloseCode.GOING_AWAY,
    CloseCode.ABNORMAL_CLOSURE,
    CloseCode.INTERNAL_ERROR,
    CloseCode.SERVICE_RESTART,
    CloseCode.TRY_AGAIN_LATER,
    CloseCode.BAD_GATEWAY,
)
"""The codes of a close after which the same handshake may succeed in a moment."""
_HAPPY_EYEBALLS_SECONDS = 0.25
"""How long one address of a host is tried before the next is tried beside it (RFC 8305, 5)."""


class _ConnectWithoutRedirects(connect):
    """Opens a connection to the URL that was asked for, and follows no redirect, which would get the key, too."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _NoDebugLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger without level DEBUG, at which websockets logs the handshake's headers, and so the key."""

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
        websocket = await _ConnectWithoutRedirects(
            target.url,
            additional_headers=target.authorization.headers() if target.authorization else None,
            open_timeout=open_timeout,
            ping_interval=None,  # `Connection` sends pings itself, and counts other signs of life, too
            close_timeout=CLOSE_SECONDS,
            max_size=max_size,
            proxy=_proxy(target),
            logger=_NoDebugLogger(logging.getLogger(__name__), {}),
            create_connection=make,  # type: ignore[arg-type]  # documented as any factory
            extensions=[DeflateFactory(compress_settings={"memLevel": 5})],
            happy_eyeballs_delay=None if target.is_local else _HAPPY_EYEBALLS_SECONDS,
        )
    except InvalidStatus as exc:
        response = exc.response
        failure = _refusal(response.status_code, bytes(response.body or b""), response.headers.raw_items(), target)
    except InvalidMessage as exc:
        failure = _broken_refusal(made[-1], target) or _no_connection(exc, target)
    except (OSError, EOFError, ValueError, ImportError, WebSocketException) as exc:  # a SOCKS proxy needs a package
        failure = _no_connection(exc, target)
    else:
        assert isinstance(websocket, WebSocket)  # noqa: S101 - the type that create_connection makes
        _forget_handshake(websocket)
        return websocket
    # Raised outside the except blocks, so that the error has no context, whose frames hold the key.
    raise failure


def _forget_handshake(websocket: WebSocket) -> None:
    """Drop the handshake's headers: the request's hold the key, and the response's may repeat it."""
    for each in (websocket.request, websocket.response):
        if each is not None:
            each.headers.clear()


async def closed_at_once(websocket: WebSocket, target: Target) -> ConnectError:
    """The error for a WebSocket that closed before anything was sent, with the close's code and reason."""
    await websocket.wait_closed()
    if websocket.failure is not None:
        message = f"the handshake of {target.url} could not be taken: {type(websocket.failure).__name__}"
        return ConnectError(message, hint="nothing was sent")
    code, reason = websocket.close_code, websocket.close_reason
    said = f", code {code}" + (f" {reason}" if reason else "")
    message = target.redact(f"{target.url} closed the connection as soon as it was open{said}")
    return ConnectError(message, hint="nothing was sent", may_pass=code in _TRANSIENT_CODES)


def _refusal(status: int, body: bytes, fields: Iterable[tuple[str, str]], target: Target) -> FalNotebookError:
    """The error for a handshake that the server answered with an HTTP status other than 101."""
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
        by_fal=target.is_fal,
        in_handshake=True,
    )


def _broken_refusal(websocket: WebSocket, target: Target) -> FalNotebookError | None:
    """The error for a handshake of whose answer only the status could be read; None if not even that."""
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
    except (LookupError, ValueError):  # there is no such charset, or the body is in another one
        return body.decode("utf-8", "replace")


def _proxy(target: Target) -> str | Literal[True] | None:
    """The setting for websockets. With True it looks for a proxy itself, but it does not know ``ALL_PROXY``."""
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
    return ConnectError(message, hint=hint, may_pass=_is_transient(exc, target))


def _blames_proxy(exc: Exception, target: Target) -> bool:
    """Whether the proxy's address may be invalid. Such an error may quote the address with its password."""
    is_value_error = isinstance(exc, ValueError) and not isinstance(exc, OSError)  # certificate errors are both
    return isinstance(exc, InvalidProxy) or (is_value_error and not target.is_local and bool(getproxies()))


def _reason(exc: Exception) -> str:
    if isinstance(exc, InvalidProxyStatus):
        return f"the proxy answered with status {exc.response.status_code}"
    if isinstance(exc, InvalidProxyMessage):
        return "the proxy broke off, or is none"
    if isinstance(exc, InvalidHandshake) and not isinstance(exc, ProxyError):
        return "it does not speak WebSocket"
    return str(exc) or type(exc).__name__


def _is_transient(exc: Exception, target: Target) -> bool:
    """Whether the same handshake may succeed in a moment: it broke off, or the host could not be reached."""
    if isinstance(exc, InvalidProxyStatus):
        return exc.response.status_code in TRANSIENT_STATUSES
    if isinstance(exc, ssl.SSLError):  # a cut (SSLEOFError) may pass; a bad certificate does not, nor a lack of TLS
        return isinstance(exc, ssl.SSLEOFError)
    if isinstance(exc, socket.gaierror):
        return exc.errno == socket.EAI_AGAIN
    if isinstance(exc, OSError) and target.is_local:  # on this machine, a refusal means that nothing listens
        return isinstance(exc, ConnectionResetError | ConnectionAbortedError | BrokenPipeError)
    return isinstance(exc, OSError | EOFError | InvalidMessage | InvalidProxyMessage)
