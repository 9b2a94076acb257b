"""Runs work in a process of its own, beside the process that measures."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def in_process(work: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """Do work in a process of its own for as long as the block lasts, and give the first value that it sends.

    Args:
        work: a function of a module; it is called with a pipe by which it sends, and the arguments.
        arguments: values that can be pickled.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()  # so that the pipe ends if the process fails, and nobody waits for it
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()
