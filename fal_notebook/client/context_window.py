"""How much of a conversation a model reads: the oldest turns are left out to stay within that."""

import re
from collections.abc import Sequence

from ..errors import RequestError
from . import messages as turns
from .messages import Message

_REFUSED_AS_TOO_LONG = (400, 413, 422)
_TOO_LONG = re.compile(r"context|too[ _-]?long|(?:maximum|reads at most|limit of)[^.]{0,40}token", re.IGNORECASE)
_NUMBER_OF_TOKENS = re.compile(r"(?:at most|maximum[^.\d]{0,60}|limit of|limit is)\s*([\d,]{3,9})\b", re.IGNORECASE)
_FEWEST = 100  # tokens that a server can mean by the most that its model reads
_SHARE = 0.75  # of the most tokens, for the conversation: the rest is left for the answer
_HINT = "the conversation is too long for the model; ask again, and its oldest turns are left out"


def within(messages: Sequence[Message], context: int | None) -> list[Message]:
    """The messages that are sent: without the oldest turns where the model does not read all.

    Args:
        messages: the conversation.
        context: the most tokens that the model reads; None if that is unknown.
    """
    return list(messages) if context is None else turns.newest_within(messages, int(context * _SHARE))


def learned(error: RequestError, messages: Sequence[Message]) -> int | None:
    """The most tokens that the model reads, if a request was refused because there were more; None otherwise.

    The error gets a hint then. The request is not sent again: whether a refused one was billed is not known.

    Args:
        error: how the request failed.
        messages: what was said before.
    """
    words = str(error.detail or error.message)
    if error.status not in _REFUSED_AS_TOO_LONG or not _TOO_LONG.search(words) or len(messages) < 2:
        return None
    error.hint = _HINT
    number = _NUMBER_OF_TOKENS.search(words)
    told = int(number[1].replace(",", "")) if number else 0
    return told if told >= _FEWEST else int(turns.tokens(messages) * _SHARE)
