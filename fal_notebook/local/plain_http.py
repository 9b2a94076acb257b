"""One plain HTTP request and its response, under the limits that a request over a WebSocket has.

The body is read whole before the application is called, as a WebSocket's message is. After that, the client can send
nothing but its disconnect, which is watched for.
"""

import asyncio
import uuid

from fal_notebook.local.admission import Refusal
from fal_notebook.local.asgi import Message, Receive, Scope, Send
from fal_notebook.local.hangup import Call

MAX_BODY_BYTES = 256 * 1024 * 1024
_SILENCE_SECONDS = 20.0  # between two parts of a body
_REQUEST_ID = b"x-fal-request-id"

_TOO_LARGE = Refusal(413, "The body has more than 256 MB.")
_SILENT = Refusal(408, "The rest of the body did not come.", closes=True)


async def read_body(scope: Scope, receive: Receive) -> bytes | Refusal | None:
    """Return a request's body; a refusal if it is too large or does not come, None if the client has left."""
    if any(int(length) > MAX_BODY_BYTES for length in _lengths(scope)):
        return _TOO_LARGE
    body = bytearray()
    more = True
    while more:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                message = await receive()
        except TimeoutError:
            return _SILENT
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            return _TOO_LARGE
    return bytes(body)


async def until_gone(receive: Receive) -> None:
    """Wait until the client disconnects, once its request has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


class PlainCall(Call):
    """A plain HTTP request.

    Args:
        scope: the request; the application sees it with a request id of ours.
        body: all of its body.
        send: sends one ASGI message to the client.
    """

    def __init__(self, scope: Scope, body: bytes, send: Send) -> None:
        super().__init__(scope, body)
        self._send = send
        self._id = (_REQUEST_ID, str(uuid.uuid4()).encode())
        scope["headers"] = [*(each for each in scope["headers"] if each[0].lower() != _REQUEST_ID), self._id]

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [each for each in message.get("headers", ()) if each[0].lower() != _REQUEST_ID]
            message = {**message, "headers": [*others, self._id]}
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        self.complete = self.complete or last
        await self._send(message)
        if last:
            self._over.set()

    async def _break_off(self) -> None:
        """Do nothing: the server itself closes the connection of a response without an end."""


def _lengths(scope: Scope) -> list[bytes]:
    return [value for name, value in scope["headers"] if name.lower() == b"content-length" and value.isdigit()]
