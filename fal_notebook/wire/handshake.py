"""A connection opened, and tried again where that can help.

A handshake carries no arguments: one that failed was certainly no request, so it may be repeated. It is, twice at
the most and with growing pauses, where the network or a server on the way failed. What was refused is not: a key
that is wrong, a name that does not exist or a certificate that is not trusted stays so, and 429 asks for patience.

A gateway on this machine gets the key only when it asks for one, by refusing a handshake without it: most need none,
and whatever listens there could keep it.
"""

import asyncio
import random
from dataclasses import replace

from ..errors import AuthenticationError, ConnectError, FalNotebookError, StatusError
from .connection import Connection
from .target import Target
from .upgrade import PASSING, closed_at_once, open_websocket

_PAUSES = (0.2, 0.5)  # seconds before the second and the third try
_SPREAD = (0.75, 1.25)  # clients that lost one server together do not come back together


async def open_connection(target: Target, *, max_body: int, open_timeout: float, is_asked: bool = False) -> Connection:
    """Open a connection, in three tries at the most. Cancelling is safe and ends a pause at once.

    Args:
        target: where to.
        is_asked: whether a gateway on this machine has asked for a key before.
        max_body: the most bytes that a response may have, and so a message.
        open_timeout: seconds for all tries together.

    Raises:
        StatusError: the server refused the handshake with an HTTP status.
        ConnectError: no connection came about.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + open_timeout

    async def open_with(shown: Target) -> Connection:
        websocket = await open_websocket(shown, max_size=max_body, open_timeout=deadline - clock())
        if not websocket.is_open:  # a server that is full may close it at once
            raise await closed_at_once(websocket, target)
        return Connection(target, websocket, max_body)

    async def attempt() -> Connection:
        if is_asked or not target.is_local or target.authorization is None:
            return await open_with(target)
        try:
            return await open_with(replace(target, authorization=None))
        except AuthenticationError:
            return await open_with(target)

    for pause in _PAUSES:
        try:
            return await attempt()
        except FalNotebookError as exc:
            seconds = pause * random.uniform(*_SPREAD)  # noqa: S311 - a pause, no secret
            if not _may_pass(exc) or clock() + seconds >= deadline:
                raise
        await asyncio.sleep(seconds)
    return await attempt()


def _may_pass(error: FalNotebookError) -> bool:
    if isinstance(error, StatusError):
        return error.status in PASSING
    return isinstance(error, ConnectError) and error.may_pass
