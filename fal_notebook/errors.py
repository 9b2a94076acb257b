"""Every exception of the library.

All derive from fal-client's base error, so that code written for fal-client catches them too::

    fal_client.FalClientError
    └── FalNotebookError
        ├── InvalidRequest (ValueError)        endpoint, arguments or setting; nothing was sent
        ├── CredentialsError                   no key found; nothing was sent
        │     (fal_client.auth.MissingCredentialsError)
        ├── ConnectError (ConnectionError)     no connection; nothing was sent
        ├── UploadFailed                       a file of the arguments could not be uploaded; the request was not sent
        ├── UnreadableFile (ValueError)        a file of an answer is not of the kind as which it is asked for
        ├── JournalError                       the file of many requests cannot be used; nothing more is sent
        └── RequestError                       a request that may have reached fal
            ├── StatusError                    an HTTP status of 300 or more
            │   ├── AuthenticationError        401
            │   ├── AccessDenied               402, 403: locked account, no balance, no permission
            │   ├── NotFound                   404
            │   │   └── NoQueue                a server that does not take requests into a queue
            │   ├── ArgumentsTooLarge          413, and a close for the same reason
            │   ├── ValidationFailed           422
            │   ├── RateLimited                429
            │   └── ServerError                5xx
            ├── ModelError                     an ``error`` inside the response
            ├── ConnectionLost (ConnectionError)  the socket closed before the end of the response
            ├── RequestTimeout (TimeoutError)  the caller's timeout was over
            ├── ResponseTooLarge               more bytes than the configured cap
            ├── InvalidResponse                a body that is not the JSON or the events that it claims to be
            ├── NotShown                       the answer is there, and could not be shown
            └── ProtocolViolation              a message that the protocol does not allow there

Each carries its evidence as attributes and never the key. In a notebook or a terminal it shows as a few lines without
a traceback: what happened, what to do, and the request's id. As text it is one line.
"""

import sys
import textwrap
from collections.abc import Mapping
from typing import Any, ClassVar

from fal_client import FalClientError
from fal_client.auth import MissingCredentialsError

from .safety.plain_text import one_line, printable
from .safety.redaction import Redaction

# In characters. A notebook breaks a longer line of an error anywhere, also within a word, if the page is narrow.
_LINE_LENGTH, _NOTEBOOK_LINE_LENGTH = 76, 56
_HEADLINE = "\x1b[1m{}\x1b[0m"  # bold; a red would be hard to read on the red ground of a dark theme


class FalNotebookError(FalClientError):
    """Base of all errors of this library.

    Args:
        message: what happened, made one line.
        hint: what to do about it; where none is given, the class's `default_hint`.
    """

    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = one_line(message)
        self.hint = self.default_hint if hint is None else one_line(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """What happened and what to do, on one line."""
        return f"{self.message} ({self.hint})" if self.hint else self.message

    @property
    def headline(self) -> str:
        """What happened, for a place that shows the status and the endpoint, too."""
        return self.message

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback (its protocol for exceptions)."""
        first, others = self.lines(type(self).__name__)
        lines = [*(map(_HEADLINE.format, first) if _is_in_kernel() else first), *others]
        return [printable(line, sys.stdout) for line in lines]

    def lines(self, name: str) -> tuple[list[str], list[str]]:
        """What happened, and what to do, each in lines that no front end has to break.

        Args:
            name: the name of the error.
        """
        return _wrapped(f"{name}: {self.message}"), [line for note in self._notes() for line in _wrapped(note)]

    def _notes(self) -> list[str]:
        """What is shown below what happened, each in a paragraph of its own."""
        return [self.hint] if self.hint else []


class InvalidRequest(FalNotebookError, ValueError):
    """The endpoint, the arguments or a setting cannot be used. Nothing was sent."""


class CredentialsError(FalNotebookError, MissingCredentialsError):
    """No credentials were found, and the host asks for them. Nothing was sent."""

    default_hint = "set FAL_KEY, in Colab the secret FAL_KEY, or run `fal auth login`"


class ConnectError(FalNotebookError, ConnectionError):
    """The connection could not be opened. Nothing was sent.

    Args:
        message: what happened.
        hint: what to do about it.
        may_pass: whether another try may succeed: the network failed, and no server refused.
    """

    def __init__(self, message: str, *, hint: str | None = None, may_pass: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.may_pass = may_pass


class UploadFailed(FalNotebookError):
    """A file of the arguments could not be uploaded to fal's storage. The request was not sent.

    Args:
        message: which file, and why.
        hint: what to do about it.
        status: the HTTP status that the storage answered, if it did.
    """

    default_hint = "the request was not sent; --inline, or FalMagics.upload = 'never', sends files within the request"

    def __init__(self, message: str, *, hint: str | None = None, status: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class UnreadableFile(FalNotebookError, ValueError):
    """A file is not of the kind as which it is asked for, or the package that reads this kind is not installed."""


class JournalError(FalNotebookError):
    """The journal of many requests cannot be read or written, or is of another run. Nothing more is sent."""


class RequestError(FalNotebookError):
    """A request that may have reached fal failed. It is never sent again automatically.

    Args:
        message: what happened.
        status: the HTTP status, where one was received.
        detail: the server's own words: a string, or fal's list of validation errors.
        request_id: the id that the server gave to the request.
        headers: the response headers.
        hint: what to do about it.

    Attributes:
        result: the `Result` with what had arrived by then, set by the stream that raises; None before.
        id_is_shown: whether the request's id already stands in the output, so that the error's lines leave it out.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        detail: Any = None,
        request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.detail = detail
        self.request_id = request_id
        self.headers = headers or {}
        self.result: Any = None
        self.id_is_shown = False

    def __str__(self) -> str:
        notes = [note for note in (self.hint, self._id_words()) if note]
        return f"{self.message} ({'; '.join(notes)})" if notes else self.message

    def _notes(self) -> list[str]:
        return super()._notes() + ([self._id_words()] if self.request_id and not self.id_is_shown else [])

    def _id_words(self) -> str:
        return f"request {one_line(self.request_id, 60)}" if self.request_id else ""


class StatusError(RequestError):
    """The response has an HTTP status of 300 or more, at its start, at its end or in the handshake."""

    default_hint = "check the endpoint's name and the arguments"
    gateway_hint: ClassVar[str] = ""
    """The hint where another server than fal answered; empty where it is the same."""
    happened: ClassVar[str] = "the request was refused"

    @property
    def headline(self) -> str:
        """What happened, in words, with what the server said; the status stands elsewhere."""
        if not self.status:
            return self.message
        said = detail_text(self.detail)
        return one_line(f"{self.happened}: {said}" if said else self.happened)


class AuthenticationError(StatusError):
    """401: fal does not accept the key."""

    default_hint = "check FAL_KEY: it is <id>:<secret> from fal.ai/dashboard/keys"
    gateway_hint = "check FAL_KEY: it has to be the key that this server expects"
    happened = "the key was not accepted"


class AccessDenied(StatusError):
    """402 or 403: the account is locked or out of balance, or may not use the endpoint."""

    default_hint = "see fal.ai/dashboard/billing and the endpoint's access"
    gateway_hint = "ask who runs this server for access"
    happened = "access was denied"


class NotFound(StatusError):
    """404: no such endpoint."""

    default_hint = "check the endpoint's name, as in fal-ai/any-llm/stream"
    happened = "there is no such endpoint"


class NoQueue(NotFound):
    """404 or 405 where a request was to be put into the queue of another server than fal. Nothing was taken."""

    default_hint = "leave out --queue; from Python, fal.run in place of fal.submit. `fal-notebook serve` has a queue"
    happened = "this server seems to have no queue"


class ArgumentsTooLarge(StatusError):
    """413, or the same without a status: the server closed the WebSocket with code 1009 (RFC 6455, 7.4.1)."""

    default_hint = "shorten them, or give files as URLs: fal_client.upload_file makes one"
    happened = "the arguments are too large"


class ValidationFailed(StatusError):
    """422: the endpoint does not accept the arguments; ``detail`` lists them."""

    default_hint = "correct these arguments"
    happened = "the arguments were not accepted"


class RateLimited(StatusError):
    """429: too many requests at once."""

    default_hint = "wait for running requests to end, then send it again"
    happened = "too many requests at once"


class ServerError(StatusError):
    """5xx: fal or the model's server failed."""

    default_hint = "fal does not charge for it; send it again"
    gateway_hint = "send it again; the server's log may say why"
    happened = "the server failed"


class ModelError(RequestError):
    """The response itself carries an ``error``."""

    default_hint = "change the arguments, or send it again"


class ConnectionLost(RequestError, ConnectionError):
    """The connection closed before the response ended. The request may have been worked on, and billed."""

    default_hint = "not sent again by itself: it may have been worked on"


class RequestTimeout(RequestError, TimeoutError):
    """The caller's timeout was over before the response ended."""

    default_hint = "give it a longer timeout"


class ResponseTooLarge(RequestError):
    """The response has more bytes than ``max_body``."""

    default_hint = "raise max_body if this is wanted"


class InvalidResponse(RequestError):
    """The response says that it is JSON, or a stream of events, and is not; its text is in the result."""

    default_hint = "the result has its text"


class NotShown(RequestError):
    """The answer has come and could not be shown."""

    default_hint = "the result has it"


class ProtocolViolation(RequestError):
    """A message came that the protocol does not allow at that place."""

    default_hint = "is this really a fal HTTP-over-WebSockets host?"


_BY_STATUS: dict[int, type[StatusError]] = {
    401: AuthenticationError,
    402: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    413: ArgumentsTooLarge,
    422: ValidationFailed,
    429: RateLimited,
}


def status_error(
    status: int,
    detail: Any,
    *,
    endpoint: str,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    by_fal: bool = True,
    in_handshake: bool = False,
) -> StatusError:
    """The error for an HTTP status of 300 or more.

    ``detail`` is what fal's error bodies hold under that name (fal's docs, "Errors"): a string or a list of
    ``{loc, msg, type}``; other values are quoted as they are. A 413 in the handshake is a plain `StatusError`, since a
    handshake carries no arguments that could be too large. Where another server than fal's answered (``by_fal``), the
    hint does not speak of fal's account and prices.
    """
    kind = _BY_STATUS.get(status, ServerError if 500 <= status < 600 else StatusError)
    kind = StatusError if in_handshake and kind is ArgumentsTooLarge else kind
    said = detail_text(detail)
    message = f"{status} from {endpoint}" + (f": {said}" if said else "")
    hint = None if by_fal else kind.gateway_hint or None
    if not said and kind in (StatusError, ValidationFailed):
        hint = "it gave no reason; check the endpoint's name and the arguments"
    if status < 400:
        hint = "a redirect, which is not followed; check the endpoint's name"
    if kind in (RateLimited, ServerError) and (seconds := retry_after(headers)):
        hint = f"wait {seconds} s, then send it again"
    return kind(message, status=status, detail=detail, request_id=request_id, headers=headers, hint=hint)


def retry_after(headers: Mapping[str, str] | None) -> int:
    """The seconds that a server asks to wait (RFC 9110, 10.2.3); 0 where it gives none, or a date."""
    asked = str((headers or {}).get("retry-after", "")).strip()
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 0


def _wrapped(text: str) -> list[str]:
    """The text in lines that no front end has to break; a word that is longer stays whole."""
    length = _NOTEBOOK_LINE_LENGTH if _is_in_kernel() else _LINE_LENGTH
    return textwrap.wrap(text, length, break_long_words=False, break_on_hyphens=False) or [""]


def _is_in_kernel() -> bool:
    """Whether a notebook shows what is printed. A terminal gets plain lines."""
    return type(sys.stdout).__module__.partition(".")[0] == "ipykernel"


def detail_text(detail: Any) -> str:
    """What a server's error detail says, as one line: ``prompt: Field required; seed: Input should be …``."""
    try:
        return _detail_words(detail)
    except RecursionError:
        return "nested too deeply to be quoted"


def _detail_words(detail: Any) -> str:
    if isinstance(detail, list):
        return "; ".join(filter(None, map(_detail_words, detail)))
    if isinstance(detail, dict):
        words = next(filter(None, map(detail.get, ("msg", "message", "error", "detail", "title"))), None)
        if not isinstance(words, str):
            return _detail_words(words) if words else one_line(str(detail))
        place = detail.get("loc")
        steps = [str(step) for step in place if step != "body"] if isinstance(place, list) else []
        return one_line(f"{'.'.join(steps)}: {words}" if steps else words)
    return one_line(str(detail)) if detail else ""


def bare(error: FalNotebookError, redaction: Redaction) -> FalNotebookError:
    """The error without the key, and without its traceback: verbose tracebacks show the variables of each frame.

    Text that is quoted in part has lost the key before: here, a key that was cut would not be found.
    """
    for name, value in vars(error).items():
        setattr(error, name, redaction.value(value))
    error.args = redaction.value(error.args)
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)
