"""What a kernel keeps between cells: an I/O thread and the connections on it.

The connections live on a thread of their own. On the kernel's event loop a busy cell would leave the server's
pings unanswered, and the server would close what it believes to be dead.
"""

import asyncio
import atexit
import concurrent.futures
import math
import os
import threading
import time
import weakref
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..errors import FalNotebookError, InvalidRequest, bare
from ..wire.pool import Limits
from ..wire.target import Target, resolve_target
from .arguments import encode
from .exchanges import TimeGiven, perform
from .interrupts import Interrupts
from .io_thread import CLOSE_SECONDS, IOThread, Work
from .receiver import Receiver
from .streaming import Stream

Companion = TypeVar("Companion")


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
        self._io = IOThread()
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
            self._submit(IOThread.retire_pools)

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

        def perform(io: IOThread) -> Coroutine[Any, Any, None]:
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

        def perform(io: IOThread) -> Coroutine[Any, Any, None]:
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
            thread.join(CLOSE_SECONDS)

    def begin_anew(self) -> None:
        """Be without connections, in a forked process: the thread is gone, and the sockets are the parent's.

        What was there is kept and left alone: destroyed, it would close what the parent uses. Requests that were under
        way end here, as no thread carries them, and go on there.
        """
        self._inherited.append(self._io)
        self._io.end_in_child()
        self._lock, self._io = threading.Lock(), IOThread()

    def _renew(self, before: IOThread) -> IOThread:
        """Have another I/O thread for what comes from now on, and return the one before."""
        with self._lock:
            if self._io is before:
                self._io = IOThread()
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

    async def _connect(self, io: IOThread, target: Target) -> None:
        try:
            await io.pool(target, self._limits).connect()
        except FalNotebookError as exc:
            raise bare(exc, target.redaction) from None

    async def _perform_one(
        self,
        io: IOThread,
        target: Target,
        payload: str,
        receiver: Receiver,
        timeout: float | None,  # noqa: ASYNC109 - the caller's own
    ) -> None:
        await perform(target, payload, receiver, TimeGiven(timeout), io.pool(target, self._limits).exchange)

    async def _perform_in_line(
        self,
        io: IOThread,
        target: Target,
        payloads: Sequence[str],
        receivers: Sequence[Receiver],
        timeout: float | None,  # noqa: ASYNC109 - the caller's own
    ) -> None:
        pipeline, time_of_all = io.pool(target, self._limits).pipeline(), TimeGiven(timeout)
        each = zip(payloads, receivers, strict=True)
        try:
            work = (perform(target, *request, time_of_all, pipeline.exchange) for request in each)
            await asyncio.gather(*work, return_exceptions=True)  # one that fails leaves the others alone
        finally:
            pipeline.close()


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
