"""A client of the protocol with which the tests read the gateway: small enough to be trusted."""

import json
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import ClientConnection, connect

SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """One response, message by message."""

    start: dict[str, Any]
    messages: list[str | bytes]
    end: dict[str, Any]

    @property
    def status(self) -> int:
        status: int = self.start["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.start["headers"].items()}

    @property
    def body(self) -> bytes:
        return b"".join(part.encode() if isinstance(part, str) else part for part in self.messages)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of server-sent events, with JSON read and ``[DONE]`` left as it is."""
        lines = self.body.decode().splitlines()
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return [text if text == "[DONE]" else json.loads(text) for text in data]


def open_socket(url: str, **options: Any) -> ClientConnection:
    # A client that leaves messages unread cannot see the server's close, and would wait ten seconds for it.
    socket: ClientConnection = connect(url, max_size=None, proxy=None, close_timeout=0.5, **options)
    return socket


def read(socket: ClientConnection) -> Answer:
    start = json.loads(socket.recv(SECONDS))
    assert start["type"] == "start"
    messages: list[str | bytes] = []
    while not _is_end(message := socket.recv(SECONDS), start["request_id"]):
        messages.append(message)
    return Answer(start, messages, json.loads(message))


def ask(url: str, arguments: object, **options: Any) -> Answer:
    """Send one request on a connection of its own."""
    with open_socket(url, **options) as socket:
        socket.send(json.dumps(arguments))
        return read(socket)


def _is_end(message: str | bytes, request_id: str) -> bool:
    if isinstance(message, bytes):
        return False
    try:
        value = json.loads(message)
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("type") == "end" and value.get("request_id") == request_id
