"""What the queue answers: statuses, streams of statuses, and the results of applications."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from fal_notebook.local.asgi import Receive, Send
from fal_notebook.local.plain_http import until_gone
from fal_notebook.local.queue_requests import Answer, Standing, State

_LOOK_SECONDS = 0.1
_LOOKS_BEFORE_PING = 100


def header(headers: Mapping[bytes, bytes], name: str) -> str | None:
    """Return the value of a header, whose name is in small letters; None if it is not there."""
    value = headers.get(name.encode())
    return None if value is None else value.decode("latin-1").strip()


def status_body(request_id: str, standing: Standing, position: int, *, logs: bool) -> dict[str, Any]:
    """Return a request's status as fal's JSON has it.

    Args:
        request_id: the request.
        standing: where it stands.
        position: how many requests are ahead of it.
        logs: whether its logs are wanted.
    """
    told: dict[str, Any] = {"status": standing.state, "request_id": request_id}
    if standing.state is State.IN_QUEUE:
        return {**told, "queue_position": position}
    told["logs"] = json.loads(standing.logs) if logs else None
    if standing.state is State.COMPLETED:
        seconds = standing.ended - standing.started if standing.ended and standing.started else 0.0
        told["metrics"] = {"inference_time": round(seconds, 6)}
        if standing.error is not None:
            told |= {"error": standing.error, "error_type": standing.error_type}
    return told


async def send_json(send: Send, status: int, data: object, headers: Mapping[str, str] | None = None) -> None:
    """Answer with JSON."""
    answer = Answer(status, (("content-type", "application/json"),), json.dumps(data).encode())
    await send_response(send, answer, headers or {})


async def send_response(send: Send, answer: Answer, more: Mapping[str, str]) -> None:
    """Answer with an application's own status, headers and body.

    Args:
        send: sends one ASGI message to the client.
        answer: what is sent.
        more: headers that take the place of the application's.
    """
    named = [*((name, value) for name, value in answer.headers if name not in more), *more.items()]
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in named]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def stream_status(look: Callable[[], dict[str, Any]], request_id: str, receive: Receive, send: Send) -> None:
    """Send a request's status as server-sent events, one for each change, until it is completed.

    Args:
        look: returns the status.
        request_id: the request.
        receive: receives one ASGI message of the client.
        send: sends one ASGI message to the client.
    """
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
    headers.append((b"x-fal-request-id", request_id.encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    gone = asyncio.create_task(until_gone(receive))
    try:
        with contextlib.suppress(OSError):  # the client has gone
            await _send_changes(look, gone, send)
    finally:
        gone.cancel()


async def _send_changes(look: Callable[[], dict[str, Any]], gone: "asyncio.Task[None]", send: Send) -> None:
    last: dict[str, Any] = {}
    looks = 0
    while not gone.done() and last.get("status") != State.COMPLETED:
        told = look()
        looks += 1
        if told != last:
            last = told
            await send(_event(f"data: {json.dumps(told)}\n\n"))
        elif looks % _LOOKS_BEFORE_PING == 0:
            await send(_event(": ping\n\n"))
        if told["status"] != State.COMPLETED:
            await asyncio.wait({gone}, timeout=_LOOK_SECONDS)
    await send({"type": "http.response.body"})


def _event(text: str) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}
