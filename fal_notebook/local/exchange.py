"""One request over a WebSocket and its response, seen from the application as plain HTTP."""

import contextlib
import json
import time
import uuid
from collections.abc import Iterable, Iterator

from fal_notebook.local.asgi import Message, Scope, Send
from fal_notebook.local.hangup import Call

# The first eight are hop-by-hop (RFC 9110, 7.6.1). The rest describe a body, which a handshake does not have, ask for
# compression, which the WebSocket does itself, or would set the id of the request.
_NOT_FORWARDED = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade "
    b"content-type content-length accept-encoding x-fal-request-id".split()
)


class Exchange(Call):
    """A request over a WebSocket.

    Args:
        handshake: the scope of the WebSocket.
        body: the JSON arguments, forwarded as they are.
        send_message: sends one ASGI message to the WebSocket.

    Attributes:
        failed: whether the response has no end, so that the connection was closed.
    """

    def __init__(self, handshake: Scope, body: bytes, send_message: Send) -> None:
        self.request_id = str(uuid.uuid4())
        super().__init__(_http_scope(handshake, self.request_id, len(body)), body)
        self.failed = False
        self._send_message = send_message
        self._began = time.perf_counter()
        self._first_byte: float | None = None
        self._is_json = False

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            await self._data(message.get("body", b""), more=message.get("more_body", False))

    async def _break_off(self) -> None:
        """Close the connection: the protocol has no other way to say that the rest of a response is missing."""
        self.failed = True
        with contextlib.suppress(OSError):  # the client may have gone meanwhile
            await self._send_message(
                {"type": "websocket.close", "code": 1011, "reason": "The application failed in mid-response"}
            )

    async def _start(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        types = [value for name, value in named if name.lower() == "content-type"]
        self._is_json = any(value.partition(";")[0].strip().lower() == "application/json" for value in types)
        await self._metadata("start", headers=_joined(named))

    async def _data(self, body: bytes, *, more: bool) -> None:
        if body:
            self._first_byte = self._first_byte or time.perf_counter()
            await self._send_message(_data_message(bytes(body), prefer_text=self._is_json))
        if not more:
            seconds = (self._first_byte or time.perf_counter()) - self._began
            self.complete = True
            await self._metadata("end", time_to_first_byte_seconds=round(seconds, 6))
            self._over.set()

    async def _metadata(self, kind: str, **fields: object) -> None:
        metadata = {"type": kind, "request_id": self.request_id, "status": self.status, **fields}
        await self._send_message({"type": "websocket.send", "text": json.dumps(metadata)})


def _http_scope(handshake: Scope, request_id: str, length: int) -> Scope:
    scope = {name: value for name, value in handshake.items() if name not in {"subprotocols", "extensions"}}
    headers = [
        *_forwarded(handshake["headers"]),
        (b"content-type", b"application/json"),
        (b"content-length", str(length).encode()),
        (b"x-fal-request-id", request_id.encode()),
    ]
    scope |= {
        "type": "http",
        # 2.3 makes frameworks listen for http.disconnect instead of waiting for a send to fail.
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": "POST",
        "scheme": "https" if handshake.get("scheme") == "wss" else "http",
        "headers": headers,
    }
    if "state" in handshake:
        scope["state"] = handshake["state"].copy()
    return scope


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in headers:
        lowered = name.lower()
        if lowered not in _NOT_FORWARDED and not lowered.startswith(b"sec-websocket-"):
            yield lowered, value


def _joined(headers: list[tuple[str, str]]) -> dict[str, str | list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return {name: found if len(found) > 1 else found[0] for name, found in values.items()}


def _data_message(body: bytes, *, prefer_text: bool) -> Message:
    if prefer_text:
        try:
            return {"type": "websocket.send", "text": body.decode()}
        except UnicodeDecodeError:
            pass  # a character was cut between two chunks
    return {"type": "websocket.send", "bytes": body}
