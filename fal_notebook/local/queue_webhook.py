"""Tells a webhook that a request is completed, with its answer."""

import asyncio
import json
import logging
import urllib.request
from typing import Any

from fal_notebook.local.queue_requests import Answer

logger = logging.getLogger(__name__)

_TRIES = 3
_PAUSE_SECONDS = 1.0
_SECONDS = 15.0


async def tell(url: str, request_id: str, answer: Answer) -> None:
    """POST an answer to a webhook, in at most three tries; its failure changes nothing for the request."""
    body = json.dumps(_payload(request_id, answer)).encode()
    for number in range(_TRIES):
        try:
            await asyncio.to_thread(_post, url, body)
        except OSError as error:
            logger.warning("The webhook of request %s was not reached: %s", request_id, error)
        else:
            return
        if number < _TRIES - 1:
            await asyncio.sleep(_PAUSE_SECONDS)


def _payload(request_id: str, answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {"request_id": request_id, "gateway_request_id": request_id}
    try:
        told["payload"] = json.loads(answer.body)
    except ValueError:
        told |= {"payload": None, "payload_error": "The answer is not JSON"}
    if answer.error is None:
        return {**told, "status": "OK"}
    return {**told, "status": "ERROR", "error": answer.error}


def _post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="POST")  # noqa: S310  # the scheme was checked as the request came
    with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310  # the same
        pass
