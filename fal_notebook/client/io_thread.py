"""The thread on which a session's requests and connections run, with an event loop of its own.

On the kernel's event loop, a busy cell would leave the server's pings unanswered, and the server would close a
connection that it takes for dead. The thread starts with the first request. Once it has ended it is not started again:
the session makes a new one for its next request.
"""

import asyncio
import concurrent.futures
import contextlib
import inspect
import logging
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from ..errors import ConnectError, ConnectionLost, FalNotebookError, RequestError
from ..safety.loggers import quiet
from ..wire.pool import Limits, Pool
from ..wire.target import Target
from .off_loop import IOLoop
from .receiver import Receiver

_logger = logging.getLogger(__name__)
CLOSE_SECONDS = 5.0
"""How long a thread that ends may take to close its connections."""
_RECHECK_SECONDS = 0.01  # between two looks whether a cancelled request has ended
_KEPT_ENDPOINTS = 8  # the endpoints used last, to each of which an unused connection stays open

Work = Callable[["IOThread"], Coroutine[Any, Any, None]]


class IOThread:
    """A thread with an event loop, and the requests and connections on it. It starts when it is first needed.

    Attributes:
        pools: the connections to each target; the target used last is at the end. Changed on the thread only.
        requests: the requests under way, each with the receivers that wait for it.
    """

    def __init__(self) -> None:
        self.pools: dict[Target, Pool] = {}
        self.requests: dict[concurrent.futures.Future[None], Sequence[Receiver]] = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._has_ended = False

    def pool(self, target: Target, limits: Limits) -> Pool:
        """The connections to a target, which becomes the one used last. On the thread only."""
        pool = self.pools.pop(target, None)
        if pool is None:
            for other in [other for other in self.pools if other.url == target.url]:  # with an earlier key
                self.pools.pop(other).retire()
            pool = Pool(target, limits)
        self.pools[target] = pool
        pool.keep_last(kept=True)
        for other_pool in list(self.pools.values())[-_KEPT_ENDPOINTS - 1 : -_KEPT_ENDPOINTS]:
            other_pool.keep_last(kept=False)
        return pool

    async def retire_pools(self) -> None:
        """Use new connections for new requests. Requests under way end on the old connections, which then close."""
        pools = list(self.pools.values())
        self.pools.clear()
        for pool in pools:
            pool.retire()

    def submit(self, work: Work, receivers: Sequence[Receiver] = ()) -> "concurrent.futures.Future[None] | None":
        """Run a coroutine on the thread; cancelling the future cancels it there.

        Args:
            work: makes the coroutine.
            receivers: the receivers to tell if the coroutine ends without having told them.

        Returns:
            The coroutine's future; None if the thread has ended.

        Raises:
            ConnectError: the thread cannot start, because Python is exiting.
        """
        with self._lock:
            if self._has_ended:
                return None
            loop = self._running()
            coroutine = work(self)
            request = asyncio.run_coroutine_threadsafe(coroutine, loop)
            self.requests[request] = receivers
        request.add_done_callback(lambda done: self._end_receivers(done, coroutine, self.requests.pop(done, ())))
        return request

    def _end_receivers(
        self,
        request: "concurrent.futures.Future[None]",
        work: Coroutine[Any, Any, None],
        receivers: Sequence[Receiver],
    ) -> None:
        """Tell the receivers where a request has not told them itself: it failed, or was cancelled before it began."""
        loop = self._loop

        def end() -> None:
            if loop is not None and not loop.is_closed() and inspect.getcoroutinestate(work) != inspect.CORO_CLOSED:
                loop.call_later(_RECHECK_SECONDS, end)  # while the coroutine ends, it tells the receivers itself
                return
            is_stopped = request.cancelled()
            for receiver in receivers:
                receiver.end(None if is_stopped else _no_answer(receiver, request.exception()), stopped=is_stopped)

        if loop is None or all(receiver.request_end for receiver in receivers):
            return
        try:
            loop.call_soon_threadsafe(end)
        except RuntimeError:  # the loop is closed
            end()

    def end(self) -> threading.Thread | None:
        """Begin to stop the requests, close the connections and end the thread; return the thread, if there is one.

        The thread ends within a few seconds.
        """
        with self._lock:
            if self._has_ended or self._loop is None:
                self._has_ended = True
                return None
            self._has_ended = True
            end = asyncio.run_coroutine_threadsafe(self._end_all(), self._loop)
            end.add_done_callback(lambda _: self._loop and self._loop.call_soon_threadsafe(self._loop.stop))
            return self._thread

    def end_in_child(self) -> None:
        """Tell the receivers, in a forked process, that no thread serves their requests there."""
        for receivers in self.requests.values():
            for receiver in receivers:
                receiver.inbox.begin_anew()
                receiver.end(_thread_ended(receiver, "a fork"))

    def _running(self) -> asyncio.AbstractEventLoop:
        """The thread's event loop. If the thread has not been started yet, it starts here."""
        if self._loop is None:
            if sys.is_finalizing():  # a thread that starts now would hang, and its starter would wait for it
                raise _python_exits()
            with quiet():
                loop = IOLoop()
            thread = threading.Thread(target=self._run, args=(loop,), name="fal_notebook I/O", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # from 3.12 on at exit; in 3.12.0 to 3.12.2 once the main thread has ended
                loop.close()
                raise _python_exits() from None
            self._loop, self._thread = loop, thread
        return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            with quiet():
                loop.set_exception_handler(_log_at_debug)
                loop.run_forever()
                if not self._has_ended:
                    self._fail(loop, "a stop of its loop")
        except BaseException as exc:  # noqa: BLE001 - if an error were lost, consumers would wait for ever
            self._fail(loop, type(exc).__name__)
        loop.close()

    def _fail(self, loop: asyncio.AbstractEventLoop, reason: str) -> None:
        """Tell all receivers that the event loop has failed, and close as much as can still be closed."""
        with self._lock:
            self._has_ended = True
        for request, receivers in list(self.requests.items()):
            for receiver in receivers:
                receiver.end(_thread_ended(receiver, reason))
            request.cancel()
        with contextlib.suppress(BaseException):
            loop.run_until_complete(self._end_all())

    async def _end_all(self) -> None:
        for request in list(self.requests):
            request.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(pool.close() for pool in list(self.pools.values())))
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # a task that ends may start another
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)


def _log_at_debug(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Log what the loop reports, such as a cut in a handshake that was tried again. A cell's user needs none of it."""
    _logger.debug("%s: %s", context.get("message"), type(context.get("exception")).__name__)


def _thread_ended(receiver: Receiver, reason: str) -> FalNotebookError:
    message = f"the thread that carries the requests ended by {reason}"
    if receiver.sent_at is None:
        return ConnectError(message, hint="nothing was sent; a further request begins a new one")
    return ConnectionLost(message)


def _python_exits() -> FalNotebookError:
    return ConnectError("Python is ending and begins no thread", hint="nothing was sent")


def _no_answer(receiver: Receiver, exc: BaseException | None) -> FalNotebookError:
    message = f"the request ended without an answer{f': {type(exc).__name__}' if exc else ''}"
    if receiver.sent_at is None:
        return ConnectError(message, hint="nothing was sent; send it again")
    return RequestError(message)
