"""Where fal's queue takes a request and answers for it, or the queue of a gateway of one's own.

The queue gives each request an id, and three addresses at which to ask for it. They are used only where they are on the
queue's own host, since the key goes with every question. Others are made from the id, as fal documents them.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from ..errors import InvalidRequest
from . import environment
from .target import Authorization, Target, resolve_target

_LIST_OF_FAL = "https://api.fal.ai"
_LIST_PATH = "/v1/models/requests/by-endpoint"
_PATH_OF_GATEWAY = "/queue"
_SCHEMES = {"ws": "http", "wss": "https"}
_THREE_PARTS = ("workflows", "comfy")  # the owners whose applications have a name of three parts
_URL = re.compile(r"[!-~]{1,2000}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class Links:
    """Where the queue answers for one request.

    Attributes:
        status: where it says how far it is.
        response: where the answer is.
        cancel: where it is cancelled.
    """

    status: str
    response: str
    cancel: str

    def as_dict(self) -> dict[str, str]:
        """The same by the names that fal gives them."""
        return {"status_url": self.status, "response_url": self.response, "cancel_url": self.cancel}


@dataclass(frozen=True)
class QueueAddress:
    """The queue for one endpoint.

    Attributes:
        target: the endpoint, and the key.
        base: the queue's URL without the endpoint.
        list_base: the URL before the path of the list of requests.
    """

    target: Target
    base: str
    list_base: str

    @property
    def submit_url(self) -> str:
        """Where a request is submitted."""
        return f"{self.base}/{self.target.endpoint}"

    @property
    def authorization(self) -> Authorization | None:
        """The key; None where the queue asks for none."""
        return self.target.authorization

    def is_own(self, url: str) -> bool:
        """Whether a URL is on the queue's own host, or is the list of requests."""
        return _is_at(url, self.base) or _is_at(url, self.list_base)

    def links(self, request_id: str, told: dict[str, object] | None = None) -> Links:
        """Where the queue answers for a request.

        Args:
            request_id: the request.
            told: the addresses that the queue told, by the names that fal gives them.

        Raises:
            InvalidRequest: it is no id.
        """
        if not _ID.fullmatch(request_id):
            raise InvalidRequest("this is no id of a request", hint="it is like 764cabcf-b745-4b3e-ae38-1200304cf45b")
        own = f"{self.base}/{_application(self.target.endpoint)}/requests/{quote(request_id)}"
        usual = {"status_url": f"{own}/status", "response_url": own, "cancel_url": f"{own}/cancel"}
        found = {name: self._checked((told or {}).get(name), url) for name, url in usual.items()}
        return Links(found["status_url"], found["response_url"], found["cancel_url"])

    def list_url(self, start: str, end: str, cursor: str | None = None) -> str:
        """The URL of a page of the list of this endpoint's requests, with what was asked and answered.

        Args:
            start: the earliest time, in the form of ISO 8601.
            end: the latest time.
            cursor: what the page before named; None for the first page.
        """
        asked = {
            "endpoint_id": self.target.endpoint,
            "start": start,
            "end": end,
            "expand": "payloads",
            "limit": "100",
            **({"cursor": cursor} if cursor else {}),
        }
        return f"{self.list_base}{_LIST_PATH}?{urlencode(asked)}"

    def _checked(self, told: object, usual: str) -> str:
        if told == usual or not isinstance(told, str) or not _URL.fullmatch(told):
            return usual
        return told if _is_at(told, self.base) else usual


def queue_address(endpoint: str, base_url: str | None = None) -> QueueAddress:
    """Where requests to an endpoint are queued; to be called on the user's thread, since it looks up the key.

    Args:
        endpoint: the endpoint with its sub-path.
        base_url: a gateway, as for other requests; it has its queue below the path ``/queue``.

    Raises:
        InvalidRequest: the endpoint or the base URL cannot be one.
        CredentialsError: the host asks for a key and none was found.
    """
    target = resolve_target(endpoint, base_url)
    if target.is_fal:
        if target.endpoint.endswith("/stream"):
            name = target.endpoint.removesuffix("/stream")
            raise InvalidRequest("the queue does not stream", hint=f"its endpoint is {name}")
        return QueueAddress(target, environment.queue_url(), _LIST_OF_FAL)
    parts = urlsplit(target.url.removesuffix(f"/{target.endpoint}"))
    base = f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path}{_PATH_OF_GATEWAY}"
    return QueueAddress(target, base, base)


def _application(endpoint: str) -> str:
    """The endpoint without its sub-path, which the URLs of its requests do not have."""
    parts = endpoint.split("/")
    return "/".join(parts[: 3 if parts[0] in _THREE_PARTS else 2])


def same_origin(url: str, other: str) -> bool:
    """Whether two URLs have the same scheme, host and port, by which hosts are told apart (RFC 6454)."""
    return _origin(url) == _origin(other) is not None


def _is_at(url: str, place: str) -> bool:
    """Whether a URL leads to this place, and has no name or password of its own, which would take the key's place."""
    return same_origin(url, place) and "@" not in urlsplit(url).netloc


def _origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a URL; None where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
