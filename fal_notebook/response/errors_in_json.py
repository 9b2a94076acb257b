"""Sans-I/O: whether a JSON value tells of an error, and in which words.

An ``error`` that is null, empty, false or a measure is none, and a ``detail`` beside other things is a part of an
answer: many endpoints give both with every answer that is right.
"""

from typing import Any

_WORDS = ("message", "msg", "detail", "error_message", "error_description", "reason", "title")
_PROBLEM = frozenset(
    ("detail", "status", "status_code", "code", "error_type", "title", "type", "instance", "request_id")
)
"""What stands beside a ``detail`` that is an error: fal's own names, and those of RFC 9457."""
_FAILED = ("error", "failed", "failure")


def error_in(value: dict[str, Any], *, failed: bool = False) -> Any:
    """The error that a value tells of: a string, an object or a list; None where it tells of none.

    Args:
        value: a JSON object.
        failed: the event that brought it is named ``error``.
    """
    error = value.get("error")
    if error:
        if isinstance(error, str):
            return error
        if isinstance(error, dict):
            return _with_message(error, value)
        if isinstance(error, list) and any(isinstance(each, str | dict) for each in error):
            return error
        if error is True or _is_status(error):
            return _words(value) or ("error" if error is True else str(error))
    if failed:
        return value
    may_fail = "type" in value or "status" in value or "detail" in value  # as most events do not
    return value if may_fail and _fails(value) else None


def _fails(value: dict[str, Any]) -> bool:
    if value.get("type") == "error":
        return True
    status = value.get("status")
    if isinstance(status, str) and status.lower() in _FAILED and _words(value):
        return True
    detail = value.get("detail")
    is_problem = isinstance(detail, str | list | dict) and detail and _PROBLEM.issuperset(value)
    return bool(is_problem) and (not isinstance(status, int) or status >= 400)


def _with_message(error: dict[str, Any], value: dict[str, Any]) -> Any:
    """An error with the message beside it, where it has no words itself: fal's workflows tell so of a step's failure.

    What the step answered then stands in its ``body``.
    """
    message = value.get("message")
    if any(error.get(name) for name in _WORDS) or not (isinstance(message, str) and message):
        return error
    body = error.get("body")
    return [{"message": message, **error}, body] if body else {"message": message, **error}


def _words(value: dict[str, Any]) -> Any:
    found = (value.get(name) for name in _WORDS)
    return next((each for each in found if each and isinstance(each, str | list | dict)), None)


def _is_status(error: Any) -> bool:
    return type(error) is int and 400 <= error < 600
