"""Who may enter: the checks that a handshake or a plain request passes before anything is accepted.

A loopback address protects from the network but not from the browser: any web page may open a WebSocket to
``127.0.0.1``, POST a form there, or load a script from there. A page cannot change three headers:

- ``Host`` is the host of the URL that is requested. A page whose own host was made to resolve to ``127.0.0.1`` (DNS
  rebinding) has the same origin as its requests, but that host is not a name of this machine.
- ``Origin`` is the page's origin. Browsers send it with every WebSocket handshake and every POST.
- ``Sec-Fetch-Site`` says whether the page has the same origin as the request. Browsers send it where they send no
  ``Origin``: for scripts, pictures, frames and links.

Programs send only ``Host``, with the address that they were given.
"""

import hmac
import ipaddress
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fal_notebook.local.asgi import Message, Scope, Send


@dataclass(frozen=True)
class Refusal:
    """An HTTP answer that turns a request away.

    Attributes:
        status: the HTTP status.
        detail: one sentence for the user, sent as JSON ``{"detail": …}`` as fal does.
        error_type: fal's name for the error, where it has one.
        closes: whether the connection is closed after it.
    """

    status: int
    detail: str
    error_type: str | None = None
    closes: bool = False

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
        if self.closes:
            headers.append((b"connection", b"close"))
        return [
            {"type": f"{prefix}.start", "status": self.status, "headers": headers},
            {"type": f"{prefix}.body", "body": body, "more_body": False},
        ]


def refuse(scope: Scope, key: str | None, origins: Collection[str]) -> Refusal | None:
    """Return the refusal of a request that fails one of the checks; None if it may enter.

    Args:
        scope: the request.
        key: the key that it must have, if it must have one.
        origins: those of other pages that may enter.
    """
    # With a key, any host name may be used: a page does not know the key.
    refuse_name = refuse_host(scope) if key is None else None
    return refuse_name or refuse_page(scope, origins) or refuse_key(scope, key)


def refuse_key(scope: Scope, key: str | None) -> Refusal | None:
    """Return the refusal of a request without ``Authorization: Key <key>``; None if it may enter."""
    if key is None:
        return None
    given = _values(scope, b"authorization")
    if len(given) == 1 and hmac.compare_digest(given[0].encode("latin-1"), b"Key " + key.encode()):
        return None
    application = scope["path"].strip("/")
    return Refusal(
        401,
        f"Cannot access application {application!r}. Authentication is required: "
        "send the header 'Authorization: Key <key>' with the key of this gateway.",
    )


def refuse_host(scope: Scope) -> Refusal | None:
    """Return the refusal of a request to a host name that is not this machine's; None if it may enter."""
    own, _ = scope.get("server") or (None, None)
    names = [_host_name(host) for host in _values(scope, b"host")]
    if names and all(is_loopback_host(name) or name == own for name in names):
        return None
    return Refusal(
        403, "Requests to this host name are refused: use 127.0.0.1 or localhost, or have the gateway require a key."
    )


def refuse_page(scope: Scope, origins: Collection[str] = ()) -> Refusal | None:
    """Return the refusal of a request made by a web page of another origin; None if it may enter.

    Args:
        scope: the request.
        origins: those of other pages that may enter, such as ``http://localhost:8888``.
    """
    admitted = set(origins)
    pages = _values(scope, b"origin")
    if not set(_values(scope, b"sec-fetch-site")) <= {"same-origin", "none"}:
        pages = pages or [_origin(referer) for referer in _values(scope, b"referer")] or ["null"]
    else:
        admitted |= {f"{scheme}://{host}" for scheme in ("http", "https") for host in _values(scope, b"host")}
    if admitted.issuperset(pages):
        return None
    return Refusal(403, "Requests of web pages of other origins are refused.")


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name or address can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(host: str) -> str:
    """The host without its port, which is another one where a port is forwarded; empty if the header is not valid."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:/?#@\[\]]+))(?::[0-9]{1,5})?", host)
    return (found[1] or found[2]).lower() if found else ""


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _values(scope: Scope, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]
