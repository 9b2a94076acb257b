"""Who may enter: the two checks that a handshake or a plain request passes before anything is accepted.

A loopback address protects from the network but not from the browser: any web page may open a WebSocket to
``127.0.0.1`` or POST a form there, and the same-origin policy stops neither. The page cannot hide its ``Origin``,
so what comes from pages that were not served by this machine is refused. Programs send no ``Origin`` and pass.
"""

import hmac
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from fal_notebook.local.asgi import Message, Scope, Send


@dataclass(frozen=True)
class Refusal:
    """An HTTP answer that turns a request away.

    Attributes:
        status: the HTTP status, 401, 403 or 429.
        detail: one sentence for the user, sent as JSON ``{"detail": …}`` as fal does.
        error_type: fal's name for the error, where it has one.
    """

    status: int
    detail: str
    error_type: str | None = None

    async def send_to_http(self, send: Send) -> None:
        """Answer a plain HTTP request."""
        for message in self._messages("http.response"):
            await send(message)

    async def send_to_websocket(self, scope: Scope, send: Send) -> None:
        """Answer a handshake, or just close it where the server cannot send a response."""
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        for message in self._messages("websocket.http.response"):
            await send(message)

    def _messages(self, prefix: str) -> list[Message]:
        named = {"error_type": self.error_type} if self.error_type else {}
        body = json.dumps({"detail": self.detail, **named}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(b"x-fal-error-type", name.encode()) for name in named.values()]
        return [
            {"type": f"{prefix}.start", "status": self.status, "headers": headers},
            {"type": f"{prefix}.body", "body": body, "more_body": False},
        ]


def refuse_key(scope: Scope, key: str | None) -> Refusal | None:
    """Return the refusal of a request without ``Authorization: Key <key>``; None if it may enter."""
    if key is None:
        return None
    given = _values(scope, b"authorization")
    if len(given) == 1 and hmac.compare_digest(given[0], b"Key " + key.encode()):
        return None
    application = scope["path"].strip("/")
    return Refusal(
        401,
        f"Cannot access application {application!r}. Authentication is required: "
        "send the header 'Authorization: Key <key>' with the key of this gateway.",
    )


def refuse_origin(scope: Scope) -> Refusal | None:
    """Return the refusal of a request made by a web page from elsewhere; None if it may enter."""
    if all(_is_loopback_origin(origin) for origin in _values(scope, b"origin")):
        return None
    return Refusal(403, "Requests of web pages from other hosts are refused.")


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_loopback_origin(origin: bytes) -> bool:
    try:
        host = urlsplit(origin.decode("latin-1")).hostname
    except ValueError:
        return False
    return host is not None and is_loopback_host(host)


def _values(scope: Scope, name: bytes) -> list[bytes]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value for key, value in headers if key.lower() == name]
