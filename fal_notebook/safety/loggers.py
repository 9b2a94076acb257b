"""A filter for the loggers of other libraries, while this package calls them.

A program that logs everything (``logging.basicConfig(level=logging.DEBUG)``) would get 2,000 lines of a Markdown
parser for one answer. Where the user or another thread calls the same libraries, they log as before.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LIBRARIES = ("asyncio", "httpcore", "httpx", "markdown_it", "mdit_py_plugins", "websockets")

_MADE_BY_REQUESTS = ("httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")
"""httpcore makes these loggers with its first request: `quiet` makes them before, so that they get the filter."""


class _ThreadState(threading.local):
    """Whether the current thread is within a `quiet` block."""

    is_quiet = False


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is logged: warnings always are."""
        return record.levelno >= logging.WARNING or not _thread.is_quiet


_thread = _ThreadState()
_filter = _Filter()


@contextmanager
def quiet() -> Iterator[None]:
    """A context manager and decorator: within it, the libraries log nothing below a warning on this thread."""
    for name in _MADE_BY_REQUESTS:
        logging.getLogger(name)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in _LIBRARIES and isinstance(logger, logging.Logger):
            logger.addFilter(_filter)
    before = _thread.is_quiet
    try:
        _thread.is_quiet = True
        yield
    finally:
        _thread.is_quiet = before
