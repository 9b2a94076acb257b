"""Sans-I/O: what fal's queue says: that a request was taken, how far it is, and which requests there were.

A queue may leave out what it has nothing to say of, and may know states that fal has not documented. Only what cannot
be understood at all is an error.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ProtocolViolation
from ..safety.bounded_json import decode_json
from ..safety.plain_text import one_line

_LONGEST_LINE = 500  # characters of a line of the logs
_MOST_LINES = 10_000
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3})(?:\.\d+)?\s?%")


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a model logged.

    Attributes:
        message: the words.
        level: such as ``INFO``; empty where it is not known.
        timestamp: when, as the queue writes it.
    """

    message: str
    level: str = ""
    timestamp: str = ""

    def __str__(self) -> str:
        return self.message

    @property
    def fraction(self) -> float | None:
        """How far the work is, from 0 to 1, if the line says so: ``35%|███▌      | 7/20``."""
        found = _PERCENT.findall(self.message)
        return int(found[-1]) / 100 if found and int(found[-1]) <= 100 else None


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """How far a request is.

    Attributes:
        state: ``IN_QUEUE``, ``IN_PROGRESS`` or ``COMPLETED``; fal's own words.
        position: how many requests are ahead of it; None once it is at work.
        logs: what the model has logged.
        seconds: how long the model has worked, once it is completed.
        error: what went wrong, once it is completed.
        error_type: fal's name for it.
    """

    state: str
    position: int | None = None
    logs: tuple[LogLine, ...] = ()
    seconds: float | None = None
    error: str | None = None
    error_type: str | None = None

    @property
    def is_completed(self) -> bool:
        """Whether the answer, or an error in its place, can be fetched."""
        return self.state == "COMPLETED"

    @property
    def words(self) -> str:
        """The state as a reader says it: ``in the queue, 3 ahead``."""
        if self.state == "IN_QUEUE":
            ahead = {None: "", 0: ", next"}.get(self.position, f", {self.position:,} ahead" if self.position else "")
            return f"in the queue{ahead}"
        known = {"IN_PROGRESS": "at work", "COMPLETED": "completed"}
        return known.get(self.state) or one_line(self.state.replace("_", " ").lower(), 40)


@dataclass(frozen=True, slots=True)
class Taken:
    """What the queue says of a request that it took.

    Attributes:
        request_id: the id that it gave to the request.
        told: the addresses that it told, by their names.
        position: how many requests are ahead of it.
    """

    request_id: str
    told: Mapping[str, Any] = field(default_factory=dict)
    position: int | None = None


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """A request in the list of requests.

    Attributes:
        request_id: its id.
        sent_at: when it was sent, as the list writes it.
        status: the HTTP status of its answer; None before its end.
        arguments: what was asked; None where the list does not say.
    """

    request_id: str
    sent_at: str
    status: int | None
    arguments: Any


def read_taken(body: bytes) -> Taken:
    """What the queue says of a request that it took.

    Raises:
        ProtocolViolation: it does not say what id the request has.
    """
    told = _object(body)
    name = told.get("request_id")
    if not isinstance(name, str) or not name:
        raise ProtocolViolation("the queue gave the request no id", hint="it may have been taken; fal.ai lists it")
    return Taken(name, told, _count(told.get("queue_position")))


def read_status(body: bytes) -> QueueStatus:
    """How far a request is.

    Raises:
        ProtocolViolation: it is no status.
    """
    told = _object(body)
    state = told.get("status")
    if not isinstance(state, str):
        raise ProtocolViolation("the queue gave no status", hint="is this really fal's queue?")
    logs, metrics, error = told.get("logs"), told.get("metrics"), told.get("error")
    seconds = metrics.get("inference_time") if isinstance(metrics, dict) else None
    return QueueStatus(
        state,
        _count(told.get("queue_position")),
        tuple(map(_line, logs[-_MOST_LINES:])) if isinstance(logs, list) else (),
        float(seconds) if isinstance(seconds, int | float) else None,
        None if error is None else one_line(error if isinstance(error, str) else json.dumps(error)),
        told.get("error_type") if isinstance(told.get("error_type"), str) else None,
    )


def read_list(body: bytes) -> tuple[list[ListedRequest], str | None]:
    """A page of the list of requests, and what names the next one; None where there is no other.

    Raises:
        ProtocolViolation: it is no list.
    """
    told = _object(body)
    items = told.get("items")
    if not isinstance(items, list):
        raise ProtocolViolation("the list of requests has no items", hint="is this really fal's list?")
    cursor = told.get("next_cursor")
    found = [
        ListedRequest(
            each["request_id"], str(each.get("sent_at") or ""), _count(each.get("status_code")), each.get("json_input")
        )
        for each in items
        if isinstance(each, dict) and isinstance(each.get("request_id"), str)
    ]
    return found, cursor if isinstance(cursor, str) and cursor else None


def is_still_at_work(status: int, body: bytes) -> bool:
    """Whether an answer that was asked for is no answer, because the request has not ended."""
    return status == 400 and b"still in progress" in body[:1_000]


def _line(told: Any) -> LogLine:
    if not isinstance(told, dict):
        return LogLine(one_line(str(told), _LONGEST_LINE))
    words = (str(told.get(name) or "") for name in ("message", "level", "timestamp"))
    message, level, timestamp = (one_line(each, _LONGEST_LINE) for each in words)
    return LogLine(message, level, timestamp)


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = decode_json(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ProtocolViolation("the queue answered with something else than JSON", hint="is this really fal's queue?")
    return value
