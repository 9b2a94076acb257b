"""What has to run beside the measuring process, in one of its own."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def in_process(work: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """Do work in a process of its own, as long as the block lasts; gives what it sends first.

    Args:
        work: a function of a module, called with a pipe to send by and the arguments.
        arguments: what can be pickled.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()  # a process that fails is an end, not a wait
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()
