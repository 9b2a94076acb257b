"""Floor 0: interrupts, taken only where they do no harm.

An interrupt can come between any two steps, and while a first one is being dealt with, a second. What must not be
cut in two, such as the change from the live part of an output to what stays of it, holds them until it is done.

An event loop that runs takes interrupts itself, to stop its task at the next ``await``: asyncio does so in a script,
ipykernel in a cell with ``await``. A call that blocks on that loop's thread has no such place, and would never stop.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self


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
            raise KeyboardInterrupt

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take an interrupt; what the system calls."""
        self.is_held = not self._lets_through
        if self._lets_through:
            self._lets_through = False  # the next finds the first being dealt with
            raise KeyboardInterrupt

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
