"""An app that works on rows, in all ways that matter to a run, and keeps a bill of what it worked on."""

import asyncio
import base64
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

ENDPOINT = "rows/work"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Asked:
    """What a gateway was asked for.

    Attributes:
        url: the gateway's address.
        bill: how often each prompt was worked on.
        most: the most requests that were at work at once.
        fails: the status with which a prompt fails.
        chance: decides what happens to ``shaky`` requests.
    """

    def __init__(self) -> None:
        self.url = ""
        self.bill: Counter[str] = Counter()
        self.most = self.at_work = 0
        self.fails: dict[str, int] = {}
        self.chance: random.Random | None = None
        self._free = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin_anew(self) -> None:
        self.bill, self.most, self.fails = Counter(), 0, {}
        self._free = asyncio.Event()

    def let_go(self) -> None:
        if self._loop is None:
            self._free.set()
        else:
            self._loop.call_soon_threadsafe(self._free.set)

    async def work(self, request: Request) -> Response:
        """Answer with the prompt in capitals.

        Argument ``status``: with that status, and ``why``; ``cut``: the connection breaks in mid-answer; ``hold``: not
        before `let_go`; ``pause``: so many seconds later; ``picture``: with a picture; ``cost``: with another price.
        ``shaky``: some are late, and some break.
        """
        self._loop = asyncio.get_running_loop()
        arguments: dict[str, Any] = await request.json()
        prompt = str(arguments.get("prompt"))
        self.bill[prompt] += 1
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        luck = self.chance.random() if self.chance and arguments.get("shaky") else 1.0
        try:
            await asyncio.sleep(arguments.get("pause", 0.3 if luck < 0.01 else 0.01 if luck < 1 else 0))
            if arguments.get("hold"):
                await self._free.wait()
        finally:
            self.at_work -= 1
        status = self.fails.get(prompt, arguments.get("status"))
        if status:
            return JSONResponse({"detail": arguments.get("why", "not so")}, status)
        if arguments.get("cut") or 0.01 <= luck < 0.013:
            return StreamingResponse(_broken(), media_type="application/json")
        if arguments.get("picture"):
            return Response(PNG, media_type="image/png")
        return JSONResponse({"output": prompt.upper(), "usage": {"cost": arguments.get("cost", 0.001)}})


async def _broken() -> AsyncIterator[bytes]:
    yield b'{"output": "half an ans'
    raise OSError("the machine is gone")


async def _schema(_: Request) -> Response:
    shape = {"type": "object", "properties": {"prompt": {"type": "string"}, "size": {"type": "integer"}}}
    body = {"content": {"application/json": {"schema": shape}}}
    operation = {"requestBody": body, "responses": {"200": {"description": "an answer"}}}
    return JSONResponse({"openapi": "3.1.0", "paths": {f"/{ENDPOINT}": {"post": operation}}})


@contextmanager
def serving(**gateway: Any) -> Iterator[Asked]:
    asked = Asked()
    routes = [Route(f"/{ENDPOINT}", asked.work, methods=["POST"]), Route("/openapi.json", _schema)]
    app = Starlette(routes=routes)
    with LocalServer(HTTPOverWebSocket(app, **gateway)) as server:
        asked.url = server.url
        yield asked
