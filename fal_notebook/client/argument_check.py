"""Holds arguments against the endpoint's schema before anything is sent: for the magic, Python's functions and the box.

Nothing waits for a schema: where none is in memory, nothing is checked, and a thread fetches it for the next request.
What the endpoint is certain to refuse is not sent; what is in doubt is sent, and told. An old schema doubts only. That
an endpoint is deprecated is told once for each session, also where nothing is checked.
"""

import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..errors import InvalidRequest
from ..wire.environment import is_fals
from ..wire.target import endpoint_name
from .catalogue import Catalogue, KnownSchema
from .known_endpoints import successor_of, takes_messages
from .sessions import session

if TYPE_CHECKING:
    from ..schema.checking import Problem

Check = Literal["warn", "strict", "off"]
"""What is done about arguments that do not fit: doubts are told (warn), not sent (strict), or nothing is checked (off).
"""
_LONGEST = 430  # characters of all problems together; an error and a line of an output have 500
_MOST = 100  # doubts of many requests together
_PACKAGE = __name__.partition(".")[0]


class EndpointWarning(UserWarning):
    """An argument that the endpoint does not seem to take, or a deprecated endpoint. The request is sent."""


def checked(check: str | None) -> str:
    """The way to check: as given, else the session's.

    Raises:
        InvalidRequest: there is no such way.
    """
    found = session().check if check is None else check
    if found not in ("warn", "strict", "off"):
        raise InvalidRequest(f"check={found!r:.40} is none of warn, strict and off")
    return found


def doubts_of(
    endpoint: str,
    requests: Iterable[Mapping[str, Any]],
    check: str,
    *,
    base_url: str | None = None,
    way_out: str = 'check="off"',
    with_news: bool = True,
) -> list[str]:
    """What is in doubt about requests to an endpoint, each doubt once.

    Args:
        endpoint: the endpoint.
        requests: the arguments of each.
        check: ``warn``, ``strict`` or ``off``.
        base_url: another host.
        way_out: what sends the arguments as they are, for the error's words.
        with_news: whether it is to be told now that the endpoint is deprecated.

    Raises:
        InvalidRequest: the endpoint is certain to refuse a request, or with ``strict`` something is in doubt.
    """
    told: dict[str, None] = {}
    known = None if check == "off" else _known(endpoint, base_url)
    for arguments in () if known is None else requests:
        problems = _problems(known, arguments)
        if problems and (check == "strict" or (problems[0].is_certain and not (known and known.is_old))):
            message = f"{endpoint}: {joined([each.words for each in problems])}"
            raise InvalidRequest(message, hint=_hint(endpoint, problems, way_out))
        if len(told) < _MOST:
            told.update(dict.fromkeys(each.words for each in problems))
    return [*told, *(_deprecation(endpoint, base_url) if with_news else ())]


def warn(doubts: Sequence[str]) -> None:
    """Warn of what is in doubt, at the line of the user's code that sends the request."""
    if doubts:
        warnings.warn(joined(doubts), EndpointWarning, stacklevel=_levels())


def joined(words: Sequence[str]) -> str:
    """The words in one line; if that is too long, as many as there is room for, and how many are left."""
    shown: list[str] = []
    for each in words:
        if shown and sum(map(len, shown)) + len(each) > _LONGEST:
            break
        shown.append(each)
    left = len(words) - len(shown)
    return "; ".join([*shown, f"and {left} more"] if left else shown)


def _known(endpoint: str, base_url: str | None) -> KnownSchema | None:
    try:
        return session().companion(Catalogue).known(endpoint_name(endpoint), base_url)
    except InvalidRequest:  # said when the request is made
        return None


def _problems(known: KnownSchema | None, arguments: Mapping[str, Any]) -> "Sequence[Problem]":
    if known is None:
        return ()
    from ..schema.checking import check

    return check(known.schema, arguments)


def _deprecation(endpoint: str, base_url: str | None) -> list[str]:
    """That the endpoint is deprecated, at the first time."""
    catalogue = session().companion(Catalogue)
    try:
        name = endpoint_name(endpoint)
        schema = catalogue.in_memory(name, base_url)
        is_fal = is_fals(base_url)
    except InvalidRequest:
        return []
    instead = (schema.replaced_by if schema else "") or (successor_of(name) if is_fal else "")
    if not (instead or (schema and schema.deprecated)) or not catalogue.is_news(name):
        return []
    return [f"{name} is deprecated{f', use {instead}' if instead else ''}"]


def _hint(endpoint: str, problems: "Sequence[Problem]", way_out: str) -> str:
    sent = "nothing was sent" if problems[0].is_certain else "nothing was sent, since the check is strict"
    if takes_messages(endpoint) and any(each.path == "messages" for each in problems):
        chat = "--chat NAME" if way_out.startswith("--") else "fal.chat"
        return f"{sent}; it takes a conversation, and {chat} makes one of prompts"
    return f"{sent}; %falstream info {endpoint} lists the arguments, {way_out} sends them as they are"


def _levels() -> int:
    """How many frames above `warn` the first one is that does not belong to this package."""
    frame, levels = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame, levels = frame.f_back, levels + 1
    return levels
