"""Which engine sends the rows of a run: the one that was asked for, or the one that fits."""

import re

from ..errors import InvalidRequest
from ..wire import environment
from .engine import EngineName

CHOICES = ("auto", "sockets", "queue")
_MANY = 5_000  # rows, from which on it is likely that the kernel does not live to their end
_TAKES_LONG = re.compile(r"video|veo|sora|kling|hunyuan|wan[-/]|ltx|pixverse|music|3d|train", re.IGNORECASE)


def choose(engine: str, endpoint: str, rows: int, base_url: str | None = None) -> tuple[EngineName, str]:
    """The engine, and why it is that one, in a few words.

    Args:
        engine: one of `CHOICES`.
        endpoint: the endpoint that is asked.
        rows: how many rows there are.
        base_url: another host than that of the environment.

    Raises:
        InvalidRequest: there is no such engine.
    """
    if engine not in CHOICES:
        raise InvalidRequest(f"engine={engine!r:.40} is none of {', '.join(CHOICES)}")
    if engine in ("sockets", "queue"):
        return ("queue" if engine == "queue" else "sockets"), "as you say"
    if endpoint.endswith("/stream"):
        return "sockets", "since the queue does not stream"
    if not environment.is_fal(base_url or environment.base_url()):
        return "sockets", "since a gateway of your own may have no queue"
    if _TAKES_LONG.search(endpoint):
        return "queue", "since its requests take minutes: it goes on without this kernel"
    if rows >= _MANY:
        return "queue", "since there are many rows: it goes on without this kernel"
    return "sockets", "since its requests are short"
