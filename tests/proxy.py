"""A TCP proxy, without knowledge of WebSockets, that can delay, split or corrupt data, fall silent, or hang up."""

import asyncio
import socket
import threading
from types import TracebackType
from typing import Any, Self


class Proxy:
    """Forwards connections to a port of this machine, from a free port of its own.

    Attributes:
        delay: seconds before each piece is forwarded.
        piece: the most bytes of a piece.
        corrupt: whether the server's bytes are changed.
        refusing: the number of connections that are closed at once before one is forwarded.
        is_stuck: whether nothing is read from the client.
        accepted: the number of connections so far.
        carried: the number of the client's bytes that were forwarded.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self.delay = 0.0
        self.piece = 65_536
        self.corrupt = False
        self.refusing = 0
        self.is_stuck = False
        self.accepted = 0
        self.carried = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server: asyncio.Server = self._run(self._serve())
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def fall_silent(self) -> None:
        """Discard everything that arrives on the open connections from now on."""
        self._silent |= self._writers

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self) -> asyncio.Server:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)  # so that unread data piles up at the client
        return await asyncio.start_server(self._connection, sock=listening)

    async def _stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refusing:
            self.refusing -= 1
            await reader.read(1)
            writer.transport.abort()
            return
        onward, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, back}
        await asyncio.gather(self._carry(reader, back), self._carry(onward, writer, answers=True))

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        try:
            while data := await reader.read(self.piece):
                await asyncio.sleep(self.delay)
                while self.is_stuck and not answers:  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(0.01)
                self.carried += 0 if answers else len(data)
                if writer not in self._silent:
                    writer.write(_changed(data) if self.corrupt and answers else data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)


class Tunnel(Proxy):
    """An HTTP proxy that answers the first requests with these bytes, sent whole, and forwards those after them."""

    def __init__(self, port: int, *answers: bytes) -> None:
        super().__init__(port)
        self._answers = answers
        self.requests: list[bytes] = []

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        if len(self.requests) <= len(self._answers):
            writer.write(self._answers[len(self.requests) - 1])
            writer.close()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await super()._connection(reader, writer)


def _changed(data: bytes) -> bytes:
    return bytes(byte ^ 0x5A for byte in data)
