"""One request under way, as its consumer sees it: what arrives, and in the end the `Result`.

Two threads meet here. The I/O thread notes times and puts events into the inbox (`receiver`). The consumer, one thread
or one event loop, takes them out and reads them (`reading`). So decoding costs the connection nothing, and a slow
consumer changes no measure of time.
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
from .waiting import check_asyncio, wait

_MOMENT = 0.03  # seconds that reading goes on, so that an interrupt is heard


class Stream:
    """What arrives of one response: an iterator and an async iterator of updates, with `result` and `cancel`.

    For one consumer. Leaving a loop early does not stop the request; `cancel`, or a ``with`` block, does. What cannot
    be read ends the request with a `RequestError`, which has what had come by then::

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
        in_line: bool = False,
    ) -> None:
        self._target = target
        self._receiver = receiver
        self._cancel = cancel
        self._nested = nested
        self._reading = Reading(target, receiver, cancel, in_line=in_line)
        self._pending: deque[Update] = deque()

    @property
    def endpoint(self) -> str:
        """The endpoint that was asked."""
        return self._target.endpoint

    @property
    def is_done(self) -> bool:
        """Whether the whole response has been taken."""
        return self._reading.result is not None

    @property
    def bytes(self) -> int:
        """How many bytes of the body have come."""
        return self._receiver.bytes

    @property
    def elapsed(self) -> float:
        """Seconds since the call; until the end, once that has come."""
        return self._receiver.elapsed

    @property
    def is_connecting(self) -> bool:
        """Whether the arguments have not been sent yet."""
        return self._receiver.sent_at is None and not self.is_done

    @property
    def first_byte_after(self) -> float | None:
        """Seconds from the call to the first byte of the body, once that has come."""
        return self._receiver.first_byte_after

    @property
    def request_id(self) -> str | None:
        """The id that the server gave to the request, once that has been taken."""
        return self._reading.request_id

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return self._reading.text

    def take(self) -> list[Update]:
        """The updates that have come since the last call; never waits.

        Where so much has come that reading takes longer than a moment, the rest is for the next call.
        """
        updates = list(self._pending)
        self._pending.clear()
        enough = time.monotonic() + _MOMENT
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
        """The result as far as it has been taken; the result itself at the end."""
        return self._reading.so_far()

    def outcome(self) -> Result:
        """Wait for the end and return the result, also where it is a failure: `Result.error` tells."""
        while self._reading.result is None:
            self.wait()
            for _ in self._reading.drain():  # piece by piece: what is not kept is not held
                pass
        return self._reading.result

    def result(self) -> Result:
        """Wait for the end and return the result. An interrupt stops the request.

        Raises:
            FalNotebookError: the request failed. A `RequestError` has what had come as its ``result``.
        """
        try:
            return _checked(self.outcome())
        except BaseException:
            self._stop_waiting()
            raise

    def cancel(self) -> None:
        """Stop the request: its connection closes at once. What has come stays; after the end it does nothing."""
        self._cancel()

    def __iter__(self) -> Iterator[Update]:
        return self

    def __next__(self) -> Update:
        try:
            while not self._pending and not self.is_done:
                self.wait()
                self._pending.extend(self.take())
        except BaseException:
            self._stop_waiting()
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

    def _stop_waiting(self) -> None:
        """Stop a request that nobody follows any more."""
        if not self.is_done:
            self.cancel()

    async def _await_result(self) -> Result:
        while self._reading.result is None:
            await self._arrival()
            self.take()
        return _checked(self._reading.result)

    async def _arrival(self) -> None:
        try:
            check_asyncio()
            await (asyncio.sleep(0) if self._reading.has_more else self._receiver.inbox.wait_async())
        except BaseException:
            self.cancel()
            raise


def end_of(stream: Stream, failure: Exception | None = None) -> Result:
    """Wait for the end and return the result, for who can raise nothing and still has to end.

    Args:
        stream: the request.
        failure: what went wrong while it was shown: the error of a result that has none.
    """
    try:
        return with_show_error(stream.outcome(), failure)
    except Exception as exc:  # noqa: BLE001 - whatever it is, nobody waits for ever
        stream.cancel()
        return with_show_error(stream.so_far(), exc)


def _checked(result: Result) -> Result:
    if result.error is not None:
        raise result.error
    return result
