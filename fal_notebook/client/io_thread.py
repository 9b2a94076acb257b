"""The thread that carries a session's requests, with its event loop and all that lives on it.

The connections live on a thread of their own. On the kernel's event loop a busy cell would leave the server's pings
unanswered, and the server would close what it believes to be dead. The thread begins with the first request and ends
once; a session that goes on has another then.
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
"""How long the end of a thread may take, in which servers are told that the connections close."""
_MOMENT = 0.01
_KEPT = 8  # endpoints, those used last, to each of which an unused connection stays open

Work = Callable[["IOThread"], Coroutine[Any, Any, None]]


class IOThread:
    """A thread that runs an event loop, begun when first needed, and all that lives on it. It ends once, with all that.

    Attributes:
        pools: the connections, by where they lead, those used last at the end. Changed on the thread only.
        requests: those under way, with who waits for them.
    """

    def __init__(self) -> None:
        self.pools: dict[Target, Pool] = {}
        self.requests: dict[concurrent.futures.Future[None], Sequence[Receiver]] = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._has_ended = False

    def pool(self, target: Target, limits: Limits) -> Pool:
        """The connections to a target, from now on those used last. On the thread only."""
        pool = self.pools.pop(target, None)
        if pool is None:
            for other in [other for other in self.pools if other.url == target.url]:  # with a key of before
                self.pools.pop(other).retire()
            pool = Pool(target, limits)
        self.pools[target] = pool
        pool.keep_last(kept=True)
        for other_pool in list(self.pools.values())[-_KEPT - 1 : -_KEPT]:
            other_pool.keep_last(kept=False)
        return pool

    async def retire_pools(self) -> None:
        """Let what is under way end on the connections that there are, and have others for what comes."""
        pools = list(self.pools.values())
        self.pools.clear()
        for pool in pools:
            pool.retire()

    def submit(self, work: Work, receivers: Sequence[Receiver] = ()) -> "concurrent.futures.Future[None] | None":
        """Run a coroutine on the thread; cancelling the future cancels it there.

        Args:
            work: makes the coroutine.
            receivers: who is told if the thread ends before it does.

        Returns:
            None where the thread has ended.

        Raises:
            ConnectError: no thread can be begun.
        """
        with self._lock:
            if self._has_ended:
                return None
            loop = self._running()
            coroutine = work(self)
            request = asyncio.run_coroutine_threadsafe(coroutine, loop)
            self.requests[request] = receivers
        request.add_done_callback(lambda done: self._see_ended(done, coroutine, self.requests.pop(done, ())))
        return request

    def _see_ended(
        self,
        request: "concurrent.futures.Future[None]",
        work: Coroutine[Any, Any, None],
        receivers: Sequence[Receiver],
    ) -> None:
        """See to it that nobody waits for what ended without a word: it failed, or was cancelled before it began."""
        loop = self._loop

        def end() -> None:
            if loop is not None and not loop.is_closed() and inspect.getcoroutinestate(work) != inspect.CORO_CLOSED:
                loop.call_later(_MOMENT, end)  # it was cancelled, and has its own word to say
                return
            is_stopped = request.cancelled()
            for receiver in receivers:
                receiver.end(None if is_stopped else _unanswered(receiver, request.exception()), stopped=is_stopped)

        if loop is None or all(receiver.over for receiver in receivers):
            return
        try:
            loop.call_soon_threadsafe(end)
        except RuntimeError:  # the loop is closed
            end()

    def end(self) -> threading.Thread | None:
        """Let the thread, which is returned, stop what is under way, close all and end, in a few seconds at most."""
        with self._lock:
            if self._has_ended or self._loop is None:
                self._has_ended = True
                return None
            self._has_ended = True
            end = asyncio.run_coroutine_threadsafe(self._end_all(), self._loop)
            end.add_done_callback(lambda _: self._loop and self._loop.call_soon_threadsafe(self._loop.stop))
            return self._thread

    def end_in_child(self) -> None:
        """Tell those who wait, in a forked process, that no thread carries their requests there."""
        for receivers in self.requests.values():
            for receiver in receivers:
                receiver.inbox.begin_anew()
                receiver.end(_failed(receiver, "a fork"))

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            if sys.is_finalizing():  # a thread that begins now would wait for ever, and so would who begins it
                raise _ending()
            with quiet():
                loop = IOLoop()
            thread = threading.Thread(target=self._run, args=(loop,), name="fal_notebook I/O", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # Python 3.12 begins no thread once it ends, 3.12.0 to 3.12.2 once the main one has
                loop.close()
                raise _ending() from None
            self._loop, self._thread = loop, thread
        return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            with quiet():
                loop.set_exception_handler(_note)
                loop.run_forever()
                if not self._has_ended:
                    self._die(loop, "a stop of its loop")
        except BaseException as exc:  # noqa: BLE001 - whatever it is, else whoever has a request waits for ever
            self._die(loop, type(exc).__name__)
        loop.close()

    def _die(self, loop: asyncio.AbstractEventLoop, reason: str) -> None:
        """Tell everyone that the loop has failed, and end what can be ended."""
        with self._lock:
            self._has_ended = True
        for request, receivers in list(self.requests.items()):
            for receiver in receivers:
                receiver.end(_failed(receiver, reason))
            request.cancel()
        with contextlib.suppress(BaseException):
            loop.run_until_complete(self._end_all())

    async def _end_all(self) -> None:
        for request in list(self.requests):
            request.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.gather(*(pool.close() for pool in list(self.pools.values())))
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # what ends may begin to close something
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)


def _note(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Take what a loop tells of its own, such as a cut in a handshake that was tried again: it helps in no cell."""
    _logger.debug("%s: %s", context.get("message"), type(context.get("exception")).__name__)


def _failed(receiver: Receiver, reason: str) -> FalNotebookError:
    message = f"the thread that carries the requests ended by {reason}"
    if receiver.sent_at is None:
        return ConnectError(message, hint="nothing was sent; a further request begins a new one")
    return ConnectionLost(message)


def _ending() -> FalNotebookError:
    return ConnectError("Python is ending and begins no thread", hint="nothing was sent")


def _unanswered(receiver: Receiver, exc: BaseException | None) -> FalNotebookError:
    message = f"the request ended without an answer{f': {type(exc).__name__}' if exc else ''}"
    if receiver.sent_at is None:
        return ConnectError(message, hint="nothing was sent")
    return RequestError(message)
