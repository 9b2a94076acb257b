"""One run of a queued request: the application is called once, and its answer is collected."""

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fal_notebook.local.asgi import Message, Scope
from fal_notebook.local.hangup import Call
from fal_notebook.local.plain_http import MAX_BODY_BYTES
from fal_notebook.local.queue_requests import Answer, Submission

_MAX_LOGS = 1000
_MAX_LOG_CHARACTERS = 10_000
_CANCELLED = Answer(499, (), b'{"detail":"Request was cancelled"}', "Request was cancelled", "client_cancelled")
_NOT_KEPT = frozenset(("connection", "keep-alive", "content-length", "transfer-encoding", "date", "server"))

_current: ContextVar["Logs | None"] = ContextVar("logs of the request at work", default=None)


class Logs:
    """What an application logs while it works on one request, in the shape of fal's logs."""

    def __init__(self, earlier: str = "[]") -> None:
        self.lines: list[dict[str, str]] = json.loads(earlier)

    def collect(self) -> None:
        """Take what is logged in this task, and in those that it begins, from now on."""
        _current.set(self)

    def add(self, message: str, level: str) -> None:
        """Add a line, unless there are very many already."""
        if len(self.lines) < _MAX_LOGS:
            time = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            text = message[:_MAX_LOG_CHARACTERS]
            self.lines.append({"message": text, "level": level, "source": "run", "timestamp": time})

    def json(self) -> str:
        """Return the lines as JSON."""
        return json.dumps(self.lines)


def collect_records() -> None:
    """Have each record of Python's logging told to the request during which it is made, from now on.

    A handler could do the same, but with a handler on the root logger `logging.basicConfig` does nothing any more, and
    warnings are no longer printed.
    """
    make = logging.getLogRecordFactory()
    if isinstance(make, _RecordFactory):
        return
    logging.setLogRecordFactory(_RecordFactory(make))


class _RecordFactory:
    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        record = self._make(*arguments, **named)
        logs = _current.get()
        if logs is not None:
            with contextlib.suppress(TypeError, ValueError):  # a message that its arguments do not fit
                logs.add(record.getMessage(), record.levelname)
        return record


class QueueCall(Call):
    """A call of the application whose response is kept.

    Args:
        asked: the request.
    """

    def __init__(self, asked: Submission) -> None:
        super().__init__(_scope(asked), asked.body)
        self._headers: list[tuple[str, str]] = []
        self._parts = bytearray()
        self._broken = False

    def answer(self, error: BaseException | None) -> Answer:
        """Return what the application answered, or what became of it, once it has ended.

        Args:
            error: what the application raised.
        """
        if self._broken:
            return _failure(502, "The application failed in mid-response", "runner_incomplete_response")
        if self.status is None or not self.complete:
            return replace(_CANCELLED, units=1.0)
        headers = tuple(each for each in self._headers if each[0] not in _NOT_KEPT)
        named = dict(headers)
        failed = self.status >= 400
        kind = named.get("x-fal-error-type") or ("runner_server_error" if error and self.status == 500 else None)
        message = _detail(bytes(self._parts), self.status) if failed else None
        units = 0.0 if self.status >= 500 else _units(named)
        return Answer(self.status, headers, bytes(self._parts), message, kind if failed else None, units)

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            named = message.get("headers", ())
            self._headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in named]
        elif message["type"] == "http.response.body":
            self._parts += message.get("body", b"")
            if len(self._parts) > MAX_BODY_BYTES:
                raise RuntimeError("The response has more than 256 MB")
            if not message.get("more_body", False):
                self.complete = True
                self._over.set()

    async def _break_off(self) -> None:
        self._broken = True


def cancelled_in_line() -> Answer:
    """Return the answer of a request that was cancelled while it waited."""
    return _CANCELLED


def not_started_in_time() -> Answer:
    """Return the answer of a request whose client did not let it wait any longer."""
    return _failure(504, "Request timed out before it started", "request_timeout", "x-fal-request-timeout-type", "user")


def is_lost(answer: Answer) -> bool:
    """Tell whether the platform tries a request again after this answer."""
    wanted = dict(answer.headers).get("x-fal-needs-retry")
    return answer.status >= 400 and wanted != "0" and (answer.status in (503, 504) or wanted == "1")


def _failure(status: int, detail: str, kind: str, *header: str) -> Answer:
    body = json.dumps({"detail": detail, "error_type": kind}).encode()
    more = ((header[0], header[1]),) if header else ()
    headers = (("content-type", "application/json"), ("x-fal-error-type", kind), *more)
    return Answer(status, headers, body, detail, kind)


def _detail(body: bytes, status: int) -> str:
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = None
    return detail if isinstance(detail, str) else f"The application answered with status {status}"


def _units(headers: Mapping[str, str]) -> float:
    try:
        return float(headers["x-fal-billable-units"])
    except (KeyError, ValueError):
        return 1.0


def _scope(asked: Submission) -> Scope:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers]
    headers.append((b"content-length", str(len(asked.body)).encode()))
    headers.append((b"x-fal-request-id", asked.request_id.encode()))
    path = f"/{asked.endpoint}"
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": asked.query.encode(),
        "headers": headers,
        "client": None,
        "server": None,
    }
