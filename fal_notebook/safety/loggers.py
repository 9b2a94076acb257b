"""The libraries below say nothing of their work for us.

A program that logs everything (``logging.basicConfig(level=logging.DEBUG)``) would hear 2,000 lines of a Markdown
parser for one answer. What is called from elsewhere, by the user or on another thread, is logged as before.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LIBRARIES = ("asyncio", "httpcore", "httpx", "markdown_it", "mdit_py_plugins", "websockets")

_MADE_LATE = ("httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")
"""Loggers that come with the first request."""


class _Here(threading.local):
    """Whether this thread works for us."""

    is_quiet = False


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is kept: warnings are, whoever caused them."""
        return record.levelno >= logging.WARNING or not _here.is_quiet


_here = _Here()
_filter = _Filter()


@contextmanager
def quiet() -> Iterator[None]:
    """A block, or a function that this decorates, of which the libraries log nothing below a warning."""
    for name in _MADE_LATE:
        logging.getLogger(name)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in _LIBRARIES and isinstance(logger, logging.Logger):
            logger.addFilter(_filter)
    before = _here.is_quiet
    try:
        _here.is_quiet = True
        yield
    finally:
        _here.is_quiet = before
