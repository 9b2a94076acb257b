"""Opens a connection, and tries again where that can help.

A handshake carries no arguments, so that a failed one was certainly no request and may be repeated. It is repeated
twice at most, with growing pauses, where the network or a server in between failed. It is not repeated where it was
refused: a wrong key, an unknown name or an untrusted certificate does not change, and 429 asks for fewer tries.

A gateway on this machine gets the key only when it asks for one, by refusing a handshake without it. Most gateways need
no key, and any program that listens there could keep it.
"""

import asyncio
import random
from dataclasses import replace

from ..errors import AuthenticationError, ConnectError, FalNotebookError, StatusError
from .connection import Connection
from .target import Target
from .upgrade import TRANSIENT_STATUSES, closed_at_once, open_websocket

_PAUSES = (0.2, 0.5)  # seconds before the second and the third try
_SPREAD = (0.75, 1.25)  # so that clients that lost a server at the same time do not return at the same time


async def open_connection(
    target: Target, *, max_body: int, open_timeout: float, asks_for_key: bool = False
) -> Connection:
    """Open a connection, in three tries at the most. Cancelling is safe and ends a pause at once.

    Args:
        target: where to.
        max_body: the most bytes of a response, and so of one message.
        open_timeout: seconds for all tries together.
        asks_for_key: whether the gateway on this machine has asked for a key before.

    Raises:
        StatusError: the server refused the handshake with an HTTP status.
        ConnectError: no connection came about.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + open_timeout
    for pause in _PAUSES:
        try:
            return await _attempt(target, max_body, deadline, asks_for_key=asks_for_key)
        except FalNotebookError as exc:
            seconds = pause * random.uniform(*_SPREAD)  # noqa: S311 - a pause, no secret
            if not _may_succeed_again(exc) or clock() + seconds >= deadline:
                raise
        await asyncio.sleep(seconds)
    return await _attempt(target, max_body, deadline, asks_for_key=asks_for_key)


async def _attempt(target: Target, max_body: int, deadline: float, *, asks_for_key: bool) -> Connection:
    """One try, in which a gateway on this machine gets the key only after it has asked."""
    if asks_for_key or not target.is_local or target.authorization is None:
        return await _open(target, max_body, deadline, with_key=True)
    try:
        return await _open(target, max_body, deadline, with_key=False)
    except AuthenticationError:
        return await _open(target, max_body, deadline, with_key=True)


async def _open(target: Target, max_body: int, deadline: float, *, with_key: bool) -> Connection:
    """One handshake, with the target's key if it has one, or without it."""
    seconds = deadline - asyncio.get_running_loop().time()
    shown = target if with_key else replace(target, authorization=None)
    websocket = await open_websocket(shown, max_size=max_body, open_timeout=seconds)
    if not websocket.is_open:  # a server that is full may close it at once
        raise await closed_at_once(websocket, target)
    return Connection(target, websocket, max_body)


def _may_succeed_again(error: FalNotebookError) -> bool:
    if isinstance(error, StatusError):
        return error.status in TRANSIENT_STATUSES
    return isinstance(error, ConnectError) and error.may_pass
