"""How a blocking call waits, and a check for calls that await.

A cell that waits occupies the kernel's main thread, on which the user's own event loop runs. A plain wait would freeze
the user's tasks. So if a loop is running, the wait runs it from within (a nested loop). asyncio forbids that;
nest_asyncio2 allows it by patching asyncio for the whole process, so it is applied only when such a wait is first
needed. If the loop cannot be patched (uvloop), or if the user turned nesting off, the wait is a plain one.
"""

import asyncio
import sys
import warnings
from typing import Any

import nest_asyncio2

from .inbox import Inbox
from .interrupts import Interrupts, interruptible


def wait(inbox: Inbox[Any], timeout: float | None = None, *, nested: bool = True) -> None:
    """Block until the inbox has items, or for ``timeout`` seconds.

    An interrupt raises ``KeyboardInterrupt`` here.

    Args:
        inbox: the inbox to wait for.
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
    """Check that the caller runs on asyncio.

    Raises:
        InvalidRequest: no asyncio event loop runs here, or the caller is a task of trio.
    """
    if _running_loop() is None or _in_trio():
        from ..errors import InvalidRequest  # imports fal_client, which takes long and is seldom needed here

        hint = "elsewhere call run on a thread: await trio.to_thread.run_sync(lambda: run(…))"
        raise InvalidRequest("this can be awaited on asyncio only", hint=hint)


def _in_trio() -> bool:
    """Whether trio runs here. In a kernel trio runs within asyncio's loop, so that loop is no proof against it."""
    trio = sys.modules.get("trio.lowlevel")
    if trio is None:
        return False
    try:
        trio.current_task()
    except (AttributeError, RuntimeError):  # trio is just being imported, or is not running
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
            warnings.simplefilter(
                "ignore", UserWarning
            )  # it warns if nest_asyncio is applied already, which will do, too
            nest_asyncio2.apply(loop)
    except ValueError:
        return False
    return True
