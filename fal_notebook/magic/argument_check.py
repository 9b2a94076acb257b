"""The check of a run's arguments before anything is sent, as `client.argument_check` does it, by the line's options."""

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..client.argument_check import doubts_of, joined

if TYPE_CHECKING:
    from .request import Request


def check_requests(requests: "Mapping[str, Request]", options: Namespace) -> str:
    """Check the requests of a run, and return what is in doubt about them in one line.

    Raises:
        InvalidRequest: the endpoint is certain to refuse a request, or with ``strict`` something is in doubt.
    """
    if options.widget:
        return ""
    told: dict[str, None] = {}
    for each in requests.values():
        base_url = options.base_url or each.base_url
        doubts = doubts_of(
            *(each.endpoint, each.bodies(), options.check),
            base_url=base_url,
            way_out="--no-check",
            with_news=not options.quiet,
        )
        told.update(dict.fromkeys(doubts))
    return "" if options.quiet else joined(list(told))
