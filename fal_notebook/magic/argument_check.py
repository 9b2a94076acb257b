"""Holds the arguments of a run against the endpoint's schema before anything is sent, where the schema is in memory.

Nothing waits for a schema: where none is there, nothing is checked, and a thread fetches it for the next run. What the
endpoint is certain to refuse is not sent; what is in doubt is sent, and told. A schema that is old doubts only.
"""

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..client.catalogue import Catalogue, KnownSchema
from ..client.sessions import session
from ..errors import InvalidRequest
from ..wire.target import endpoint_name

if TYPE_CHECKING:
    from ..schema.checking import Problem
    from ..schema.endpoint_schema import EndpointSchema

_LONGEST = 430  # characters of all problems together; an error and a line of an output have 500
_CHECKED = ("warn", "strict")


def schema_of_line(options: Namespace) -> "EndpointSchema | None":
    """The schema of the line's endpoint, of the first one if there are several; None if none is known yet."""
    if options.check not in _CHECKED or not options.endpoint:
        return None
    known = _known(options.endpoint.partition(",")[0], options)
    return None if known is None else known.schema


def check_requests(requests: Iterable[tuple[str, Mapping[str, Any]]], options: Namespace) -> str:
    """Check the requests of a run, and return what is in doubt about them in one line.

    Args:
        requests: the endpoint and the arguments of each.
        options: what the line says.

    Raises:
        InvalidRequest: the endpoint is certain to refuse a request, or with ``strict`` something is in doubt.
    """
    if options.check not in _CHECKED or options.widget:
        return ""
    told: dict[str, None] = {}
    for endpoint, arguments in requests:
        known = _known(endpoint, options)
        if known is None:
            continue
        from ..schema.checking import check

        problems = check(known.schema, arguments)
        if problems and (options.check == "strict" or (problems[0].is_certain and not known.is_old)):
            message = f"{endpoint}: {_joined([each.words for each in problems])}"
            raise InvalidRequest(message, hint=_hint(endpoint, problems))
        told.update(dict.fromkeys(each.words for each in problems))
        if known.schema.deprecated and session().companion(Catalogue).is_news(endpoint):
            instead = known.schema.replaced_by
            told[f"{endpoint} is deprecated{f', use {instead}' if instead else ''}"] = None
    return _joined(list(told))


def _known(endpoint: str, options: Namespace) -> KnownSchema | None:
    try:
        return session().companion(Catalogue).known(endpoint_name(endpoint), options.base_url or None)
    except InvalidRequest:  # said when the request is made
        return None


def _hint(endpoint: str, problems: "Sequence[Problem]") -> str:
    sent = "nothing was sent" if problems[0].is_certain else "nothing was sent, since FalMagics.check is strict"
    return f"{sent}; %falstream info {endpoint} lists the arguments, --no-check sends them as they are"


def _joined(words: Sequence[str]) -> str:
    """The words in one line; if that is too long, as many as there is room for, and how many are left."""
    shown: list[str] = []
    for each in words:
        if shown and sum(map(len, shown)) + len(each) > _LONGEST:
            break
        shown.append(each)
    left = len(words) - len(shown)
    return "; ".join([*shown, f"and {left} more"] if left else shown)
