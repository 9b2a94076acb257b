"""The server of the measures of many requests: it works on rows by sleeping, and refuses more than a limit at once.

It measures how well the limit is used: the mean number of rows at work from the first tenth of the rows to the last,
divided by the limit. So it leaves out the beginning, in which the limit is being found, and the end.
"""

import asyncio
import json
import time
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

_BUSY = json.dumps({"detail": "too many at once"})


class Work:
    """The rows that the server works on."""

    def __init__(self) -> None:
        self.begin(1, 1)

    def begin(self, limit: int, rows: int) -> None:
        """Begin to measure anew."""
        self.limit, self.rows = limit, rows
        self.at_work = self.done = self.refused = 0
        self._area, self._changed, self._began, self._seconds = 0.0, 0.0, 0.0, 0.0

    async def answer(self, arguments: dict[str, Any]) -> tuple[int, str]:
        """Work on a row; return the status and the body of the answer."""
        if self.at_work >= self.limit:
            self.refused += 1
            return 429, _BUSY
        self._count(1)
        await asyncio.sleep(arguments["seconds"])
        self._count(-1)
        self.done += 1
        return 200, json.dumps({"output": arguments["prompt"], "usage": {"cost": 0.001}})

    def found(self) -> dict[str, Any]:
        """What was measured."""
        share = self._area / self._seconds / self.limit if self._seconds else 0.0
        return {"share": share, "done": self.done, "refused": self.refused}

    def _count(self, change: int) -> None:
        now = time.monotonic()
        if self.rows / 10 <= self.done <= self.rows * 9 / 10:
            self._began = self._began or now
            if self._changed >= self._began:
                self._area += self.at_work * (now - self._changed)
                self._seconds = now - self._began
            self._changed = now
        self.at_work += change


def main(pipe: "Pipe[Any, Any]") -> None:
    """Serve, in a process of its own, until the process is ended; the ports of both protocols go into the pipe."""
    asyncio.run(_serve(pipe))


async def _serve(pipe: "Pipe[Any, Any]") -> None:
    work = Work()

    async def talk(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            number = 0
            async for message in connection:
                number += 1
                status, body = await work.answer(json.loads(message))
                told = {"request_id": f"r{number}", "status": status}
                await connection.send(
                    json.dumps({"type": "start", "headers": {"content-type": "application/json"}, **told})
                )
                await connection.send(body)
                await connection.send(json.dumps({"type": "end", **told}))

    async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.lower().splitlines()
                length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
                arguments = json.loads(await reader.readexactly(length))
                if "begin" in arguments:
                    work.begin(*arguments["begin"])
                    status, body = 200, "{}"
                elif "end" in arguments:
                    status, body = 200, json.dumps(work.found())
                else:
                    status, body = await work.answer(arguments)
                kind = "content-type: application/json"
                writer.write(f"HTTP/1.1 {status} x\r\n{kind}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        writer.close()

    sockets = await serve(talk, "127.0.0.1", 0, compression=None)
    plain = await asyncio.start_server(post, "127.0.0.1", 0)
    pipe.send([next(iter(each.sockets)).getsockname()[1] for each in (sockets, plain)])
    await asyncio.get_running_loop().create_future()
