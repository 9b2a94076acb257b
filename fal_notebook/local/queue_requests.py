"""A request in the queue: what was asked, where it stands, and what was answered. Plain values, without I/O."""

from dataclasses import dataclass
from enum import StrEnum

Headers = tuple[tuple[str, str], ...]


class State(StrEnum):
    """Where a request stands; fal's own names."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client asked for.

    Attributes:
        request_id: ours.
        endpoint: the application with its sub-path, such as ``fal-ai/flux/dev``.
        query: the URL's query without what is meant for the queue.
        headers: the client's, without its key.
        body: the arguments, forwarded as they are.
        sent: when it came, in seconds since 1970.
        deadline: when it must have started, in the same seconds; None if it may wait for ever.
        low: whether all requests of normal priority go first.
        retried: whether it is tried again after 503 and 504.
        listed: whether the list of requests shows its input and output.
        webhook: the URL that is told of the answer.
    """

    request_id: str
    endpoint: str
    query: str
    headers: Headers
    body: bytes
    sent: float
    deadline: float | None = None
    low: bool = False
    retried: bool = True
    listed: bool = True
    webhook: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands.

    Attributes:
        endpoint: what it was sent to.
        state: waiting, at work, or completed.
        runs: how often the application was called for it.
        sent: when it came, in seconds since 1970.
        started: when the application was last called, in the same seconds.
        ended: when it was completed.
        status: the HTTP status of the answer.
        size: the length of the answer's body in bytes.
        error: what went wrong, if the status is an error.
        error_type: fal's name for it, where it has one.
        logs: JSON, a list of what the application logged.
    """

    endpoint: str
    state: State
    runs: int
    sent: float
    started: float | None
    ended: float | None
    status: int | None
    size: int
    error: str | None
    error_type: str | None
    logs: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended.

    Attributes:
        status: the HTTP status; 499 if it was cancelled.
        headers: the application's.
        body: the application's.
        error: what went wrong; None if nothing did.
        error_type: fal's name for it, where it has one.
        units: what it costs, in billable units.
    """

    status: int
    headers: Headers
    body: bytes
    error: str | None = None
    error_type: str | None = None
    units: float = 0.0


@dataclass(frozen=True, slots=True)
class Bill:
    """What the queue has worked on since its file was made.

    Attributes:
        submitted: the requests that were accepted.
        worked_on: those of them for which the application was called at least once.
        runs: how often it was called; more than `worked_on` after retries and restarts.
        charged: the requests that cost something: those that did not end in a status from 500.
        units: the sum of their billable units.
    """

    submitted: int
    worked_on: int
    runs: int
    charged: int
    units: float
