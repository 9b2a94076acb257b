"""One request under way, as its consumer sees it: the updates that arrive, and in the end the `Result`.

Two threads meet here. The I/O thread notes times and puts events into the inbox (`receiver`). The consumer, one thread
or one event loop, takes them out and decodes them (`reading`). So decoding does not hold up the connection, and a slow
consumer does not change the measured times.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from types import TracebackType
from typing import Any, Self

from ..response.updates import Update
from ..wire.target import Target
from .reading import Reading
from .receiver import Receiver
from .result import Result, with_show_error
from .transfers import Transfer
from .waiting import check_asyncio, wait

_READ_SECONDS = 0.03  # how long one call reads at most, since an interrupt may be held meanwhile


class Stream:
    """The updates of one response: an iterator and an async iterator, with `result` and `cancel`. For one consumer.

    Leaving a loop early does not stop the request; `cancel` does, and so does the end of a ``with`` block. If the
    response cannot be read, the request ends with a `RequestError`, which has the part that was read. Printed updates
    give the words of the answer. A model's reasoning comes as updates of the class `Reasoning`, which print as nothing.
    For example::

        with stream("fal-ai/any-llm/stream", prompt="Hi") as updates:
            for update in updates:
                print(update, end="")
        answer = updates.result()
    """

    def __init__(
        self,
        target: Target,
        receiver: Receiver,
        cancel: Callable[[], object],
        *,
        nested: bool,
        pipelined: bool = False,
    ) -> None:
        self._target = target
        self._receiver = receiver
        self._cancel = cancel
        self._nested = nested
        self._reading = Reading(target, receiver, cancel, pipelined=pipelined)
        self._pending: deque[Update] = deque()
        self._is_cancelled = False

    @property
    def endpoint(self) -> str:
        """The endpoint that was asked."""
        return self._target.endpoint

    @property
    def is_done(self) -> bool:
        """Whether the consumer has taken the whole response."""
        return self._reading.result is not None

    @property
    def is_cancelled(self) -> bool:
        """Whether the request was stopped by its consumer; its end may not have been taken yet."""
        return self._is_cancelled

    @property
    def bytes(self) -> int:
        """How many bytes of the body have come."""
        return self._receiver.bytes

    @property
    def elapsed(self) -> float:
        """Seconds from the call until the end of the request, or until now if it has not ended."""
        return self._receiver.elapsed

    @property
    def is_connecting(self) -> bool:
        """Whether the arguments have not been sent yet."""
        return self._receiver.sent_at is None and not self.is_done

    @property
    def transfer(self) -> Transfer | None:
        """The uploads that the request waits for; None if there are none, or none any more."""
        transfer = self._receiver.transfer
        return transfer if transfer is not None and transfer.is_running and not self.is_done else None

    @property
    def doing(self) -> str:
        """What is waited for, in a few words."""
        return "connecting" if self.is_connecting else "receiving" if self.bytes else "waiting"

    @property
    def first_byte_after(self) -> float | None:
        """Seconds from the call to the first byte of the body; None until that has come."""
        return self._receiver.first_byte_after

    @property
    def request_id(self) -> str | None:
        """The id that the server gave to the request; None until the start of the response has been taken."""
        return self._reading.request_id

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return self._reading.text

    @property
    def reasoning(self) -> str:
        """The text so far of the model's reasoning, if the endpoint sends it."""
        return self._reading.reasoning

    @property
    def is_thinking(self) -> bool:
        """Whether reasoning has come, and neither words nor files behind it yet."""
        return self._reading.thinking.is_running

    @property
    def thinking(self) -> float | None:
        """How long the model has reasoned before its answer, in seconds; None if that is not known."""
        return self._reading.thinking.seconds_until(time.monotonic())

    def take(self) -> list[Update]:
        """The updates that have come since the last call; never waits.

        If so much has come that reading takes long, the next call returns the rest.
        """
        updates = list(self._pending)
        self._pending.clear()
        enough = time.monotonic() + _READ_SECONDS
        for some in self._reading.drain():
            updates += some
            if time.monotonic() > enough:
                break
        return updates

    def wait(self, timeout: float | None = None) -> None:
        """Block until there is something to take, ``timeout`` seconds at most."""
        if not self._pending and not self._reading.has_more:
            wait(self._receiver.inbox, timeout, nested=self._nested)

    def so_far(self) -> Result:
        """The result of what has been taken so far; after the end, the final result."""
        return self._reading.so_far()

    def outcome(self) -> Result:
        """Wait for the end and return the result, also if the request failed: then `Result.error` has the error."""
        while self._reading.result is None:
            self.wait()
            for _ in self._reading.drain():  # the updates are dropped one by one, so they take no memory
                pass
        return self._reading.result

    def result(self) -> Result:
        """Wait for the end and return the result. An interrupt stops the request.

        Raises:
            FalNotebookError: the request failed. A `RequestError` has the part that had come as its ``result``.
        """
        try:
            return _checked(self.outcome())
        except BaseException:
            self._cancel_unless_done()
            raise

    def cancel(self) -> None:
        """Stop the request and close its connection at once. What has come is kept. After the end, nothing happens."""
        self._is_cancelled = True
        self._cancel()

    def __iter__(self) -> Iterator[Update]:
        return self

    def __next__(self) -> Update:
        try:
            while not self._pending and not self.is_done:
                self.wait()
                self._pending.extend(self.take())
        except BaseException:
            self._cancel_unless_done()
            raise
        if self._pending:
            return self._pending.popleft()
        self.result()
        raise StopIteration

    def __aiter__(self) -> AsyncIterator[Update]:
        return self

    async def __anext__(self) -> Update:
        while not self._pending and not self.is_done:
            await self._arrival()
            self._pending.extend(self.take())
        if self._pending:
            return self._pending.popleft()
        self.result()
        raise StopAsyncIteration

    def __await__(self) -> Generator[Any, None, Result]:
        return self._await_result().__await__()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()

    def __repr__(self) -> str:
        state = "ended" if self.is_done else f"{self.elapsed:.1f} s, {self.bytes:,} bytes"
        return f"<Stream {self.endpoint}, {state}>"

    def _cancel_unless_done(self) -> None:
        """Stop a request whose consumer was interrupted or failed."""
        if not self.is_done:
            self.cancel()

    async def _await_result(self) -> Result:
        while self._reading.result is None:
            await self._arrival()
            self.take()
        return _checked(self._reading.result)

    async def _arrival(self) -> None:
        """Wait until there is something to take. If the wait is cancelled, the request is stopped."""
        try:
            check_asyncio()
            await (asyncio.sleep(0) if self._reading.has_more else self._receiver.inbox.wait_async())
        except BaseException:
            self.cancel()
            raise


def end_of(stream: Stream, failure: Exception | None = None) -> Result:
    """Wait for the end and return the result, for a caller that must not raise, such as a task in the background.

    Args:
        stream: the request.
        failure: the error that showing the stream raised; it becomes the result's error if there is no other.
    """
    try:
        return with_show_error(stream.outcome(), failure)
    except Exception as exc:  # noqa: BLE001 - the caller must not raise
        stream.cancel()
        return with_show_error(stream.so_far(), exc)


def _checked(result: Result) -> Result:
    if result.error is not None:
        raise result.error
    return result
