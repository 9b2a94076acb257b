"""A gateway that fails on purpose, once, at one place of an exchange, and behaves before and after.

It stands on bare websockets and shares no code with the package, so that the two cannot agree on a mistake.
``python -m tests.faults`` writes the table of what has to happen into the README.
"""

import asyncio
import json
import logging
import re
import ssl
import threading
from collections.abc import Awaitable, Callable
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

README = Path(__file__).parents[1] / "README.md"
MAX_BODY = 100_000
"""The most bytes that the tests let an answer have."""


class Place(StrEnum):
    """Where in an exchange the fault happens."""

    HANDSHAKE = "in the handshake"
    SENT = "after the arguments"
    STARTED = "after the start"
    EVENT = "inside an event"
    CHARACTER = "inside a character"
    WHOLE = "before the end"
    ENDED = "after the end"
    IDLE = "while idle"


class Fault(StrEnum):
    """What goes wrong."""

    CUT = "the socket is cut"
    CLOSE = "a clean close"
    GOING_AWAY = "going away (1001)"
    STALL = "silence"
    GARBAGE = "a frame that is none"
    NOT_UTF8 = "text that is not UTF-8"
    OVERSIZED = "more than `max_body`"
    ERROR = '`{"type":"error"}`'
    UNASKED = "another answer, unasked"
    PLAIN_PORT = "no TLS where TLS is due"
    S401 = "status 401"
    S403 = "status 403"
    S404 = "status 404"
    S429 = "status 429"
    S503 = "status 503"


DURING = (Place.SENT, Place.STARTED, Place.EVENT, Place.CHARACTER, Place.WHOLE)
_LOST = dict.fromkeys(DURING, "ConnectionLost")
_RENEWED = dict.fromkeys((Place.ENDED, Place.IDLE), "answered")
_REFUSED = "ConnectError"

OUTCOMES: dict[Fault, dict[Place, str]] = {
    Fault.CUT: {Place.HANDSHAKE: _REFUSED, **_LOST, **_RENEWED},
    Fault.CLOSE: {Place.HANDSHAKE: _REFUSED, **_LOST, **_RENEWED},
    Fault.GOING_AWAY: {**_LOST, **_RENEWED},
    Fault.STALL: dict.fromkeys((Place.HANDSHAKE, *DURING), "RequestTimeout"),
    Fault.GARBAGE: {Place.HANDSHAKE: _REFUSED, **_LOST, **_RENEWED},
    Fault.NOT_UTF8: {**_LOST, **_RENEWED},
    Fault.OVERSIZED: {**dict.fromkeys(DURING, "ResponseTooLarge"), **_RENEWED},
    Fault.ERROR: {**dict.fromkeys(DURING, "ModelError"), **_RENEWED},
    Fault.UNASKED: {**_RENEWED},
    Fault.PLAIN_PORT: {Place.HANDSHAKE: _REFUSED},
    Fault.S401: {Place.HANDSHAKE: "AuthenticationError"},
    Fault.S403: {Place.HANDSHAKE: "AccessDenied"},
    Fault.S404: {Place.HANDSHAKE: "NotFound"},
    Fault.S429: {Place.HANDSHAKE: "RateLimited"},
    Fault.S503: {Place.HANDSHAKE: "ServerError"},
}
"""What becomes of the request that meets the fault; the one after it is always answered."""


class FaultyGateway:
    """Answers each prompt with words of its own, but for the one exchange in which it fails.

    Attributes:
        received: the prompts, in the order in which they came.
        authorizations: the ``Authorization`` of each handshake.
        handshakes: how many there were.
        open: the connections that are open now.
    """

    def __init__(
        self,
        place: Place | None = None,
        fault: Fault | None = None,
        tls: ssl.SSLContext | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        self._place, self._fault, self._tls, self._logger = place, fault, tls, logger
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._numbers = 0
        self.received: list[str] = []
        self.authorizations: list[str | None] = []
        self.handshakes = 0
        self.open: set[ServerConnection] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server: Server = self._run(self._serve())
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self.port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def arm(self, place: Place, fault: Fault) -> None:
        """Fail once more, there and so."""
        self._place, self._fault = place, fault

    def fail_while_idle(self) -> None:
        """Do it now, on the connection that is open."""
        (connection,) = self.open
        self._run(self._fail(Place.IDLE, connection, None))

    def fall_silent(self) -> None:
        """Read nothing any more from the connections that are open."""
        for connection in list(self.open):
            self._loop.call_soon_threadsafe(connection.transport.pause_reading)

    @property
    def has_failed(self) -> bool:
        """Whether the fault has happened."""
        return self._fault is None

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self) -> Server:
        return await serve(
            self._connection,
            "127.0.0.1",
            0,
            process_request=self._handshake,
            max_size=None,
            close_timeout=0.2,
            ssl=self._tls,
            logger=self._logger,
        )

    async def _stop(self) -> None:
        self._server.close()
        for connection in self.open:
            connection.transport.abort()
        await self._server.wait_closed()

    async def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes += 1
        self.authorizations.append(request.headers.get("Authorization"))
        if self._place is not Place.HANDSHAKE or self._fault in (None, Fault.PLAIN_PORT):
            return None
        fault, self._fault = self._fault, None
        assert fault is not None
        if fault.value.startswith("status"):
            return connection.respond(HTTPStatus(int(fault.value[-3:])), json.dumps({"detail": "not now"}))
        if fault is Fault.GARBAGE:
            connection.transport.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        if fault is Fault.CLOSE:
            connection.transport.close()
        elif fault is Fault.STALL:
            await asyncio.sleep(0.6)
        connection.transport.abort()
        return None

    async def _connection(self, connection: ServerConnection) -> None:
        self.open.add(connection)
        try:
            async for message in connection:
                prompt = json.loads(message)["prompt"]
                self.received.append(prompt)
                await self._answer(connection, prompt)
        except ConnectionClosed:
            pass
        finally:
            self.open.discard(connection)

    async def _answer(self, connection: ServerConnection, prompt: str) -> None:
        self._numbers += 1
        request = f"request-{self._numbers}"
        first, second = _event(f"“{prompt}”"), _event(f"“{prompt}” is an échange")
        half, accent = len(second) // 2, second.index("é".encode()) + 1
        steps: list[tuple[Place, str | bytes]] = [
            (Place.SENT, _start(request)),
            (Place.STARTED, first + second[:9]),
            (Place.EVENT, second[9:accent] if half else b""),
            (Place.CHARACTER, second[accent:]),
            (Place.WHOLE, _end(request)),
        ]
        for place, message in steps:
            await self._fail(place, connection, request)
            await connection.send(message)
        await self._fail(Place.ENDED, connection, request)

    async def _fail(self, place: Place, connection: ServerConnection, request: str | None) -> None:
        if place is not self._place or self._fault is None:
            return
        fault, self._fault = self._fault, None
        await _FAULTS[fault](connection, request)


def words(prompt: str, place: Place | None = None) -> str:
    """What the gateway says to a prompt: by the time of the fault, or in all."""
    if place in (Place.HANDSHAKE, Place.SENT, Place.STARTED):
        return ""
    return f"“{prompt}”" if place in (Place.EVENT, Place.CHARACTER) else f"“{prompt}” is an échange"


def _event(output: str) -> bytes:
    return f"data: {json.dumps({'output': output, 'partial': True}, ensure_ascii=False)}\n\n".encode()


def _start(request: str) -> str:
    headers = {"content-type": "text/event-stream"}
    return json.dumps({"type": "start", "request_id": request, "status": 200, "headers": headers})


def _end(request: str) -> str:
    return json.dumps({"type": "end", "request_id": request, "status": 200, "time_to_first_byte_seconds": 0.1})


async def _cut(connection: ServerConnection, request: str | None) -> None:
    connection.transport.abort()
    await connection.wait_closed()


async def _close(connection: ServerConnection, request: str | None) -> None:
    await connection.close()


async def _go_away(connection: ServerConnection, request: str | None) -> None:
    await connection.close(1001, "restarting")


async def _stall(connection: ServerConnection, request: str | None) -> None:
    await connection.wait_closed()


async def _garbage(connection: ServerConnection, request: str | None) -> None:
    connection.transport.write(b"\xf3\x7f garbage")


async def _not_utf8(connection: ServerConnection, request: str | None) -> None:
    connection.transport.write(b"\x81\x02\xff\xfe")


async def _oversized(connection: ServerConnection, request: str | None) -> None:
    await connection.send(bytes(MAX_BODY + 1))


async def _error(connection: ServerConnection, request: str | None) -> None:
    await connection.send(json.dumps({"type": "error", "request_id": request, "error": "out of memory"}))


async def _unasked(connection: ServerConnection, request: str | None) -> None:
    for message in (_start("stale"), _event("an answer of before"), _end("stale")):
        await connection.send(message)


_FAULTS: dict[Fault, Callable[[ServerConnection, str | None], Awaitable[None]]] = {
    Fault.CUT: _cut,
    Fault.CLOSE: _close,
    Fault.GOING_AWAY: _go_away,
    Fault.STALL: _stall,
    Fault.GARBAGE: _garbage,
    Fault.NOT_UTF8: _not_utf8,
    Fault.OVERSIZED: _oversized,
    Fault.ERROR: _error,
    Fault.UNASKED: _unasked,
}


def table() -> str:
    """The outcomes as the README shows them: a row for each fault, with the places that end alike together."""
    head = "| what the gateway or the network does | in the handshake | during the answer | after its end, while idle |"
    rows = [head, "|---|---|---|---|"]
    for fault, outcomes in OUTCOMES.items():
        during = {outcomes.get(place, "") for place in DURING}
        after = {outcomes.get(place, "") for place in (Place.ENDED, Place.IDLE)}
        cells = [outcomes.get(Place.HANDSHAKE, ""), *(each.pop() for each in (during, after))]
        rows.append(f"| {fault} | {' | '.join(f'`{cell}`' if cell[:1].isupper() else cell for cell in cells)} |")
    return "\n".join(rows)


def write_table() -> None:
    """Put the table into the README, in the place of the one there."""
    before, _, rest = README.read_text(encoding="utf-8").partition("| what the gateway")
    after = re.sub(r"\A.*?\n(?!\|)", "", rest, flags=re.DOTALL)
    README.write_text(f"{before}{table()}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    write_table()
