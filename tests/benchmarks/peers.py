"""This package and its peers, each used as its user would use it: correct for the benchmarks' answers, and no more.

The server sends every event in a message of its own, so that no peer has to join events. Connections that can be kept
open are open before the measurement begins.
"""

import asyncio
import json
import os
import re
import socket
import ssl
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast
from unittest.mock import patch
from urllib.parse import urlsplit

import fal.apps
import fal_client.client
import httpx
from httpx_sse import connect_sse
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_asyncio
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect as connect_sync

import fal_notebook

from .rows import BOUND, MADE_UP_KEY, OURS
from .server import Ports

ENDPOINT = "bench/app"
Arguments = dict[str, Any]


@dataclass(frozen=True)
class Addresses:
    """The server's addresses for WebSockets and for HTTP."""

    websocket: str
    http: str

    @classmethod
    def of(cls, ports: Ports, *, tls: bool = False) -> Self:
        """The addresses of the ports of this machine."""
        end = "s" if tls else ""
        return cls(f"ws{end}://127.0.0.1:{ports.websocket}", f"http{end}://127.0.0.1:{ports.http}")


@dataclass(frozen=True)
class Shape:
    """The form of an endpoint's events, and how a user gets the text out of them.

    Attributes:
        words: returns the text of one event.
        kept: the number of last events that make up the whole text; None for all events.
    """

    words: Callable[[Any], str]
    kept: int | None = None

    def text(self, values: Iterable[Any]) -> str:
        """The whole text of these events."""
        return "".join(deque((self.words(value) for value in values), self.kept))


DELTAS = Shape(lambda value: value["choices"][0]["delta"]["content"])
SNAPSHOTS = Shape(lambda value: value["output"], 1)


class Peer(ABC):
    """One way to send requests to an endpoint, ready to be used."""

    name: ClassVar[str]

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self._stack = ExitStack()
        self._stack.enter_context(patch.dict(os.environ, FAL_KEY=MADE_UP_KEY))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @abstractmethod
    def text(self, arguments: Arguments, shape: Shape) -> str:
        """Send a request, and return the answer's text."""

    def texts(self, each: Sequence[Arguments], shape: Shape) -> list[str]:
        """Send several requests in the quickest way there is, and return the texts in order."""
        return [self.text(arguments, shape) for arguments in each]

    def arrivals(self, arguments: Arguments) -> list[int]:
        """Request ``times``, and return the nanoseconds from each event's sending until its text is there."""
        times: list[int] = []

        def words(value: Any) -> str:
            new = DELTAS.words(value)
            times.append(time.monotonic_ns() - int(new))
            return new

        self.text(arguments, Shape(words))
        return times


class Keeps(Peer):
    """A peer that can also return an answer's bytes."""

    @abstractmethod
    def body(self, arguments: Arguments) -> bytes:
        """Send a request, and return the answer as one ``bytes``."""


class InParts(Keeps):
    """A peer that gives an answer in parts, of which each is a whole event."""

    def text(self, arguments: Arguments, shape: Shape) -> str:
        return shape.text(value for part in self._parts(arguments) for value in _events(part))

    def body(self, arguments: Arguments) -> bytes:
        return b"".join(self._parts(arguments))

    @abstractmethod
    def _parts(self, arguments: Arguments) -> Iterator[bytes]:
        """Send a request, and yield the parts as they arrive."""


class Many(Peer):
    """A peer that can have several requests running at once."""

    @abstractmethod
    def durations(self, each: Sequence[Arguments]) -> list[float]:
        """Send all requests at once, and return after how many seconds each had its answer."""


class Ours(Keeps, Many):
    """The package's own `run` and `stream`."""

    name = OURS

    def __enter__(self) -> Self:
        self._stack.callback(fal_notebook.session().close)
        return self

    def text(self, arguments: Arguments, shape: Shape) -> str:
        return fal_notebook.run(ENDPOINT, arguments, base_url=self.addresses.websocket).text

    def body(self, arguments: Arguments) -> bytes:
        (media,) = fal_notebook.run(ENDPOINT, arguments, base_url=self.addresses.websocket).media
        return media.data or b""

    def texts(self, each: Sequence[Arguments], shape: Shape) -> list[str]:
        streams = fal_notebook.pipeline(ENDPOINT, each, base_url=self.addresses.websocket)
        return [stream.result().text for stream in streams]

    def durations(self, each: Sequence[Arguments]) -> list[float]:
        url = self.addresses.websocket
        streams = [fal_notebook.stream(ENDPOINT, arguments, base_url=url) for arguments in each]
        return [stream.result().metrics.duration for stream in streams]

    def arrivals(self, arguments: Arguments) -> list[int]:
        updates = fal_notebook.stream(ENDPOINT, arguments, base_url=self.addresses.websocket)
        return [time.monotonic_ns() - int(sent) for update in updates for sent in str(update).split()]


class Reference(InParts):
    """fal's reference client, its connection kept open."""

    name = "fal.apps.ws stream"

    def __enter__(self) -> Self:
        self._stack.enter_context(patch.object(fal.apps, "_WS_URL_FORMAT", self.addresses.websocket + "/{app_id}"))
        self._connection = self._stack.enter_context(fal.apps.ws(ENDPOINT))
        return self

    def _parts(self, arguments: Arguments) -> Iterator[bytes]:
        self._connection.send(arguments)
        return cast("Iterator[bytes]", self._connection.stream())  # this server sends only bytes

    def texts(self, each: Sequence[Arguments], shape: Shape) -> list[str]:
        for arguments in each:
            self._connection.send(arguments)
        return [shape.text(_events(self._connection.recv())) for _ in each]


class ReferenceRun(Reference):
    """The reference client's ``run``, which returns the whole body."""

    name = "fal.apps.ws run"

    def text(self, arguments: Arguments, shape: Shape) -> str:
        return shape.text(_events(self._connection.run(arguments)))

    def body(self, arguments: Arguments) -> bytes:
        return bytes(self._connection.run(arguments))


class FalClient(Peer):
    """fal's client for HTTP with server-sent events."""

    name = "fal_client.stream"

    def __enter__(self) -> Self:
        self._stack.enter_context(patch.object(fal_client.client, "RUN_URL_FORMAT", self.addresses.http + "/"))
        self._client = fal_client.SyncClient()
        self._stack.callback(lambda: self._client._client.close())
        return self

    def text(self, arguments: Arguments, shape: Shape) -> str:
        return shape.text(self._client.stream(ENDPOINT, arguments))


class HttpxSse(Peer):
    """httpx-sse over HTTP, with its HTTP client kept open."""

    name = "httpx-sse"

    def __enter__(self) -> Self:
        self._client = self._stack.enter_context(httpx.Client(timeout=60))
        return self

    def text(self, arguments: Arguments, shape: Shape) -> str:
        url = f"{self.addresses.http}/{ENDPOINT}/stream"
        with connect_sse(self._client, "POST", url, json=arguments) as source:
            return shape.text(event.json() for event in source.iter_sse())


class Threaded(InParts):
    """Bare websockets, with its blocking API."""

    name = "websockets.sync"

    def __enter__(self) -> Self:
        self._socket = self._stack.enter_context(connect_sync(f"{self.addresses.websocket}/{ENDPOINT}"))
        return self

    def _parts(self, arguments: Arguments) -> Iterator[bytes]:
        self._socket.send(json.dumps(arguments))
        for message in self._socket:
            if isinstance(message, bytes):
                yield message
            elif json.loads(message)["type"] == "end":
                return


class Asyncio(Keeps, Many):
    """Bare websockets on asyncio; several requests are sent at once, without waiting for answers."""

    name = "websockets.asyncio"
    connections = 1

    def __enter__(self) -> Self:
        # Not a Runner: it makes the repr of a result for an error that it catches, which takes seconds for many bytes.
        loop = asyncio.new_event_loop()
        self._run = loop.run_until_complete
        self._stack.callback(loop.close)
        self._sockets: list[ClientConnection] = self._run(self._connect())
        self._stack.callback(lambda: self._run(self._close()))
        return self

    def text(self, arguments: Arguments, shape: Shape) -> str:
        return self.texts([arguments], shape)[0]

    def body(self, arguments: Arguments) -> bytes:
        return self._run(self._body(arguments))

    def texts(self, each: Sequence[Arguments], shape: Shape) -> list[str]:
        return [text for text, _ in self._run(self._answers(each, shape))]

    def durations(self, each: Sequence[Arguments]) -> list[float]:
        return [duration for _, duration in self._run(self._answers(each, SNAPSHOTS))]

    async def _connect(self) -> list[ClientConnection]:
        # This event loop does not run while others are measured, and would miss the answers to its pings.
        url = f"{self.addresses.websocket}/{ENDPOINT}"
        return [await connect_asyncio(url, ping_interval=None) for _ in range(self.connections)]

    async def _close(self) -> None:
        for each in self._sockets:
            await each.close()

    async def _answers(self, each: Sequence[Arguments], shape: Shape) -> list[tuple[str, float]]:
        """The text of each answer, and after how many seconds it was there. The connections share the requests."""
        began = time.perf_counter()
        answers: dict[int, tuple[str, float]] = {}

        async def share(first: int) -> None:
            connection, numbers = self._sockets[first], range(first, len(each), len(self._sockets))
            for number in numbers:
                await connection.send(json.dumps(each[number]))
            for number in numbers:
                answers[number] = await self._text(connection, shape), time.perf_counter() - began

        await asyncio.gather(*map(share, range(len(self._sockets))))
        return [answers[number] for number in range(len(each))]

    async def _text(self, connection: ClientConnection, shape: Shape) -> str:
        words: deque[str] = deque(maxlen=shape.kept)
        async for part in self._parts(connection):
            words.extend(shape.words(value) for value in _events(part))
        return "".join(words)

    async def _body(self, arguments: Arguments) -> bytes:
        (connection,) = self._sockets
        await connection.send(json.dumps(arguments))
        return b"".join([part async for part in self._parts(connection)])

    async def _parts(self, connection: ClientConnection) -> AsyncIterator[bytes]:
        async for message in connection:
            if isinstance(message, bytes):
                yield message
            elif json.loads(message)["type"] == "end":
                return


class AsyncioOverFour(Asyncio):
    """Bare websockets on asyncio, over four connections."""

    name = "websockets.asyncio, 4 connections"
    connections = 4


class BareSocket:
    """A socket that reads the same bytes and does nothing with them: the best that server and network allow."""

    name = BOUND
    _END = b'"type": "end"'

    def __init__(self, addresses: Addresses) -> None:
        self._url = urlsplit(addresses.websocket)

    def __enter__(self) -> Self:
        host = self._url.hostname or ""
        opened = socket.create_connection((host, self._url.port or 0))
        tls = ssl.create_default_context() if self._url.scheme == "wss" else None
        self._socket = tls.wrap_socket(opened, server_hostname=host) if tls else opened
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(
            f"GET /{ENDPOINT} HTTP/1.1\r\nHost: {self._url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while not self._socket.recv(65_536).endswith(b"\r\n\r\n"):
            pass
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def arrivals(self, arguments: Arguments) -> Iterator[bytes]:
        """Request ``times``, and yield the nanosecond at which each event was sent, as soon as the event arrives."""
        self._send(arguments)
        data = b""
        while self._END not in data:
            data = self._socket.recv(65_536)
            if not data:
                raise EOFError
            yield from re.findall(rb'"content": "(\d+) "', data)

    def read(self, arguments: Arguments) -> int:
        """Send a request, and return the number of the answer's bytes."""
        self._send(arguments)
        size, last, buffer = 0, b"", memoryview(bytearray(2**20))
        while self._END not in last:
            got = self._socket.recv_into(buffer)
            if not got:
                raise EOFError
            size += got
            last = (last + bytes(buffer[max(0, got - 100) : got]))[-100:]
        return size

    def _send(self, arguments: Arguments) -> None:
        self._socket.sendall(Frame(Opcode.TEXT, json.dumps(arguments).encode()).serialize(mask=True))


def _events(part: bytes) -> Iterator[Any]:
    """The JSON values of whole events."""
    for line in part.splitlines():
        if line.startswith(b"data: "):
            yield json.loads(line[6:])
