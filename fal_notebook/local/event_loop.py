"""Runs an event loop that an application can neither end early by ``sys.exit`` nor keep from ending.

`asyncio.run` is not enough: a ``SystemExit`` in any task ends it and cancels all others, and at its end it waits for
threads, and for tasks that ignore their cancellation, however long they take.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

logger = logging.getLogger(__name__)

_TASKS_SECONDS = 0.5
_THREADS_SECONDS = 1.0

_left: list[asyncio.Task[Any]] = []  # kept, since the garbage collector would break them off


def run_to_its_end(
    main: Coroutine[Any, Any, None], new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> bool:
    """Run a server in this thread, and leave behind what has not ended two seconds after it.

    Args:
        main: the server.
        new_loop: makes the event loop; asyncio's own if None.

    Returns:
        Whether all tasks have ended. If one has not, Python itself may be unable to exit.

    Raises:
        Exception: what the server raised; a ``SystemExit`` just ends it.
    """
    loop = (new_loop or asyncio.new_event_loop)()
    threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
    loop.set_default_executor(threads)
    try:
        _complete(loop, main)
    finally:
        tasks = asyncio.all_tasks(loop)
        _complete(loop, _cancel(tasks))
        _shut(threads)
        if left := [task for task in tasks if not task.done()]:
            logger.error("The application did not end: some of its work ignores that it was cancelled")
            _left.extend(left)
        else:
            loop.close()
    return not left


def _complete(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, None]) -> None:
    task = loop.create_task(main)
    while not task.done():
        # Where a task of the application raised it, the loop has only stopped, and goes on here.
        with contextlib.suppress(SystemExit, KeyboardInterrupt):
            loop.run_until_complete(task)
    task.exception()  # retrieved, so that asyncio does not log it: a server whose start failed has said so


async def _cancel(tasks: "set[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_TASKS_SECONDS)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.get_running_loop().shutdown_asyncgens(), _TASKS_SECONDS)


def _shut(threads: ThreadPoolExecutor) -> None:
    """Wait for the threads, so that no native code is left running while Python finishes."""
    closing = threading.Thread(target=threads.shutdown, kwargs={"cancel_futures": True}, daemon=True)
    closing.start()
    closing.join(_THREADS_SECONDS)
