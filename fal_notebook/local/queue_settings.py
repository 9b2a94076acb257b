"""What can be set about a queue: how it is worked off, how long results last, and what is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Working:
    """How the queue is worked off.

    Attributes:
        concurrency: the most requests at work at once; 2 for a new account at fal, up to 40 later.
        retries: how often a request is tried again.
        retry_seconds: the pause before the first retry; each further one is twice as long, up to 30 seconds.
    """

    concurrency: int = 2
    retries: int = 10
    retry_seconds: float = 1.0


@dataclass(frozen=True)
class QueueLimits:
    """How long results last, and what is refused.

    Attributes:
        keep_seconds: how long a result can be fetched after its completion.
        keep_large_seconds: the same for a large one.
        large_bytes: from this size a result is large.
        requests_per_second: the most HTTP requests a second, of any kind; others are answered 429. None for no limit.
        listing_seconds: for how long after its completion a request is not in the list of requests yet.
        lists_unfinished: whether requests that are not completed are in the list of requests.
    """

    keep_seconds: float = 3600.0
    keep_large_seconds: float = 360.0
    large_bytes: int = 10 * 1024
    requests_per_second: float | None = None
    listing_seconds: float = 0.0
    lists_unfinished: bool = False
