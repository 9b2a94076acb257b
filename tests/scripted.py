"""A WebSocket server that follows a script, for behaviour that no HTTP application behind a gateway can show."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

Script = Callable[[ServerConnection], Awaitable[None]]
Handshake = Callable[[ServerConnection, Request], Response | None]


class ScriptedServer:
    """Runs ``script`` for every connection, on a thread of its own and a free port."""

    def __init__(self, script: Script, handshake: Handshake | None = None, **options: Any) -> None:
        self._script, self._handshake, self._options = script, handshake, options
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.connections = 0
        self.messages: list[str | bytes] = []
        self.handshakes: list[Request] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._server: Server = self._run(self._serve())
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self) -> Server:
        return await serve(
            self._connection,
            "127.0.0.1",
            0,
            process_request=self._request,
            **{"max_size": None, "close_timeout": 1, **self._options},
        )

    async def _stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(request)
        return self._handshake(connection, request) if self._handshake else None

    async def _connection(self, connection: ServerConnection) -> None:
        self.connections += 1
        await self._script(connection)


def asks_for_key(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse a handshake that has no key."""
    if "Authorization" in request.headers:
        return None
    return connection.respond(HTTPStatus.UNAUTHORIZED, json.dumps({"detail": "which key?"}))


_number: ContextVar[int] = ContextVar("number", default=0)


def start(request_id: Any = None, status: int = 200, content_type: str = "application/json") -> str:
    """The start metadata. By default the first answer of a connection has the id ``r1``, the second ``r2``."""
    if request_id is None:
        _number.set(_number.get() + 1)
        request_id = f"r{_number.get()}"
    headers = {"Content-Type": content_type}
    return json.dumps({"type": "start", "request_id": request_id, "status": status, "headers": headers})


def end(request_id: Any = None, status: int = 200) -> str:
    """The end metadata. By default it has the id of the start before it."""
    request_id = f"r{max(1, _number.get())}" if request_id is None else request_id
    return json.dumps({"type": "end", "request_id": request_id, "status": status, "time_to_first_byte_seconds": 0.25})


@contextmanager
def first_words(are_shown: Callable[[], bool]) -> Iterator[tuple[str, list[bool]]]:
    """A server that waits after its first word until ``are_shown``; gives its address, and whether that came about."""
    in_time: list[bool] = []

    async def script(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(content_type="text/plain"))
            await asyncio.sleep(0.1)
            await connection.send("one")
            for _ in range(1000):
                if are_shown():
                    break
                await asyncio.sleep(0.01)
            in_time.append(are_shown())
            await connection.send(end())

    with ScriptedServer(script) as server:
        yield server.url, in_time
