"""Rows of which nobody knows whether fal got them are looked for in fal's list of requests.

A request in the list is a row's if it asks for the same, was sent at about the time of its intent, and is not known as
another row's. What is not found is left as it is: the list may lag, and a row is never sent again by itself.
"""

import json
from dataclasses import dataclass
from typing import Any

from ..client.queue_exchange import listed
from ..wire.queue_http import QueueHTTP
from ..wire.queue_protocol import ListedRequest
from .journal import Journal
from .row_files import filled
from .stored import StoredRow

_BEFORE, _AFTER = 5.0, 300.0  # seconds around an intent in which its request was sent: clocks differ, networks are slow
_MOST_ROWS = 1_000  # that are looked for at once


@dataclass(frozen=True)
class Unknown:
    """A row of which nobody knows whether it was received.

    Attributes:
        number: the row.
        arguments: what was asked.
        sent: when it was about to be sent, in seconds since 1970.
    """

    number: int
    arguments: dict[str, Any]
    sent: float


def unknown_rows(journal: Journal) -> list[Unknown]:
    """The rows of a journal of which nobody knows whether they were received, the first thousand of them."""
    rows: list[StoredRow] = [journal.row(number) for number in journal.in_state("unknown", _MOST_ROWS)]
    arguments = journal.arguments([each.number for each in rows])
    return [
        Unknown(row.number, _as_sent(arguments[row.number], journal), row.sent or 0.0)
        for row in rows
        if row.engine == "queue"
    ]


def _as_sent(arguments: dict[str, Any], journal: Journal) -> dict[str, Any]:
    """Arguments with what was sent in the place of marks: the URLs of their files, or the files."""
    sent: dict[str, Any] = json.loads(filled(json.dumps(arguments), journal.address_of))
    return sent


async def candidates(http: QueueHTTP, rows: list[Unknown]) -> list[ListedRequest]:
    """The requests of fal's list from the time of these rows.

    Raises:
        ConnectError, RequestError: the list cannot be had.
    """
    found: dict[str, ListedRequest] = {}
    for start, end in _spans([each.sent for each in rows]):
        found.update({each.request_id: each for each in await listed(http, start, end)})
    return list(found.values())


def matches(rows: list[Unknown], found: list[ListedRequest], known: set[str]) -> dict[int, str]:
    """The ids of the rows' requests, as far as they are found.

    Args:
        rows: the rows.
        found: the list.
        known: ids that are other rows'.
    """
    free: dict[str, list[str]] = {}
    for each in reversed(found):  # the oldest first
        if each.request_id not in known:
            free.setdefault(_form(each.arguments), []).append(each.request_id)
    result: dict[int, str] = {}
    for row in rows:
        ids = free.get(_form(row.arguments))
        if ids:
            result[row.number] = ids.pop(0)
    return result


def _form(arguments: Any) -> str:
    return json.dumps(arguments, sort_keys=True)


def _spans(times: list[float]) -> list[tuple[float, float]]:
    """The times around intents, joined where they overlap."""
    spans: list[tuple[float, float]] = []
    for time in sorted(times):
        if spans and time - _BEFORE <= spans[-1][1]:
            spans[-1] = (spans[-1][0], time + _AFTER)
        else:
            spans.append((time - _BEFORE, time + _AFTER))
    return spans
