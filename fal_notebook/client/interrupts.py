"""Interrupts, taken only where they do no harm.

An interrupt can come between any two steps, and while a first one is being dealt with, a second. What must not be
cut in two, such as the change from the live part of an output to what stays of it, holds them until it is done.

An event loop that runs takes interrupts itself, to stop its task at the next ``await``: asyncio does so in a script,
ipykernel in a cell with ``await``. A call that blocks on that loop's thread has no such place, and would never stop.
Nor may an interrupt cut the loop's own work in two, which such a call runs from within: what the loop was about to
call would be lost, and with it the kernel's ear.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

_PATIENCE = 1.0  # seconds that an interrupt may go unnoticed before the next one cuts in


class Interrupts:
    """A block in which interrupts are held, but where they are let through; at its end a held one is raised.

    For example::

        with Interrupts() as interrupts:
            request = send()
            with interrupts.let_through():
                wait_for(request)
            put_away(request)

    Python gives interrupts to its main thread: on another, and where the program ignores them, it does nothing.

    Attributes:
        is_held: whether one has come and has not been raised.
    """

    def __init__(self) -> None:
        self.is_held = False
        self._lets_through = False
        self._wake: Callable[[], object] | None = None
        self._came = 0.0
        self._before = _handler()

    def __enter__(self) -> Self:
        if self._before is not None:
            signal.signal(signal.SIGINT, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self.is_held and kind is None:
            if isinstance(self._before, Interrupts):
                self._before(signal.SIGINT, None)
            else:
                raise KeyboardInterrupt

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take an interrupt; what the system calls."""
        unnoticed = self._wake is not None and self.is_held and time.monotonic() > self._came + _PATIENCE
        if self._lets_through or unnoticed:
            self._lets_through = self.is_held = False  # the next finds the first being dealt with
            raise KeyboardInterrupt
        if self.is_held:
            return
        self.is_held, self._came = True, time.monotonic()
        if self._wake is not None:
            self._wake()

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """A block that an interrupt does not leave by itself: it calls ``wake``, which has to end what goes on there.

        One that comes when a first went unnoticed for a second leaves it at once.
        """
        self._wake = wake
        try:
            yield
        finally:
            self._wake = None

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """A block that an interrupt leaves at once, by ``KeyboardInterrupt``: the first, one that is held included."""
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
    """A block that an interrupt leaves at once, also where a running event loop takes interrupts itself."""
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
    """What takes interrupts on this thread; None where nothing of Python's does."""
    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    return handler if is_main and callable(handler) else None
