"""A gateway that fails on purpose at one place of an exchange, once or lastingly, and works correctly otherwise.

It is written with bare websockets and shares no code with the package, so that the two cannot make the same mistake.
``python -m tests.faults`` writes the table of the expected outcomes into FAULTS.md.
"""

import asyncio
import json
import logging
import re
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

DOCUMENT = Path(__file__).with_name("FAULTS.md")
MAX_BODY = 100_000
"""The most bytes that an answer may have in the tests."""


class Place(StrEnum):
    """Where in an exchange the fault happens."""

    ACCEPT = "before the handshake"
    HANDSHAKE = "in the handshake"
    SENT = "after the arguments"
    STARTED = "after the start"
    EVENT = "inside an event"
    CHARACTER = "inside a character"
    WHOLE = "before the end"
    END = "in the end itself"
    ENDED = "after the end"
    IDLE = "while idle"


class Fault(StrEnum):
    """What goes wrong."""

    CUT = "the socket is cut"
    CLOSE = "a clean close"
    GOING_AWAY = "going away (1001)"
    STALL = "silence"
    DEAF = "silence, no ping is answered"
    PINGLESS = "no ping is answered, but words come"
    GARBAGE = "an invalid frame"
    NOT_UTF8 = "text that is not UTF-8"
    OVERSIZED = "more than `max_body`"
    ENDLESS = "an answer without end"
    FRAGMENTS = "a message without end"
    DRIP = "single bytes without end"
    ERROR = '`{"type":"error"}`'
    NO_START = "an end before the start"
    LOOKALIKE = "other requests' metadata in the body"
    BAD_END = "status 500 in the end message"
    OTHER_ID = "another request's id in the end message"
    LOST_ID = "no id in the end message"
    DIGITS = "a number as id, a string in the end message"
    NUMBER = "a number as id in both messages"
    NO_ID = "no id in either message"
    UNASKED = "an answer that nobody asked for"
    PLAIN_PORT = "no TLS where TLS is expected"
    UNTRUSTED = "a certificate that is not trusted"
    OTHER_HOST = "a certificate of another host"
    S401 = "status 401"
    S403 = "status 403"
    S404 = "status 404"
    S422 = "status 422"
    S429 = "status 429"
    S502 = "status 502"
    S503 = "status 503"
    S504 = "status 504"


OPENING = (Place.ACCEPT, Place.HANDSHAKE)
DURING = (Place.SENT, Place.STARTED, Place.EVENT, Place.CHARACTER, Place.WHOLE)
AFTER = (Place.ENDED, Place.IDLE)
_LOST = dict.fromkeys(DURING, "ConnectionLost")
_ENDLESS = DURING[1:]
_RENEWED = dict.fromkeys(AFTER, "answered")
_RETRIED = dict.fromkeys(OPENING, "answered")
ANSWERED = "answered"

OUTCOMES: dict[Fault, dict[Place, str]] = {
    Fault.CUT: {**_RETRIED, **_LOST, **_RENEWED},
    Fault.CLOSE: {**_RETRIED, **_LOST, **_RENEWED},
    Fault.GOING_AWAY: {**_LOST, **_RENEWED},
    Fault.STALL: dict.fromkeys((*OPENING, *DURING), "RequestTimeout"),
    Fault.DEAF: {**_LOST, Place.IDLE: ANSWERED},
    Fault.PINGLESS: dict.fromkeys((Place.STARTED, Place.WHOLE), ANSWERED),
    Fault.GARBAGE: {**_RETRIED, **_LOST, **_RENEWED},
    Fault.NOT_UTF8: {**_LOST, **_RENEWED},
    Fault.OVERSIZED: {**dict.fromkeys(DURING, "ResponseTooLarge"), **_RENEWED},
    Fault.ENDLESS: dict.fromkeys(_ENDLESS, "ResponseTooLarge"),
    Fault.FRAGMENTS: dict.fromkeys(DURING, "ResponseTooLarge"),
    Fault.DRIP: dict.fromkeys(_ENDLESS, "RequestTimeout"),
    Fault.ERROR: {**dict.fromkeys(DURING, "ModelError"), **_RENEWED},
    Fault.NO_START: {Place.SENT: "ProtocolViolation"},
    Fault.LOOKALIKE: dict.fromkeys((Place.STARTED, Place.WHOLE), ANSWERED),
    Fault.BAD_END: {Place.END: "ServerError"},
    Fault.OTHER_ID: {Place.END: "RequestTimeout"},
    Fault.LOST_ID: {Place.END: "RequestTimeout"},
    Fault.DIGITS: {Place.END: "RequestTimeout"},
    Fault.NUMBER: {Place.END: ANSWERED},
    Fault.NO_ID: {Place.END: ANSWERED},
    Fault.UNASKED: {**_RENEWED},
    Fault.PLAIN_PORT: {Place.HANDSHAKE: "ConnectError"},
    Fault.UNTRUSTED: {Place.HANDSHAKE: "ConnectError"},
    Fault.OTHER_HOST: {Place.HANDSHAKE: "ConnectError"},
    Fault.S401: {Place.HANDSHAKE: "AuthenticationError"},
    Fault.S403: {Place.HANDSHAKE: "AccessDenied"},
    Fault.S404: {Place.HANDSHAKE: "NotFound"},
    Fault.S422: {Place.HANDSHAKE: "ValidationFailed"},
    Fault.S429: {Place.HANDSHAKE: "RateLimited"},
    Fault.S502: {Place.HANDSHAKE: ANSWERED},
    Fault.S503: {Place.HANDSHAKE: ANSWERED},
    Fault.S504: {Place.HANDSHAKE: ANSWERED},
}
"""The outcome of a request at which the fault happens once. The request after it is always answered."""

LASTING: dict[Fault, str] = {
    fault: outcomes[Place.HANDSHAKE] for fault, outcomes in OUTCOMES.items() if Place.HANDSHAKE in outcomes
} | {
    **dict.fromkeys((Fault.CUT, Fault.CLOSE, Fault.GARBAGE), "ConnectError"),
    **dict.fromkeys((Fault.S502, Fault.S503, Fault.S504), "ServerError"),
}
"""The outcome of a request whose every handshake fails with the fault."""

CERTIFICATES = (Fault.UNTRUSTED, Fault.OTHER_HOST)
"""The faults of a certificate. The gateway is given a certificate for each."""


class FaultyGateway:
    """Answers each prompt with its own `words`, except in exchanges in which it fails.

    Args:
        place: where it fails first.
        fault: how it fails there.
        lasting: whether it fails there until `mend`, and not just once.
        tls: the certificate to serve with.
        certificates: the certificates to fail with.
        logger: the logger for websockets.
        asks_for_key: whether handshakes without a key are refused before anything else; they are not counted.

    Attributes:
        received: the prompts, in the order in which they came.
        authorizations: the ``Authorization`` header of each handshake.
        accepted: the number of connections so far, including those without a handshake.
        handshakes: the number of handshakes so far.
        open: the connections that are open now.
    """

    def __init__(
        self,
        place: Place | None = None,
        fault: Fault | None = None,
        *,
        lasting: bool = False,
        compressed: bool = False,
        tls: ssl.SSLContext | None = None,
        certificates: Mapping[Fault, ssl.SSLContext] | None = None,
        logger: logging.Logger | None = None,
        asks_for_key: bool = False,
    ) -> None:
        self._asks_for_key = asks_for_key
        self._place, self._fault, self._lasting = place, fault, lasting
        self._compression = "deflate" if compressed else None
        self._tls, self._certificates, self._logger = tls, certificates or {}, logger
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._numbers = 0
        self.received: list[str] = []
        self.authorizations: list[str | None] = []
        self.accepted = 0
        self.handshakes = 0
        self.open: set[ServerConnection] = set()
        if tls:
            tls.sni_callback = self._show_certificate

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
        """Fail once more, at this place and with this fault."""
        self._place, self._fault = place, fault

    def mend(self) -> None:
        """Stop failing."""
        self._fault = None

    def fail_while_idle(self) -> None:
        """Fail now, on the open connection."""
        (connection,) = self.open
        self._run(self._fail(Place.IDLE, connection, None))

    def fall_silent(self) -> None:
        """Read nothing more from the open connections."""
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
            ping_interval=None,
            ssl=self._tls,
            logger=self._logger,
            create_connection=self._visitors(),
            compression=self._compression,
        )

    async def _stop(self) -> None:
        self._server.close()
        for connection in self.open:
            connection.transport.abort()
        await self._server.wait_closed()

    def _due(self, place: Place, among: Collection[Fault] = Fault) -> Fault | None:
        """The fault that is to happen at this place now, if any. A fault that does not last is used up by this."""
        fault = self._fault
        if fault is None or place is not self._place or fault not in among or fault is Fault.PLAIN_PORT:
            return None
        if not self._lasting:
            self._fault = None
        return fault

    def _visitors(self) -> type[ServerConnection]:
        gateway = self

        class Visitor(ServerConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                gateway._accept(self)

        return Visitor

    def _accept(self, connection: ServerConnection) -> None:
        self.accepted += not self._tls
        fault = self._due(Place.ACCEPT)
        if fault is Fault.STALL:
            connection.transport.pause_reading()
            self._loop.call_later(1, connection.transport.abort)
        elif fault:
            _break_off(connection, fault)

    def _show_certificate(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str, _own: ssl.SSLContext) -> None:
        self.accepted += 1
        if fault := self._due(Place.HANDSHAKE, CERTIFICATES):
            connection.context = self._certificates[fault]

    async def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        if self._asks_for_key and "Authorization" not in request.headers:
            return connection.respond(HTTPStatus.UNAUTHORIZED, json.dumps({"detail": "which key?"}))
        self.handshakes += 1
        self.authorizations.append(request.headers.get("Authorization"))
        fault = self._due(Place.HANDSHAKE)
        if fault is None:
            return None
        if fault.value.startswith("status"):
            return connection.respond(HTTPStatus(int(fault.value[-3:])), json.dumps({"detail": "not now"}))
        if fault is Fault.STALL:
            await connection.wait_closed()
        _break_off(connection, fault)
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
        odd = self._due(Place.END, _IDS)
        ids = _IDS[odd] if odd else ({"request_id": request}, {"request_id": request})
        status = 500 if self._due(Place.END) else 200
        first, second = _event(f"“{prompt}”"), _event(f"“{prompt}” is an échange")
        accent = second.index("é".encode()) + 1
        steps: list[tuple[Place, str | bytes]] = [
            (Place.SENT, _start(ids[0])),
            (Place.STARTED, first + second[:9]),
            (Place.EVENT, second[9:accent]),
            (Place.CHARACTER, second[accent:]),
            (Place.WHOLE, _end(ids[1], status)),
        ]
        for place, message in steps:
            await self._fail(place, connection, request)
            await connection.send(message)
        await self._fail(Place.ENDED, connection, request)

    async def _fail(self, place: Place, connection: ServerConnection, request: str | None) -> None:
        if fault := self._due(place):
            await _FAULTS[fault](connection, request)


def words(prompt: str, place: Place | None = None) -> str:
    """The gateway's answer to a prompt: all of it, or what has been sent by the time of a fault at ``place``."""
    if place in (*OPENING, Place.SENT, Place.STARTED):
        return ""
    return f"“{prompt}”" if place in (Place.EVENT, Place.CHARACTER) else f"“{prompt}” is an échange"


def _event(output: str) -> bytes:
    return f"data: {json.dumps({'output': output, 'partial': True}, ensure_ascii=False)}\n\n".encode()


def _start(identity: Mapping[str, Any]) -> str:
    headers = {"content-type": "text/event-stream"}
    return json.dumps({"type": "start", **identity, "status": 200, "headers": headers})


def _end(identity: Mapping[str, Any], status: int = 200) -> str:
    return json.dumps({"type": "end", **identity, "status": status, "time_to_first_byte_seconds": 0.1})


_Identity = Mapping[str, Any]
_IDS: dict[Fault, tuple[_Identity, _Identity]] = {
    Fault.OTHER_ID: ({"request_id": "this"}, {"request_id": "another"}),
    Fault.LOST_ID: ({"request_id": "this"}, {}),
    Fault.DIGITS: ({"request_id": 7}, {"request_id": "7"}),
    Fault.NUMBER: ({"request_id": 7}, {"request_id": 7}),
    Fault.NO_ID: ({}, {}),
}
"""How the start and the end metadata name the request."""


def _break_off(connection: ServerConnection, fault: Fault) -> None:
    if fault is Fault.GARBAGE:
        connection.transport.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    if fault is Fault.CUT:
        connection.transport.abort()
    else:
        connection.transport.close()


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
    stale = {"request_id": "stale"}
    for message in (_start(stale), _event("an answer of before"), _end(stale)):
        await connection.send(message)


async def _deaf(connection: ServerConnection, request: str | None) -> None:
    connection.transport.pause_reading()
    if request:
        await connection.wait_closed()


async def _pingless(connection: ServerConnection, request: str | None) -> None:
    connection.transport.pause_reading()
    for _ in range(20):
        await connection.send(": still at work\n\n")
        await asyncio.sleep(0.05)
    connection.transport.resume_reading()


async def _endless(connection: ServerConnection, request: str | None) -> None:
    while True:
        await connection.send(b"x" * 1000)


async def _fragments(connection: ServerConnection, request: str | None) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0)

    await connection.send(pieces())


async def _drip(connection: ServerConnection, request: str | None) -> None:
    while True:
        await connection.send(b"x")
        await asyncio.wait({asyncio.ensure_future(connection.wait_closed())}, timeout=0.01)


async def _no_start(connection: ServerConnection, request: str | None) -> None:
    await connection.send(_end({"request_id": request}))


async def _lookalike(connection: ServerConnection, request: str | None) -> None:
    """Send text that looks like protocol metadata, as lines without a meaning in the event stream."""
    other = {"request_id": "another"}
    error = json.dumps({"type": "error", **other, "error": "of another"})
    for message in (_start(other), _end(other, 500), _end({}), _end({"request_id": 1}), error):
        await connection.send(f"{message}\n\n")


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
    Fault.DEAF: _deaf,
    Fault.PINGLESS: _pingless,
    Fault.ENDLESS: _endless,
    Fault.FRAGMENTS: _fragments,
    Fault.DRIP: _drip,
    Fault.NO_START: _no_start,
    Fault.LOOKALIKE: _lookalike,
}


_COLUMNS: dict[str, Collection[Place]] = {
    "in one handshake": OPENING,
    "during the answer": DURING,
    "in the end message": (Place.END,),
    "while idle afterwards": AFTER,
}


def table() -> str:
    """The outcomes as FAULTS.md shows them: a row for each fault, with places of the same outcome in one column."""
    names = ["what the gateway or the network does", "in every handshake", *_COLUMNS, "a request that waits meanwhile"]
    rows: list[list[str]] = []
    for fault, outcomes in OUTCOMES.items():
        cells = [{outcomes[place] for place in places if place in outcomes} for places in _COLUMNS.values()]
        queued = {ANSWERED} if set(outcomes) - set(AFTER) else set()
        lasting = {LASTING[fault]} if fault in LASTING else set()
        rows.append([fault.value, *map(_cell, [lasting, *cells, queued])])
    head = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def _cell(outcomes: Collection[str]) -> str:
    return ", ".join(f"`{each}`" if each[:1].isupper() else each for each in sorted(outcomes))


def write_table() -> None:
    """Replace the table in FAULTS.md."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition("| what the gateway")
    after = re.sub(r"\A.*?\n(?!\|)", "", rest, flags=re.DOTALL)
    DOCUMENT.write_text(f"{before}{table()}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    write_table()
