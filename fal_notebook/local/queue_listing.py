"""fal's list of requests, ``GET /v1/models/requests/by-endpoint``: what was asked, when, and what was answered."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fal_notebook.local.queue_store import QueueStore

PATH = "/v1/models/requests/by-endpoint"
_DAY_SECONDS = 24 * 3600.0
_MOST = 100
_USUAL = 50


def list_requests(
    store: QueueStore, query: Mapping[str, Sequence[str]], *, lag: float, unfinished: bool
) -> dict[str, Any]:
    """Return one page of the list.

    Args:
        store: the requests.
        query: the URL's query.
        lag: for how many seconds after its end a request is not in the list yet.
        unfinished: whether requests that are not completed are in the list.

    Raises:
        ValueError: an argument is missing or not valid.
    """
    endpoints = [name for each in query.get("endpoint_id", ()) for name in each.split(",") if name]
    if not endpoints:
        raise ValueError("endpoint_id is missing")
    now = time.time()
    limit = int(_first(query, "limit") or _USUAL)
    if not 1 <= limit <= _MOST:
        raise ValueError(f"limit is not between 1 and {_MOST}")
    page = _page(_first(query, "cursor"))
    rows = store.listed(
        endpoints,
        _seconds(_first(query, "start"), now - _DAY_SECONDS),
        _seconds(_first(query, "end"), now),
        before=now - lag,
        unfinished=unfinished,
        status=_first(query, "status"),
        request_id=_first(query, "request_id"),
        limit=limit + 1,
        skipped=(page - 1) * limit,
    )
    payloads = any("payloads" in each.split(",") for each in query.get("expand", ()))
    more = len(rows) > limit
    cursor = base64.b64encode(str(page + 1).encode()).decode() if more else None
    return {"items": [_item(row, payloads=payloads) for row in rows[:limit]], "next_cursor": cursor, "has_more": more}


def _item(row: Sequence[Any], *, payloads: bool) -> dict[str, Any]:
    request_id, endpoint, sent, started, ended, status, body, output, listed = row
    item = {
        "request_id": request_id,
        "endpoint_id": endpoint,
        "sent_at": _iso(sent),
        "started_at": _iso(started),
        "ended_at": _iso(ended),
        "status_code": status,
        "duration": round(ended - started, 6) if ended and started else None,
    }
    if payloads:
        item |= {"json_input": _json(body) if listed else None, "json_output": _json(output) if listed else None}
    return item


def _first(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    return next(iter(query.get(name, ())), None)


def _page(cursor: str | None) -> int:
    return max(1, int(base64.b64decode(cursor))) if cursor else 1


def _seconds(text: str | None, usual: float) -> float:
    if text is None:
        return usual
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _json(body: bytes | None) -> Any:
    try:
        return json.loads(body or b"null")
    except ValueError:
        return None
