"""One request carried over a connection, until its receiver is told how it ended."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ..errors import FalNotebookError, RequestError, RequestTimeout, bare
from ..wire.connection import Caller
from ..wire.target import Target
from .receiver import Receiver

Exchange = Callable[[str, Caller], Coroutine[Any, Any, None]]


class TimeGiven:
    """How long a caller waits, from now on. Requests that share one are over in the same moment."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.end = None if seconds is None else asyncio.get_running_loop().time() + seconds


async def perform(target: Target, payload: str, receiver: Receiver, time_given: TimeGiven, exchange: Exchange) -> None:
    """Carry one request, and tell its receiver how it ended."""
    error: FalNotebookError | None = None
    stopped = False
    try:
        async with asyncio.timeout_at(time_given.end):
            await exchange(payload, receiver)
    except TimeoutError:
        error = _timed_out(target, receiver, time_given.seconds)
    except FalNotebookError as exc:
        error = bare(exc, target.redaction)
    except asyncio.CancelledError:
        stopped = True
    except Exception as exc:  # noqa: BLE001 - whatever it is, without it the request would look like a success
        error = RequestError(f"{target.endpoint} failed: {type(exc).__name__}")
    finally:
        receiver.end(error, stopped=stopped)


def _timed_out(target: Target, receiver: Receiver, timeout: float | None) -> RequestTimeout:
    if receiver.sent_at is None:
        return RequestTimeout(f"no connection to {target.endpoint} within {timeout:g} s", hint="nothing was sent")
    if not receiver.is_sent_whole:
        hint = "they were not sent whole, so nothing was worked on: give it a longer timeout"
        return RequestTimeout(f"{target.endpoint} did not take the arguments within {timeout:g} s", hint=hint)
    return RequestTimeout(f"{target.endpoint} did not finish within {timeout:g} s")
