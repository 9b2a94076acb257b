"""The server of the benchmarks, in a process of its own, with every answer ready as bytes, so that it slows no client.

It speaks fal's HTTP over WebSockets on one port, and plain HTTP with server-sent events on another. The arguments name
the ``work`` and its parameters:

=============  ==================  =================================================
``deltas``     ``count``           short events, each with the new text
``snapshots``  ``count, longest``  events with the whole text so far, up to so many bytes
``prompt``     ``words``           one short answer: these words
``bytes``      ``size``            so many zeros
``times``      ``count, pause``    events with the time of sending (WebSockets only)
``wait``       ``seconds, words``  these words after some seconds (WebSockets only)
=============  ==================  =================================================
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from ..certificates import server_context
from .process import in_process

FRAME = 65_536
PIECE = FRAME * 16
_SENTENCE = "All work and no play makes a dull text. "


@dataclass(frozen=True)
class Ports:
    """The server's ports for WebSockets and for HTTP."""

    websocket: int
    http: int


def deltas_text(count: int) -> str:
    """The text of the answer to ``deltas``."""
    return "".join(_words(count))


def snapshots_text(longest: int) -> str:
    """The text of the answer to ``snapshots``."""
    return (_SENTENCE * (longest // len(_SENTENCE) + 1))[:longest]


def _words(count: int) -> Iterator[str]:
    return (f"{number:04d} " for number in range(count))


def _deltas(count: int) -> list[bytes]:
    return [_event({"choices": [{"index": 0, "delta": {"content": words}}]}) for words in _words(count)]


def _snapshots(count: int, longest: int) -> list[bytes]:
    """Snapshot events as fal-ai/any-llm/stream sends them."""
    text = snapshots_text(longest)
    lengths = [longest * number // count for number in range(1, count + 1)]
    return [
        b"event: event\r\n"
        + _event({"output": text[:length], "partial": length < longest, "error": None}, end="\r\n\r\n")
        for length in lengths
    ]


def _event(value: Any, end: str = "\n\n") -> bytes:
    return f"data: {json.dumps(value)}{end}".encode()


def _prompt(words: str) -> list[bytes]:
    return [_event({"output": words, "partial": False})]


_EVENTS: dict[str, Callable[..., list[bytes]]] = {
    "deltas": _deltas,
    "snapshots": _snapshots,
    "prompt": _prompt,
    "wait": _prompt,
}


def _ready(wrap: Callable[[bytes], bytes], arguments: dict[str, Any]) -> list[bytes]:
    """The events of an answer as bytes, made at the first request, in pieces that can be written quickly."""
    measures = tuple(arguments[name] for name in ("count", "longest", "words") if name in arguments)
    return _made(wrap, arguments["work"], measures)


@cache
def _made(wrap: Callable[[bytes], bytes], work: str, measures: tuple[Any, ...]) -> list[bytes]:
    whole = b"".join(map(wrap, _EVENTS[work](*measures)))
    return [whole[start : start + PIECE] for start in range(0, len(whole), PIECE)]


@contextmanager
def running(certificate: Path | None = None) -> Iterator[Ports]:
    """The server, in a process of its own. With a certificate it uses TLS on both ports."""
    with in_process(_main, certificate) as ports:
        yield ports


def _main(pipe: "Pipe[Any, Any]", certificate: Path | None) -> None:
    asyncio.run(_run(pipe, certificate))


async def _run(pipe: "Pipe[Any, Any]", certificate: Path | None) -> None:
    tls = server_context(certificate) if certificate else None
    websocket = await serve(_talk, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None, ssl=tls)
    http = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=tls)
    pipe.send(Ports(*(server.sockets[0].getsockname()[1] for server in (websocket, http))))
    await asyncio.get_running_loop().create_future()


async def _talk(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):  # a bare socket sends no closing handshake
        number = 0
        async for message in connection:
            arguments = json.loads(message)
            number += 1
            request = {"request_id": f"r{number}", "status": 200}
            kind = "audio/mpeg" if arguments["work"] == "bytes" else "text/event-stream"
            connection.transport.write(_text({"type": "start", "headers": {"content-type": kind}, **request}))
            async for piece in _pieces(arguments):
                connection.transport.write(piece)
                await connection.drain()
            connection.transport.write(_text({"type": "end", **request}))


async def _pieces(arguments: dict[str, Any]) -> AsyncIterator[bytes]:
    match arguments["work"]:
        case "bytes":
            piece = _frame(bytes(FRAME)) * (PIECE // FRAME)
            for _ in range(arguments["size"] // PIECE):
                yield piece
        case "times":
            for _ in range(arguments["count"]):
                await asyncio.sleep(arguments["pause"])
                yield _frame(_event({"choices": [{"delta": {"content": f"{time.monotonic_ns()} "}}]}))
        case _:
            await asyncio.sleep(arguments.get("seconds", 0))
            for piece in _ready(_frame, arguments):
                yield piece


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await _head(reader):
        length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        arguments = json.loads(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in _ready(_chunk, arguments):
            writer.write(piece)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _frame(data: bytes) -> bytes:
    return bytes(Frame(Opcode.BINARY, data).serialize(mask=False))


def _text(metadata: dict[str, Any]) -> bytes:
    return bytes(Frame(Opcode.TEXT, json.dumps(metadata).encode()).serialize(mask=False))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
