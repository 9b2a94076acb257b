"""Delays interrupts (SIGINT) to places where ``KeyboardInterrupt`` does no harm.

An interrupt can come between any two instructions, and a second one while the first is being handled. Some work must
not be cut in two, such as replacing the live widgets of an output by the final answer. `Interrupts` holds interrupts
until such work is done.

A running event loop installs its own handler, which cancels its task at the next ``await``: asyncio does so in a
script, ipykernel in a cell with ``await``. A call that blocks on the loop's thread reaches no ``await``, so that
handler would never stop it; `interruptible` takes the handler away meanwhile. A blocking call may also run the loop
from within. Then ``KeyboardInterrupt`` must not be raised in the middle of the loop's work, where callbacks would be
lost and the kernel might hear no more messages; `Interrupts.waking` ends the call in another way.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

_PATIENCE = 1.0  # seconds that an interrupt may have no effect; after them the next one is raised at once


class Interrupts:
    """A block in which interrupts are held, except within `let_through`. At its end a held one is raised.

    For example::

        with Interrupts() as interrupts:
            request = send()
            with interrupts.let_through():
                wait_for(request)
            put_away(request)

    Python handles interrupts on its main thread only. On other threads, and in programs that ignore interrupts, the
    block has no effect.

    Attributes:
        is_held: whether an interrupt has come that has not been raised yet.
    """

    def __init__(self) -> None:
        self.is_held = False
        self._lets_through = False
        self._wake: Callable[[], object] | None = None
        self._came_at = 0.0
        self._previous = _handler()

    def __enter__(self) -> Self:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
        if self.is_held and kind is None:
            if isinstance(self._previous, Interrupts):
                self._previous(signal.SIGINT, None)
            else:
                raise KeyboardInterrupt

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle an interrupt; this object is the signal handler."""
        unnoticed = self._wake is not None and self.is_held and time.monotonic() > self._came_at + _PATIENCE
        if self._lets_through or unnoticed:
            self._lets_through = self.is_held = False  # a further one is held while this one is handled
            raise KeyboardInterrupt
        if self.is_held:
            return
        self.is_held, self._came_at = True, time.monotonic()
        if self._wake is not None:
            self._wake()

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """A block in which an interrupt raises nothing but calls ``wake``, which has to make the block end.

        If that has had no effect for a second, the next interrupt is raised at once.
        """
        self._wake = wake
        try:
            yield
        finally:
            self._wake = None

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """A block in which the first interrupt is raised at once; one that was held is raised when it begins."""
        self._lets_through = True
        try:
            if self.is_held:
                self.is_held = False
                raise KeyboardInterrupt
            yield
        finally:
            self._lets_through = False


@contextmanager
def interruptible() -> Iterator[None]:
    """A block in which an interrupt is raised at once, even if a running event loop has installed its own handler."""
    before = _handler()
    if before is None or isinstance(before, Interrupts):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _handler() -> "signal._HANDLER":
    """The Python function that handles interrupts on this thread; None if there is none."""
    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    return handler if is_main and callable(handler) else None
