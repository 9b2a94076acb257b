"""How a blocking call waits, and what an awaiting one needs.

A cell that waits holds the kernel's main thread, on which the user's own event loop runs. A plain wait would
freeze the user's tasks; so where a loop is running, the wait runs it on from within. asyncio does not allow that;
nest_asyncio2 does, by changing asyncio for the whole process, and so it is applied at the first such wait and
never before. Where the loop cannot be changed (uvloop) or the user does not want it, the wait is a plain one.
"""

import asyncio
import sys
import warnings
from typing import Any

import nest_asyncio2

from .inbox import Inbox
from .interrupts import Interrupts, interruptible


def wait(inbox: Inbox[Any], timeout: float | None = None, *, nested: bool = True) -> None:
    """Block until the inbox holds something, ``timeout`` seconds at most.

    An interrupt raises ``KeyboardInterrupt`` from here.

    Args:
        inbox: what to wait for.
        timeout: seconds; None waits as long as it takes.
        nested: whether a running event loop goes on meanwhile.
    """
    loop = _running_loop()
    if loop is None:
        inbox.wait(timeout)
        return
    if nested and _can_nest(loop):
        _wait_nested(loop, inbox, timeout)
    else:
        with interruptible():
            inbox.wait(timeout)


def check_asyncio() -> None:
    """See to it that what awaits does so on asyncio.

    Raises:
        InvalidRequest: no asyncio event loop runs here, or this is a task of trio.
    """
    if _running_loop() is None or _in_trio():
        from ..errors import InvalidRequest  # it imports fal_client, which takes long and is seldom needed here

        hint = "elsewhere call run on a thread: await trio.to_thread.run_sync(lambda: run(…))"
        raise InvalidRequest("this can be awaited on asyncio only", hint=hint)


def _in_trio() -> bool:
    """Whether trio runs here; in a kernel, asyncio's loop is then seen too, since trio runs within it."""
    trio = sys.modules.get("trio.lowlevel")
    if trio is None:
        return False
    try:
        trio.current_task()
    except (AttributeError, RuntimeError):  # it is just being imported, or is not running
        return False
    return True


def _wait_nested(loop: asyncio.AbstractEventLoop, inbox: Inbox[Any], timeout: float | None) -> None:
    waiter = loop.create_task(inbox.wait_async(timeout))
    with Interrupts() as interrupts, interrupts.waking(lambda: loop.call_soon_threadsafe(waiter.cancel)):
        try:
            loop.run_until_complete(waiter)
        except asyncio.CancelledError:
            if not interrupts.is_held:
                raise
        except RuntimeError:  # the user's code has stopped its loop
            inbox.wait(timeout)
        finally:
            waiter.cancel()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _can_nest(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that nest_asyncio was there first: either will do
            nest_asyncio2.apply(loop)
    except ValueError:
        return False
    return True
