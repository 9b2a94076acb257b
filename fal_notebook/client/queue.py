"""Requests in fal's queue, from Python: `submit` one, and come back to it whenever and wherever that is.

fal works a queued request off whether the kernel lives or not. What is needed to come back to it is its endpoint and
its id, and a kernel remembers those that it has submitted.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine, Generator, Mapping
from typing import Any, TypeVar

from ..errors import FalNotebookError, InvalidRequest, RequestError, bare
from ..wire.queue_address import Links, QueueAddress, queue_address
from ..wire.queue_http import QueueHTTP
from ..wire.queue_protocol import LogLine, QueueStatus, Taken
from . import queue_exchange
from .argument_check import Check, checked, doubts_of, warn
from .arguments import together
from .inbox import Inbox
from .interrupts import interruptible
from .io_thread import IOThread
from .off_loop import on_thread
from .queue_stream import QueueReceiver, QueueStream, follow, submit_and_follow
from .result import Result
from .sessions import Session, session
from .uploads import Uploads
from .waiting import wait

_REMEMBERED = 200  # requests
_LONGEST_SHOWN = 20  # lines of the logs, in a page

Value = TypeVar("Value")


def submit(
    endpoint: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    base_url: str | None = None,
    check: Check | None = None,
    **more: Any,
) -> "Submitted":
    """Put a request into fal's queue and return at once: fal works it off, whether this kernel lives or not.

    It is sent once. It is sent again by itself only where certainly nothing was received.

    Args:
        endpoint: the endpoint without ``/stream``, such as ``fal-ai/veo3``.
        arguments: its arguments; the HTTP endpoint takes the same as its JSON body.
        base_url: a gateway, such as ``http://127.0.0.1:8000``; it has its queue below the path ``/queue``.
        check: what is done about arguments that do not fit the endpoint's schema, as for `stream`.
        more: further arguments by name.

    Returns:
        The request: ``.status()``, ``.result()``, ``await``, ``.cancel()``.

    Raises:
        InvalidRequest: the endpoint, an argument or a setting cannot be used.
        CredentialsError: no key was found.
        FalNotebookError: the queue did not take it. After a `ConnectionLost` it may have, and fal.ai lists it then.

    Example:
        >>> video = submit("fal-ai/veo3", prompt="A river at dawn")  # doctest: +SKIP
        >>> video.result(timeout=900)  # doctest: +SKIP
    """
    address = queue_address(endpoint, base_url)
    whole = together(arguments, more)
    warn(doubts_of(endpoint, [whole], checked(check), base_url=base_url))
    receiver = QueueReceiver()
    payload = session().payload(whole, address.target, receiver)
    uploads = session().companion(Uploads)

    async def upload_and_submit(http: QueueHTTP) -> Taken:
        message = await uploads.message(payload, address.target, receiver.transfer)
        return await queue_exchange.submit(http, message.encode())

    with interruptible():
        taken = _asked(address, upload_and_submit)
    return remember(Submitted(address, taken.request_id, address.links(taken.request_id, dict(taken.told)), base_url))


def attach_request(endpoint: str, request_id: str, *, base_url: str | None = None) -> "Submitted":
    """A request that is in fal's queue, or was within the last days, by its id. Nothing is sent.

    Args:
        endpoint: the endpoint that was asked.
        request_id: the id that the queue gave to the request.
        base_url: as for `submit`.

    Raises:
        InvalidRequest: the endpoint or the id cannot be one.
        CredentialsError: no key was found.
    """
    address = queue_address(endpoint, base_url)
    return remember(Submitted(address, request_id, address.links(request_id), base_url))


class Submitted:
    """A request in fal's queue. Usable from any thread.

    Attributes:
        endpoint: the endpoint that was asked.
        request_id: the id that the queue gave to the request.
        logs: what the model has logged, as far as it was asked for.
    """

    def __init__(self, address: QueueAddress, request_id: str, links: Links, base_url: str | None = None) -> None:
        self.endpoint = address.target.endpoint
        self.request_id = request_id
        self.logs: tuple[LogLine, ...] = ()
        self._address = address
        self._base_url = base_url
        self._links = links
        self._known: QueueStatus | None = None
        self._result: Result | None = None

    def status(self) -> QueueStatus:
        """How far it is: one question to the queue.

        Raises:
            FalNotebookError: the queue did not say.
        """
        found: QueueStatus = _asked(
            self._address,
            lambda http: queue_exchange.status_once(http, self._links, self.request_id, logs=True),
        )
        self._note(self._address.target.redaction.value(found))
        return self._known or found

    def stream(self, *, timeout: float | None = None) -> QueueStream:
        """Follow it: a stream of its logs, its progress and its answer. To leave the stream leaves it in the queue.

        Args:
            timeout: seconds until the stream gives up; the request stays in the queue.
        """
        receiver = QueueReceiver(self.request_id)
        own = session()
        max_body = own.limits.max_body
        request = own.begin(
            lambda _: follow(self._address, self._links, self.request_id, receiver, timeout, max_body), [receiver]
        )
        return QueueStream(self._address.target, receiver, request.cancel, nested=own.nested)

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the end and return the result. An interrupt, or the end of the time-out, leaves it in the queue.

        Args:
            timeout: seconds; None for as long as it takes.

        Raises:
            FalNotebookError: the request failed, or the queue cannot be reached.
        """
        if self._result is None:
            with interruptible():
                stream = self.stream(timeout=timeout)
                self._keep(stream.result(), stream)
        return self._result  # type: ignore[return-value]  # `_keep` set it

    def cancel(self) -> bool:
        """Take it out of the queue; return whether it had not ended. If it is at work, it may end and be billed.

        Raises:
            FalNotebookError: the queue did not take it.
        """
        return _asked(self._address, lambda http: queue_exchange.cancel(http, self._links, self.request_id))

    def __await__(self) -> Generator[Any, None, Result]:
        return self._awaited().__await__()

    def __repr__(self) -> str:
        known = f", {self._known.words}" if self._known else ""
        return f"<Submitted {self.endpoint}, request {self.request_id}{known}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from ..render.bundles import merged, small_bundle

        if self._result is not None:
            return self._result._repr_mimebundle_()
        lines = [f"in fal's queue: {self.endpoint} · request {self.request_id}", self.how_to_come_back]
        if self._known is not None:
            lines.insert(1, self._known.words)
        lines += [each.message for each in self.logs[-_LONGEST_SHOWN:]]
        return {**merged([small_bundle(each) for each in lines])[0], "text/plain": repr(self)}

    @property
    def how_to_come_back(self) -> str:
        """What a user does to see the answer, in any notebook."""
        host = f" --base-url {self._base_url}" if self._base_url else ""
        return f"%falstream attach {self.endpoint} {self.request_id}{host} shows its answer, in any notebook"

    async def _awaited(self) -> Result:
        if self._result is None:
            stream = self.stream()
            self._keep(await stream, stream)
        return self._result  # type: ignore[return-value]  # `_keep` set it

    def _keep(self, result: Result, stream: QueueStream) -> None:
        self._result = result
        if stream.status is not None:
            self._note(self._address.target.redaction.value(stream.status))

    def _note(self, status: QueueStatus) -> None:
        self._known, self.logs = status, status.logs or self.logs


class QueuedRequests:
    """The requests that a session has put into the queue or come back to, by their ids, the newest last."""

    def __init__(self) -> None:
        self.known: OrderedDict[str, Submitted] = OrderedDict()

    def find(self, request_id: str) -> Submitted:
        """A request by its id, or by its first characters where only one begins so.

        Raises:
            InvalidRequest: none is known.
        """
        found = [each for name, each in self.known.items() if name.startswith(request_id)] if request_id else []
        if len(found) != 1:
            raise InvalidRequest(
                "this kernel remembers no request with this id", hint="%falstream attach ENDPOINT REQUEST_ID finds it"
            )
        return found[0]


def remember(submitted: Submitted, own: Session | None = None) -> Submitted:
    """Let a session remember a request; the kernel's where none is given."""
    known = (own or session()).companion(QueuedRequests).known
    known.pop(submitted.request_id, None)
    known[submitted.request_id] = submitted
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
    return submitted


def submit_stream(
    own: Session,
    endpoint: str,
    arguments: Mapping[str, Any],
    *,
    base_url: str | None,
    timeout: float | None,
) -> QueueStream:
    """Put a request into the queue and follow it; never waits.

    Args:
        own: the session.
        endpoint: the endpoint.
        arguments: its arguments.
        base_url: as for `submit`.
        timeout: seconds until the stream gives up; the request stays in the queue.

    Raises:
        InvalidRequest: the endpoint, an argument or a setting cannot be used.
        CredentialsError: no key was found.
    """
    address = queue_address(endpoint, base_url)
    receiver = QueueReceiver()
    payload = own.payload(arguments, address.target, receiver)
    uploads = own.companion(Uploads)

    async def message() -> bytes:
        return (await uploads.message(payload, address.target, receiver.transfer)).encode()

    max_body = own.limits.max_body

    def note(told: Taken) -> None:
        links = address.links(told.request_id, dict(told.told))
        remember(Submitted(address, told.request_id, links, base_url), own)

    request = own.begin(lambda _: submit_and_follow(address, message, receiver, timeout, max_body, note), [receiver])
    return QueueStream(address.target, receiver, request.cancel, nested=own.nested)


def _asked(address: QueueAddress, ask: Callable[[QueueHTTP], Coroutine[Any, Any, Value]]) -> Value:
    """What one question to the queue brings, asked on the I/O thread and waited for here."""
    inbox: Inbox[tuple[Value | None, FalNotebookError | None]] = Inbox()
    own = session()
    max_body = own.limits.max_body

    async def work(_: IOThread) -> None:
        value: Value | None = None
        error: FalNotebookError | None = RequestError("the question to the queue ended without an answer")
        try:
            http = await on_thread(lambda: QueueHTTP(address, max_body))
            try:
                value, error = await ask(http), None
            finally:
                await http.close()
        except FalNotebookError as exc:
            error = bare(exc, address.target.redaction)
        except Exception as exc:  # noqa: BLE001 - the caller waits for it
            error = RequestError(f"the queue could not be asked: {type(exc).__name__}")
        finally:
            inbox.put((value, error))

    request = own.begin(work)
    try:
        while not (found := inbox.take()):
            wait(inbox, 1.0, nested=own.nested)
            if request.done():  # the thread may have ended before the work began
                inbox.put((None, RequestError("the thread that asks the queue has ended")))
    except BaseException:
        request.cancel()
        raise
    value, error = found[0]
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # without an error it is there
