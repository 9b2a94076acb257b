"""Floor 8: what a kernel keeps between cells: an I/O thread and the connections on it.

The connections live on a thread of their own. On the kernel's event loop a busy cell would leave the server's
pings unanswered, and the server would close what it believes to be dead.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .arguments import encode
from .connection import Caller
from .errors import ConnectError, FalNotebookError, InvalidRequest, RequestError, RequestTimeout
from .interrupts import Interrupts
from .off_loop import IOLoop
from .pool import Limits, Pool
from .quiet import quiet
from .returning import RecentAnswers
from .streaming import Receiver, Stream
from .target import Target, resolve_target

_CLOSE_SECONDS = 5.0

Value = TypeVar("Value")
Exchange = Callable[[str, Caller], Coroutine[Any, Any, None]]


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
        recent: what stays of the last answers, for pages that were loaded while they streamed.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self.nested = True
        self.recent = RecentAnswers()
        self._io = _IOThread()
        self._pools: dict[Target, Pool] = {}
        self._requests: set[concurrent.futures.Future[None]] = set()
        self._inherited: list[object] = []
        _sessions.add(self)

    def __del__(self) -> None:
        self._io.end([pool.close() for pool in self._pools.values()])

    @property
    def limits(self) -> Limits:
        """How many connections, how long, how large. Others apply to the requests from then on."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        if limits == self._limits:
            return
        self._limits = limits
        pools, self._pools = list(self._pools.values()), {}
        if pools:
            self._io.submit(_retire(pools))

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
        request = self._submit(self._perform_one(target, payload, receiver, timeout))
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
        request = self._submit(self._perform_in_line(target, payloads, receivers, timeout))
        return [Stream(target, receiver, request.cancel, nested=self.nested) for receiver in receivers]

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
        return self._submit(self._connect(resolve_target(endpoint, base_url)))

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
            for pool in list(self._pools.values())
            for connection in list(pool.connections)
            if connection.is_open
        ]

    def stop(self) -> int:
        """Stop the requests under way and return how many there were; what has come of each stays."""
        return sum(request.cancel() for request in list(self._requests))

    def close(self) -> None:
        """Stop the requests under way, close the connections and end the thread; a later request begins anew."""
        with Interrupts():  # one in here would leave a thread that nobody ends
            self.stop()
            pools, self._pools = list(self._pools.values()), {}
            thread = self._io.end([pool.close() for pool in pools])
        if thread is not None:
            thread.join(_CLOSE_SECONDS)

    def begin_anew(self) -> None:
        """Be without connections, in a forked process: the thread is gone, and the sockets are the parent's.

        What was there is kept and left alone: destroyed, it would close what the parent uses.
        """
        self._inherited += [self._io, self._pools, self._requests]
        self._io, self._pools, self._requests = _IOThread(), {}, set()

    def _submit(self, work: Coroutine[Any, Any, None]) -> "concurrent.futures.Future[None]":
        try:
            with Interrupts():  # one in here would leave a thread that nobody ends
                request = self._io.submit(work)
                self._requests.add(request)
                request.add_done_callback(self._requests.discard)
        except KeyboardInterrupt:
            request.cancel()  # nobody has it
            raise
        return request

    async def _connect(self, target: Target) -> None:
        try:
            await self._pool(target).connect()
        except FalNotebookError as exc:
            raise _bare(exc) from None

    async def _perform_one(self, target: Target, payload: str, receiver: Receiver, timeout: float | None) -> None:  # noqa: ASYNC109 - the caller's own
        await _perform(target, payload, receiver, _Time(timeout), self._pool(target).exchange)

    async def _perform_in_line(
        self,
        target: Target,
        payloads: Sequence[str],
        receivers: Sequence[Receiver],
        timeout: float | None,  # noqa: ASYNC109 - the caller's own
    ) -> None:
        lane, time_of_all = self._pool(target).lane(), _Time(timeout)
        each = zip(payloads, receivers, strict=True)
        try:
            await asyncio.gather(*(_perform(target, *request, time_of_all, lane.exchange) for request in each))
        finally:
            lane.close()
            for receiver in receivers:  # a task that is cancelled before it began ends nothing
                if receiver.ended_at is None:
                    receiver.end(stopped=True)

    def _pool(self, target: Target) -> Pool:
        pool = self._pools.get(target)
        if pool is None:
            for other in [other for other in self._pools if other.url == target.url]:  # with a key of before
                self._pools.pop(other).retire()
            pool = self._pools[target] = Pool(target, self._limits)
        return pool


class _IOThread:
    """A thread that runs an event loop, begun when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def submit(self, work: Coroutine[Any, Any, Value]) -> "concurrent.futures.Future[Value]":
        """Run a coroutine on the thread; cancelling the future cancels it there."""
        with self._lock:
            try:
                loop = self._running()
            except RuntimeError:  # Python 3.12 begins no thread once it ends, 3.12.0 to 3.12.2 once the main one has
                work.close()
                raise ConnectError("Python is ending and begins no thread", hint="nothing was sent") from None
            return asyncio.run_coroutine_threadsafe(work, loop)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._thread is None or not self._thread.is_alive():  # it could not be started
            with quiet():
                self._loop = IOLoop()
            self._thread = threading.Thread(target=_run, args=(self._loop,), name="fal_notebook I/O", daemon=True)
            self._thread.start()
        return self._loop

    def end(self, last: list[Coroutine[Any, Any, None]]) -> threading.Thread | None:
        """Let the thread, which is returned, run the last coroutines, a few seconds at most, and end."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None or not thread.is_alive():  # it could not be started
            for work in last:
                work.close()
            return None
        end = asyncio.run_coroutine_threadsafe(_run_all(last), loop)
        end.add_done_callback(lambda _: loop.call_soon_threadsafe(loop.stop))
        return thread


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
        error = _bare(exc)
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


@quiet()
def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def _retire(pools: list[Pool]) -> None:
    for pool in pools:
        pool.retire()


async def _run_all(last: list[Coroutine[Any, Any, None]]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await asyncio.gather(*last)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _bare(error: FalNotebookError) -> FalNotebookError:
    """The error without the frames that it came through: verbose tracebacks show their variables, and so the key."""
    error.__context__ = None
    return error.with_traceback(None)


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
