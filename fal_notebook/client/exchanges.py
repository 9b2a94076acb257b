"""Sends one request over a connection, and tells its receiver how it ended: well, with an error, or stopped.

Every way in which a request can end becomes one call of `Receiver.end`, so that no consumer waits for ever.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ..errors import FalNotebookError, RequestError, RequestTimeout, bare
from ..wire.connection import Caller
from ..wire.target import Target
from .receiver import Receiver

Exchange = Callable[[str, Caller], Coroutine[Any, Any, None]]


class Deadline:
    """When a time-out that begins now is over. The requests of a pipeline share one deadline.

    Args:
        seconds: the time-out; None for none.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.end = None if seconds is None else asyncio.get_running_loop().time() + seconds


async def perform(target: Target, payload: str, receiver: Receiver, deadline: Deadline, exchange: Exchange) -> None:
    """Send one request, pass its response on to the receiver, and tell the receiver how the request ended."""
    error: FalNotebookError | None = None
    stopped = False
    try:
        async with asyncio.timeout_at(deadline.end):
            await exchange(payload, receiver)
    except TimeoutError:
        error = _timed_out(target, receiver, deadline.seconds)
    except FalNotebookError as exc:
        error = bare(exc, target.redaction)
    except asyncio.CancelledError:
        stopped = True
    except Exception as exc:  # noqa: BLE001 - if an error were lost, the request would look like a success
        error = RequestError(f"{target.endpoint} failed: {type(exc).__name__}")
    finally:
        receiver.end(error, stopped=stopped)


def _timed_out(target: Target, receiver: Receiver, timeout: float | None) -> RequestTimeout:
    if receiver.transfer is not None and not receiver.transfer.is_whole:
        hint = "the request was not sent: give it a longer timeout"
        return RequestTimeout(f"its files were not uploaded within {timeout:g} s", hint=hint)
    if receiver.sent_at is None:
        hint = "nothing was sent: check network and proxy, or give it a longer timeout"
        return RequestTimeout(f"no connection to {target.endpoint} within {timeout:g} s", hint=hint)
    if not receiver.is_sent_whole:
        hint = "they were not sent whole, so nothing was worked on: give it a longer timeout"
        return RequestTimeout(f"{target.endpoint} did not take the arguments within {timeout:g} s", hint=hint)
    return RequestTimeout(f"{target.endpoint} did not finish within {timeout:g} s")
