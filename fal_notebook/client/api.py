"""The functions that send requests from Python, over the kernel's session. The one for ``await`` is in `async_api`."""

from collections.abc import Iterable, Mapping
from typing import Any

from .argument_check import Check, checked, doubts_of, warn
from .arguments import together
from .interrupts import interruptible
from .result import Result
from .sessions import session
from .streaming import Stream


def stream(
    endpoint: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    base_url: str | None = None,
    check: Check | None = None,
    **more: Any,
) -> Stream:
    """Send a request and return at once with the stream of its updates, an iterator and an async iterator.

    Args:
        endpoint: the endpoint with its sub-path, such as ``fal-ai/any-llm/stream``.
        arguments: its arguments; the HTTP endpoint takes the same as its JSON body.
        timeout: seconds for the whole request; None for as long as it takes.
        base_url: another host: ``wss://host`` or ``ws://127.0.0.1:8000``.
        check: what is done about arguments that do not fit the endpoint's schema, where it is known: ``warn`` refuses
            what fal is certain to refuse, and warns of the rest by an `EndpointWarning`, ``strict`` refuses both, and
            ``off`` checks nothing; None for the session's.
        more: further arguments by name. One with the name of a parameter of this function goes into ``arguments``.

    Raises:
        InvalidRequest: the endpoint, an argument or a setting cannot be used.
        CredentialsError: no key was found.

    Example:
        >>> for update in stream("fal-ai/any-llm/stream", prompt="Hi"):  # doctest: +SKIP
        ...     print(update, end="")
    """
    whole = together(arguments, more)
    warn(doubts_of(endpoint, [whole], checked(check), base_url=base_url))
    return session().stream(endpoint, whole, base_url=base_url, timeout=timeout)


def run(
    endpoint: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    base_url: str | None = None,
    check: Check | None = None,
    **more: Any,
) -> Result:
    """Send a request and wait for its result; an interrupt stops it. The parameters are those of `stream`.

    Raises:
        FalNotebookError: the request failed. The ``result`` of a `RequestError` holds what had arrived by then.
    """
    with interruptible():
        return stream(endpoint, arguments, timeout=timeout, base_url=base_url, check=check, **more).result()


def pipeline(
    endpoint: str,
    requests: Iterable[Mapping[str, Any]],
    *,
    timeout: float | None = None,
    base_url: str | None = None,
    check: Check | None = None,
) -> list[Stream]:
    """Send many requests over one connection without waiting between them; they are answered in order.

    Use it for many short requests to one endpoint: all of them together cost one round trip, not one each. A slow
    request delays those after it, and they can only be stopped together. For a few long requests, call `stream` each
    time.

    Args:
        endpoint: the endpoint with its sub-path.
        requests: the arguments of each.
        timeout: seconds for all of them together; None for as long as they take.
        base_url: another host: ``wss://host`` or ``ws://127.0.0.1:8000``.
        check: as for `stream`.

    Returns:
        A stream for each, in order.

    Raises:
        InvalidRequest: the endpoint, an argument or a setting cannot be used. Nothing was sent.
        CredentialsError: no key was found.

    Example:
        >>> answers = pipeline("fal-ai/any-llm", [{"prompt": word} for word in words])  # doctest: +SKIP
        >>> [each.result().text for each in answers]  # doctest: +SKIP
    """
    every = list(requests)
    warn(doubts_of(endpoint, every, checked(check), base_url=base_url))
    return session().pipeline(endpoint, every, base_url=base_url, timeout=timeout)
