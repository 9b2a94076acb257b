"""The function that sends a request and is awaited.

Files in the arguments are read on a thread, since that would block every other task on the event loop. So would the
import of the modules that a request needs, which takes a fifth of a second or more; the first call does it there, too.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .off_loop import on_thread
from .waiting import check_asyncio

if TYPE_CHECKING:
    from .argument_check import Check
    from .result import Result


async def arun(
    endpoint: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - of the request, the same as in `run`
    base_url: str | None = None,
    check: "Check | None" = None,
    **more: Any,
) -> "Result":
    """Send a request and await its result; cancelling the task stops it. The parameters are those of `stream`.

    Raises:
        FalNotebookError: the request failed. The ``result`` of a `RequestError` holds what had arrived by then.
        InvalidRequest: no asyncio event loop runs here. Nothing was sent.
    """
    check_asyncio()
    ready = await on_thread(lambda: _settled(arguments, more))
    from .api import stream

    return await stream(endpoint, ready, timeout=timeout, base_url=base_url, check=check)


def _settled(arguments: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments with their files read. What a request needs is imported meanwhile."""
    from . import api  # noqa: F401 - imported only to load what it needs
    from .arguments import settled, together

    return settled(together(arguments, more))
