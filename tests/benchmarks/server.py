"""The server of the benchmarks: a process of its own with every answer ready as bytes, so never what is slow.

It speaks fal's HTTP over WebSockets on one port and plain HTTP with server-sent events on another.
"""

import asyncio
import json
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

DELTAS = 20_000
SNAPSHOTS = 2_000
LONGEST = 10_240
"""Bytes of the last snapshot's text."""
FRAME = 65_536
PIECE = FRAME * 16


@dataclass(frozen=True)
class Ports:
    """Where the server listens: its WebSockets and its HTTP."""

    websocket: int
    http: int


def deltas(count: int = DELTAS) -> list[bytes]:
    """Short events, each with what is new."""
    return [_event({"choices": [{"index": 0, "delta": {"content": f"{number:04d} "}}]}) for number in range(count)]


def snapshots(count: int = SNAPSHOTS, longest: int = LONGEST) -> list[bytes]:
    """Events that each repeat the whole text so far, as fal-ai/any-llm/stream has them."""
    text = "All work and no play makes a dull text. " * (longest // 40 + 1)
    lengths = [longest * number // count for number in range(1, count + 1)]
    return [
        b"event: event\r\n"
        + _event({"output": text[:length], "partial": length < longest, "error": None}, end="\r\n\r\n")
        for length in lengths
    ]


def _event(value: Any, end: str = "\n\n") -> bytes:
    return f"data: {json.dumps(value)}{end}".encode()


EVENTS: dict[str, Callable[[], list[bytes]]] = {
    "deltas": deltas,
    "snapshots": snapshots,
    "prompt": lambda: [_event({"output": "hi", "partial": False})],
}


@contextmanager
def running() -> Iterator[Ports]:
    """The server, in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _main(pipe: "Pipe[Any, Any]") -> None:
    asyncio.run(_Server().run(pipe))


class _Server:
    def __init__(self) -> None:
        events = {name: make() for name, make in EVENTS.items()}
        self._frames = {name: b"".join(map(_frame, each)) for name, each in events.items()}
        self._chunks = {name: b"".join(map(_chunk, each)) for name, each in events.items()}

    async def run(self, pipe: "Pipe[Any, Any]") -> None:
        websocket = await serve(self._talk, "127.0.0.1", 0, compression=None, max_size=None)
        http = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        pipe.send(Ports(*(server.sockets[0].getsockname()[1] for server in (websocket, http))))
        await asyncio.get_running_loop().create_future()

    async def _talk(self, connection: ServerConnection) -> None:
        async for message in connection:
            arguments = json.loads(message)
            kind = "audio/mpeg" if arguments["work"] == "bytes" else "text/event-stream"
            connection.transport.write(_text({"type": "start", "headers": {"content-type": kind}, "status": 200}))
            async for piece in self._pieces(arguments):
                connection.transport.write(piece)
                await connection.drain()
            connection.transport.write(_text({"type": "end", "status": 200}))

    async def _pieces(self, arguments: dict[str, Any]) -> AsyncIterator[bytes]:
        work = arguments["work"]
        if work == "bytes":
            piece = _frame(bytes(FRAME)) * (PIECE // FRAME)
            for _ in range(arguments["size"] // PIECE):
                yield piece
        elif work == "times":
            for _ in range(arguments["count"]):
                await asyncio.sleep(arguments["pause"])
                yield _frame(_event({"choices": [{"delta": {"content": f"{time.monotonic_ns()} "}}]}))
        else:
            yield self._frames[work]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
            work = json.loads(await reader.readexactly(length))["work"]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(self._chunks[work] + b"0\r\n\r\n")
            await writer.drain()
        writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _frame(data: bytes) -> bytes:
    return bytes(Frame(Opcode.BINARY, data).serialize(mask=False))


def _text(metadata: dict[str, Any]) -> bytes:
    return bytes(Frame(Opcode.TEXT, json.dumps({"request_id": "r1", **metadata}).encode()).serialize(mask=False))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
