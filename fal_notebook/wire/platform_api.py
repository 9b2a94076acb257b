"""fal's platform API: which endpoints there are, for which no key is needed, and what they cost, for which one is.

The key is sent to this one host over TLS and to no other: redirects are not followed.
"""

import json
from collections.abc import Sequence
from urllib.parse import urlencode

import httpx

from ..errors import ConnectError, CredentialsError, InvalidRequest
from ..safety.loggers import quiet
from . import environment
from .fetching import download, keyed_fetch
from .target import Authorization, resolve_target

_API = "https://api.fal.ai/v1/models"
_SECONDS = 8.0  # to wait for the server, and at any time for its next bytes
_MOST_BYTES = 4_000_000  # of an answer
MOST_FOUND = 50
"""The most endpoints of one search, and of one question for prices."""


def search_url(words: str) -> str:
    """The address of a search for endpoints."""
    return f"{_API}?{urlencode({'q': words, 'limit': MOST_FOUND})}"


def fetch_search(words: str) -> bytes:
    """The JSON of a search for endpoints. No key is sent.

    Raises:
        ConnectError: it could not be fetched.
        ResponseTooLarge: it is too large.
    """
    return download(search_url(words), timeout=_SECONDS, max_bytes=_MOST_BYTES)


def fetch_prices(endpoints: Sequence[str]) -> bytes | None:
    """The JSON with the prices of endpoints; None if there is no key, or requests go to another host than fal's.

    To be called on the user's thread, where the key can be looked up.

    Raises:
        ConnectError: it could not be fetched.
    """
    authorization = _authorization(endpoints[0]) if endpoints else None
    if authorization is None:
        return None
    url = f"{_API}/pricing?{urlencode([('endpoint_id', each) for each in endpoints[:MOST_FOUND]])}"
    return _fetch_with_key(url, authorization)


def fetch_estimate(endpoint: str, calls: int) -> bytes | None:
    """The JSON of what fal expects calls to cost, of what earlier ones did; None as for `fetch_prices`.

    To be called on the user's thread, where the key can be looked up.

    Raises:
        ConnectError: it could not be fetched.
    """
    authorization = _authorization(endpoint)
    if authorization is None:
        return None
    asked = {"estimate_type": "historical_api_price", "endpoints": {endpoint: {"call_quantity": calls}}}
    return _fetch_with_key(f"{_API}/pricing/estimate", authorization, json.dumps(asked).encode())


def _authorization(endpoint: str) -> Authorization | None:
    if not environment.is_public_fal(None):
        return None
    try:
        return resolve_target(endpoint).authorization
    except (CredentialsError, InvalidRequest):
        return None


@quiet()
def _fetch_with_key(url: str, authorization: Authorization, body: bytes | None = None) -> bytes:
    failure = ""
    try:
        return keyed_fetch(url, authorization.headers(), body, timeout=_SECONDS, max_bytes=_MOST_BYTES)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
        failure = type(exc).__name__
    raise ConnectError(f"fal's prices could not be fetched: {failure}")  # out here, without frames that hold the key
