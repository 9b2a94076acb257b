"""What a kernel keeps between cells: sessions, each with its connections and an I/O thread that serves them.

A session can be used from any thread. It looks up the key and checks the request on the calling thread, so that such
errors are raised at the call. Then it hands the request to its I/O thread and returns at once. See `io_thread` for why
the connections need a thread of their own.
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
from .exchanges import Deadline, perform
from .interrupts import Interrupts
from .io_thread import CLOSE_SECONDS, IOThread, Work
from .payloads import Payload, UploadChoice, chosen_upload, payload_of
from .receiver import Receiver
from .streaming import Stream
from .uploads import Uploads
from .used_names import UsedNames

Companion = TypeVar("Companion")


@dataclass(frozen=True)
class ConnectionInfo:
    """One open connection, as ``%falstream status`` shows it.

    Attributes:
        endpoint: the endpoint to which it leads.
        host: the host to which it leads.
        state: ``ready`` or ``busy``.
        age: seconds since it opened.
        requests: how many requests it has carried.
        bytes: how many bytes of response bodies came over it.
    """

    endpoint: str
    host: str
    state: str
    age: float
    requests: int
    bytes: int


class Session:
    """Persistent connections, one or a few to each endpoint, and the requests on them. Usable from any thread.

    A session closes itself once nothing refers to it and none of its requests is under way.

    Args:
        limits: the limits of its connections and responses.

    Attributes:
        nested: whether the user's running event loop goes on while a call blocks.
        check: what `run`, `stream`, `arun`, `pipeline` and conversations do about arguments that do not fit the
            endpoint's schema: ``warn``, ``strict`` or ``off``. The methods of the session itself check nothing.
        upload: whether files are uploaded before a request: those that are large and go to fal (``auto``), ``always``,
            or ``never``, so that they go within the request.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._io = IOThread()
        self._lock = threading.Lock()
        self._limits = Limits() if limits is None else _checked(limits)
        self.nested = True
        self.check = "warn"
        self.upload: UploadChoice = "auto"
        self._companions: dict[type, Any] = {}
        self._inherited: list[object] = []
        _sessions.add(self)

    def __del__(self) -> None:
        self._io.end()

    @property
    def limits(self) -> Limits:
        """The limits of connections and responses. New limits apply to later requests."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        if _checked(limits) == self._limits:
            return
        self._limits = limits
        if self._io.pools:
            self.begin(IOThread.retire_pools)

    @property
    def upload_choice(self) -> UploadChoice:
        """What is wished for the uploads of a request that is made now."""
        return chosen_upload.get() or self.upload

    def companion(self, kind: type[Companion]) -> Companion:
        """The session's one object of a class, made at the first call. Other modules keep state of theirs in it."""
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
        """Send a request and return at once; the `Stream` gets what arrives.

        Credentials are looked up here, on the calling thread.

        Args:
            endpoint: the endpoint with its sub-path, such as ``fal-ai/any-llm/stream``.
            arguments: its arguments, which the HTTP endpoint would take as its JSON body.
            base_url: another host: ``wss://host`` or ``ws://127.0.0.1:8000``.
            timeout: seconds for the whole request; None for as long as it takes.

        Raises:
            InvalidRequest: the endpoint, an argument or a setting cannot be used.
            CredentialsError: no key was found.
        """
        _check_timeout(timeout)
        target = resolve_target(endpoint, base_url)
        payload, receiver = self._prepared(arguments or {}, target)
        self.companion(UsedNames).note(target.endpoint, arguments or {})

        def perform(io: IOThread) -> Coroutine[Any, Any, None]:
            return self._perform_one(io, target, payload, receiver, timeout)

        request = self.begin(perform, [receiver])
        return Stream(target, receiver, request.cancel, nested=self.nested)

    def pipeline(
        self,
        endpoint: str,
        requests: Iterable[Mapping[str, Any]],
        *,
        base_url: str | None = None,
        timeout: float | None = None,
    ) -> list[Stream]:
        """Send several requests over one connection, each before the earlier ones are answered; never waits.

        The server answers them in order, one at a time (fal's docs, "HTTP over WebSockets"). So many short requests
        take one round trip together, and count as one towards the account's limit of concurrent requests. A slow
        request delays those behind it. `Stream.cancel` of any of them stops all that have not been answered. If the
        connection is lost, the requests that were sent end with `ConnectionLost`; the others go over a new connection.

        Args:
            endpoint: the endpoint with its sub-path.
            requests: the arguments of each.
            base_url: another host, as for `stream`.
            timeout: seconds for all requests together.

        Raises:
            InvalidRequest: the endpoint, an argument or a setting cannot be used. Nothing was sent.
            CredentialsError: no key was found.
        """
        _check_timeout(timeout)
        target = resolve_target(endpoint, base_url)
        prepared = [self._prepared(arguments, target) for arguments in requests]
        payloads, receivers = [each for each, _ in prepared], [each for _, each in prepared]
        self.companion(UsedNames).note(target.endpoint, {})

        def perform(io: IOThread) -> Coroutine[Any, Any, None]:
            return self._perform_pipeline(io, target, payloads, receivers, timeout)

        request = self.begin(perform, receivers)
        return [Stream(target, receiver, request.cancel, nested=self.nested, pipelined=True) for receiver in receivers]

    def connect(self, endpoint: str, base_url: str | None = None) -> "concurrent.futures.Future[None]":
        """Begin to open a connection for the next request, or to check the one that is open; never waits.

        Credentials are looked up here, on the calling thread.

        Args:
            endpoint: the endpoint with its sub-path.
            base_url: another host, as for `stream`.

        Returns:
            A future, done when the connection is open, or failed with the `FalNotebookError` that prevented it.

        Raises:
            InvalidRequest: the endpoint or the base URL cannot be used.
            CredentialsError: no key was found.
        """
        target = resolve_target(endpoint, base_url)
        return self.begin(lambda io: self._connect(io, target))

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
        """Stop the requests under way and return their number. Each keeps the part of its answer that has come."""
        return sum(request.cancel() for request in list(self._io.requests))

    def close(self) -> None:
        """Stop the requests under way, close the connections and end the thread. A later request starts new ones."""
        with Interrupts():  # an interrupt in here would leave a thread that nobody ends
            thread = self._renew(self._io).end()
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_SECONDS)

    def begin_anew(self) -> None:
        """Start again without connections, in a forked process: it has no I/O thread, and shares the parent's sockets.

        The old I/O thread's object is kept and not touched: if it were destroyed, sockets that the parent uses would
        close. Requests that were under way end in this process, where no thread serves them; in the parent they go on.
        """
        self._inherited.append(self._io)
        self._io.end_in_child()
        self._lock, self._io = threading.Lock(), IOThread()

    def payload(self, arguments: Mapping[str, Any], target: Target, receiver: Receiver) -> Payload:
        """The message of a request. What takes its answer is told of the files to upload.

        Raises:
            InvalidRequest: an argument cannot be sent.
        """
        payload = payload_of(arguments, target, self.upload_choice)
        receiver.transfer = self.companion(Uploads).announce(payload.files, target)
        return payload

    def _prepared(self, arguments: Mapping[str, Any], target: Target) -> tuple[Payload, Receiver]:
        """The message of a request, and what takes its answer."""
        receiver = Receiver()
        return self.payload(arguments, target, receiver), receiver

    def _renew(self, before: IOThread) -> IOThread:
        """Replace the I/O thread, unless another thread has already done so, and return the old one."""
        with self._lock:
            if self._io is before:
                self._io = IOThread()
        return before

    def begin(self, work: Work, receivers: Sequence[Receiver] = ()) -> "concurrent.futures.Future[None]":
        """Run work on the I/O thread, on a new one if the old one has ended. See `IOThread.submit`.

        Raises:
            ConnectError: no thread can start, because Python is exiting.
        """
        request = None
        try:
            with Interrupts():  # an interrupt in here would leave a thread that nobody ends
                while request is None:
                    io = self._io
                    request = io.submit(work, receivers)
                    if request is None:  # the thread was closed meanwhile, or failed
                        self._renew(io)
        except BaseException:
            if request is not None:
                request.cancel()  # the caller never gets it, and so could not stop it
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
        payload: Payload,
        receiver: Receiver,
        timeout: float | None,  # noqa: ASYNC109 - the caller's own
    ) -> None:
        pool, uploads = io.pool(target, self._limits), self.companion(Uploads)
        exchange = uploads.before(pool.exchange, payload, target, receiver.transfer)
        await perform(target, payload.message, receiver, Deadline(timeout), exchange)

    async def _perform_pipeline(
        self,
        io: IOThread,
        target: Target,
        payloads: Sequence[Payload],
        receivers: Sequence[Receiver],
        timeout: float | None,  # noqa: ASYNC109 - the caller's own
    ) -> None:
        pipeline, deadline = io.pool(target, self._limits).pipeline(), Deadline(timeout)
        files = [(payload, receiver.transfer) for payload, receiver in zip(payloads, receivers, strict=True)]
        exchanges, stop_uploads = self.companion(Uploads).before_all(pipeline.exchange, files, target)
        try:
            each = zip(receivers, exchanges, strict=True)
            work = (perform(target, "", receiver, deadline, exchange) for receiver, exchange in each)
            await asyncio.gather(*work, return_exceptions=True)  # a request that fails does not stop the others
        finally:
            stop_uploads()
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
    """Reset every session in a forked process, and replace the lock: a thread that is not there may hold it."""
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
