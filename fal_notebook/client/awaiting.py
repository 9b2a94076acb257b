"""The request that is awaited.

What a request needs is imported when the first is made, on a thread: on the loop it would hold up everything else
there for a fifth of a second and more.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .off_loop import on_thread
from .waiting import check_asyncio

if TYPE_CHECKING:
    from .result import Result


async def arun(
    endpoint: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - of the request, the same as in `run`
    base_url: str | None = None,
    **more: Any,
) -> "Result":
    """Send a request and await its result; cancelling the task stops it. Takes what `stream` takes.

    Raises:
        FalNotebookError: the request failed. A `RequestError` has what had come as its ``result``.
        InvalidRequest: no asyncio event loop runs here. Nothing was sent.
    """
    check_asyncio()
    await on_thread(_import)
    from .api import stream

    return await stream(endpoint, arguments, timeout=timeout, base_url=base_url, **more)


def _import() -> None:
    from . import api  # noqa: F401 - for what it imports
