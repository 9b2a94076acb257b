"""Which engine sends the rows of a run: the one that was asked for, or the one that fits."""

from ..errors import InvalidRequest
from .engine import EngineName

CHOICES = ("auto", "sockets", "queue")


def choose(engine: str, endpoint: str, rows: int) -> tuple[EngineName, str]:
    """The engine, and why it is that one, in a few words.

    Args:
        engine: one of `CHOICES`.
        endpoint: the endpoint that is asked.
        rows: how many rows there are.

    Raises:
        InvalidRequest: there is no such engine.
    """
    if engine not in CHOICES:
        raise InvalidRequest(f"engine={engine!r:.40} is none of {', '.join(CHOICES)}")
    return "sockets", "the only one"
