"""The servers of the measures of many requests: they work on rows by sleeping, as many at once as a limit allows.

One refuses what is more, over WebSockets and HTTP; the other is fal's queue, in which it waits.

They measure how well the limit is used: the mean number of rows at work from the first tenth of the rows to the last,
divided by the limit. So they leave out the beginning, in which the limit is being found, and the end.
"""

import asyncio
import json
import time
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.queue import LocalQueue, WithQueue
from fal_notebook.local.queue_settings import Working
from fal_notebook.local.server import LocalServer

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
        if "messages" in arguments:  # as litellm asks
            prompt, _, seconds = arguments["messages"][-1]["content"].rpartition(" for ")
            status, body = await self.answer({"prompt": prompt, "seconds": float(seconds)})
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": body}}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            told = {"id": "x", "object": "chat.completion", "created": 1, "model": "x", "usage": usage}
            return status, json.dumps({**told, "choices": [choice]})
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


def queue(pipe: "Pipe[Any, Any]", limit: int, rows: int) -> None:
    """Serve fal's queue in the same way. Its address goes into the pipe, and then, when asked, what was measured."""
    work = Work()
    work.begin(limit, rows)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        _, body = await work.answer(json.loads((await receive())["body"]))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    waiting = LocalQueue(app, None, working=Working(concurrency=limit))
    with LocalServer(WithQueue(HTTPOverWebSocket(app), waiting)) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send(work.found())


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
