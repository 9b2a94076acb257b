"""What a kernel keeps between cells: an I/O thread and the connections on it.

The connections live on a thread of their own. On the kernel's event loop a busy cell would leave the server's
pings unanswered, and the server would close what it believes to be dead.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import inspect
import logging
import math
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..errors import ConnectError, ConnectionLost, FalNotebookError, InvalidRequest, RequestError, RequestTimeout, bare
from ..safety.loggers import quiet
from ..wire.connection import Caller
from ..wire.pool import Limits, Pool
from ..wire.target import Target, resolve_target
from .arguments import encode
from .interrupts import Interrupts
from .off_loop import IOLoop
from .streaming import Receiver, Stream

_logger = logging.getLogger(__name__)
_CLOSE_SECONDS = 5.0
_MOMENT = 0.01
_KEPT = 8  # endpoints, those used last, to each of which an unused connection stays open

Companion = TypeVar("Companion")
Exchange = Callable[[str, Caller], Coroutine[Any, Any, None]]
Work = Callable[["_IOThread"], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class ConnectionInfo:
    """One open connection, as ``%falstream status`` shows it.

    Attributes:
        endpoint: where it leads.
        host: at which host.
        state: ``ready`` or ``busy``.
        age: seconds since it opened.
        requests: how many it has carried.
        bytes: of bodies that came over it.
    """

    endpoint: str
    host: str
    state: str
    age: float
    requests: int
    bytes: int


class Session:
    """Persistent connections, one or a few to each endpoint, and the requests on them. Usable from any thread.

    One that nobody has any more, and that has no request under way, closes itself.

    Args:
        limits: how many connections, how long, how large.

    Attributes:
        nested: whether the user's running event loop goes on while a call blocks.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._io = _IOThread()
        self._lock = threading.Lock()
        self._limits = Limits() if limits is None else _checked(limits)
        self.nested = True
        self._companions: dict[type, Any] = {}
        self._inherited: list[object] = []
        _sessions.add(self)

    def __del__(self) -> None:
        self._io.end()

    @property
    def limits(self) -> Limits:
        """How many connections, how long, how large. Others apply to the requests from then on."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        if _checked(limits) == self._limits:
            return
        self._limits = limits
        if self._io.pools:
            self._submit(_retire)

    def companion(self, kind: type[Companion]) -> Companion:
        """The one object of a kind that others keep for as long as this session, made when it is first asked for."""
        with self._lock:
            found: Companion = self._companions.setdefault(kind, kind())
            return found

    def stream(
        self,
        endpoint: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        base_url: str | None = None,
        timeout: float | None = None,
    ) -> Stream:
        """Send a request and return at once with what will arrive.

        Credentials are looked up here, on the calling thread.

        Args:
            endpoint: the endpoint with its sub-path, such as ``fal-ai/any-llm/stream``.
            arguments: its arguments, what the HTTP endpoint takes as its JSON body.
            base_url: another host: ``wss://host`` or ``ws://127.0.0.1:8000``.
            timeout: seconds for the whole request; None for as long as it takes.

        Raises:
            InvalidRequest: the endpoint, an argument or a setting cannot be used.
            CredentialsError: no key was found.
        """
        _check_timeout(timeout)
        target = resolve_target(endpoint, base_url)
        payload = encode(arguments or {})
        receiver = Receiver()

        def perform(io: _IOThread) -> Coroutine[Any, Any, None]:
            return self._perform_one(io, target, payload, receiver, timeout)

        request = self._submit(perform, [receiver])
        return Stream(target, receiver, request.cancel, nested=self.nested)

    def pipeline(
        self,
        endpoint: str,
        requests: Iterable[Mapping[str, Any]],
        *,
        base_url: str | None = None,
        timeout: float | None = None,
    ) -> list[Stream]:
        """Send several requests over one connection, each without waiting for the answers before it; never waits.

        The server answers them in order, one at a time (fal's docs, "HTTP over WebSockets"), so that many short
        requests take one round trip together, and use one of the account's requests at once. A slow one delays those
        behind it. They are stopped together: `Stream.cancel` of any stops all that have not been answered. Where the
        connection is lost, what was sent ends with `ConnectionLost`, and what was not goes over another.

        Args:
            endpoint: the endpoint with its sub-path.
            requests: the arguments of each.
            base_url: another host, as for `stream`.
            timeout: seconds for all of them together.

        Raises:
            InvalidRequest: the endpoint, an argument or a setting cannot be used. Nothing was sent.
            CredentialsError: no key was found.
        """
        _check_timeout(timeout)
        target = resolve_target(endpoint, base_url)
        payloads = [encode(arguments) for arguments in requests]
        receivers = [Receiver() for _ in payloads]

        def perform(io: _IOThread) -> Coroutine[Any, Any, None]:
            return self._perform_in_line(io, target, payloads, receivers, timeout)

        request = self._submit(perform, receivers)
        return [Stream(target, receiver, request.cancel, nested=self.nested, in_line=True) for receiver in receivers]

    def connect(self, endpoint: str, base_url: str | None = None) -> "concurrent.futures.Future[None]":
        """Open a connection to an endpoint, or check the open one, so that the next request finds it; never waits.

        Credentials are looked up here, on the calling thread.

        Args:
            endpoint: the endpoint with its sub-path.
            base_url: another host, as for `stream`.

        Returns:
            A future that is done when the connection is open, or has the `FalNotebookError` that prevented it.

        Raises:
            InvalidRequest: the endpoint or the base URL cannot be used.
            CredentialsError: no key was found.
        """
        target = resolve_target(endpoint, base_url)
        return self._submit(lambda io: self._connect(io, target))

    @property
    def connections(self) -> list[ConnectionInfo]:
        """The connections that are open now."""
        now = time.time()
        return [
            ConnectionInfo(
                endpoint=connection.target.endpoint,
                host=urlsplit(connection.target.url).netloc,
                state="busy" if connection.is_busy else "ready",
                age=now - connection.opened,
                requests=connection.requests,
                bytes=connection.received,
            )
            for pool in list(self._io.pools.values())
            for connection in list(pool.connections)
            if connection.is_open
        ]

    def stop(self) -> int:
        """Stop the requests under way and return how many there were; what has come of each stays."""
        return sum(request.cancel() for request in list(self._io.requests))

    def close(self) -> None:
        """Stop the requests under way, close the connections and end the thread; a later request begins anew."""
        with Interrupts():  # one in here would leave a thread that nobody ends
            thread = self._renew(self._io).end()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSE_SECONDS)

    def begin_anew(self) -> None:
        """Be without connections, in a forked process: the thread is gone, and the sockets are the parent's.

        What was there is kept and left alone: destroyed, it would close what the parent uses. Requests that were under
        way end here, as no thread carries them, and go on there.
        """
        self._inherited.append(self._io)
        for receivers in self._io.requests.values():
            for receiver in receivers:
                receiver.inbox.begin_anew()
                receiver.end(_failed(receiver, "a fork"))
        self._lock, self._io = threading.Lock(), _IOThread()

    def _renew(self, before: "_IOThread") -> "_IOThread":
        """Have another I/O thread for what comes from now on, and return the one before."""
        with self._lock:
            if self._io is before:
                self._io = _IOThread()
        return before

    def _submit(self, work: Work, receivers: Sequence[Receiver] = ()) -> "concurrent.futures.Future[None]":
        request = None
        try:
            with Interrupts():  # one in here would leave a thread that nobody ends
                while request is None:
                    io = self._io
                    request = io.submit(work, receivers)
                    if request is None:  # it was closed meanwhile, or died
                        self._renew(io)
        except BaseException:
            if request is not None:
                request.cancel()  # nobody has it
            raise
        return request

    async def _connect(self, io: "_IOThread", target: Target) -> None:
        try:
            await io.pool(target, self._limits).connect()
        except FalNotebookError as exc:
            raise bare(exc, target.redaction) from None

    async def _perform_one(
        self,
        io: "_IOThread",
        target: Target,
        payload: str,
        receiver: Receiver,
        timeout: float | None,  # noqa: ASYNC109 - the caller's own
    ) -> None:
        await _perform(target, payload, receiver, _Time(timeout), io.pool(target, self._limits).exchange)

    async def _perform_in_line(
        self,
        io: "_IOThread",
        target: Target,
        payloads: Sequence[str],
        receivers: Sequence[Receiver],
        timeout: float | None,  # noqa: ASYNC109 - the caller's own
    ) -> None:
        lane, time_of_all = io.pool(target, self._limits).lane(), _Time(timeout)
        each = zip(payloads, receivers, strict=True)
        try:
            work = (_perform(target, *request, time_of_all, lane.exchange) for request in each)
            await asyncio.gather(*work, return_exceptions=True)  # one that fails leaves the others alone
        finally:
            lane.close()


class _IOThread:
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
            async with asyncio.timeout(_CLOSE_SECONDS):
                await asyncio.gather(*(pool.close() for pool in list(self.pools.values())))
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # what ends may begin to close something
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)


class _Time:
    """How long a caller waits, from now on. Requests that share one are over in the same moment."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.end = None if seconds is None else asyncio.get_running_loop().time() + seconds


async def _perform(target: Target, payload: str, receiver: Receiver, time_given: _Time, exchange: Exchange) -> None:
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


def _check_timeout(timeout: float | None) -> None:
    try:
        is_one = timeout is None or 0 < timeout < math.inf
    except TypeError:
        is_one = False
    if not is_one:
        raise InvalidRequest(f"a timeout is a number of seconds above 0, not {timeout!r}")


def _checked(limits: Limits) -> Limits:
    if not isinstance(limits, Limits):
        raise InvalidRequest(f"limits are Limits(…), not {limits!r:.80}")
    return limits


async def _retire(io: _IOThread) -> None:
    pools = list(io.pools.values())
    io.pools.clear()
    for pool in pools:
        pool.retire()


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


def _timed_out(target: Target, receiver: Receiver, timeout: float | None) -> RequestTimeout:
    if receiver.sent_at is None:
        return RequestTimeout(f"no connection to {target.endpoint} within {timeout:g} s", hint="nothing was sent")
    if not receiver.is_sent_whole:
        hint = "they were not sent whole, so nothing was worked on: give it a longer timeout"
        return RequestTimeout(f"{target.endpoint} did not take the arguments within {timeout:g} s", hint=hint)
    return RequestTimeout(f"{target.endpoint} did not finish within {timeout:g} s")


_sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()
_kernel_session: Session | None = None
_kernel_lock = threading.Lock()


def session() -> Session:
    """The kernel's session: the one that ``run``, ``stream`` and the magic use."""
    global _kernel_session
    with _kernel_lock:
        if _kernel_session is None:
            _kernel_session = Session()
        return _kernel_session


def _renew_in_child() -> None:
    """In a forked process: every session begins anew, and no lock is held by a thread that is not there."""
    global _kernel_lock
    _kernel_lock = threading.Lock()
    for each in list(_sessions):
        each.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_in_child)


@atexit.register
def _close_at_exit() -> None:
    for each in list(_sessions):
        each.close()
