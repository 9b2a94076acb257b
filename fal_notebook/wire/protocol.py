"""Sans-I/O: fal's HTTP over WebSockets, messages in and events out.

One connection carries one HTTP exchange after another (fal's docs, "HTTP over WebSockets")::

    client  {"prompt": …}                                            the arguments, one text message
    server  {"type": "start", "request_id": …, "status": …, "headers": …}
    server  any number of messages: pieces of the HTTP body, cut anywhere, text or binary
    server  {"type": "end", "request_id": …, "status": …, "time_to_first_byte_seconds": …}

The connection is a machine of three states::

    IDLE ──send──> SENT ──start──> STREAMING ──end──> IDLE, or SENT where more was sent meanwhile

Arguments may be sent early, in any state: they queue up at the server, which answers in order and one at a time.

No message cancels a request: the rest of a response that is given up would be read as the answer to the next
request. So only an IDLE connection may be kept; one that is given up in another state is closed.

A body may itself be JSON with the keys of metadata (fal's workflow events are), so a text message ends the
response only if its type is ``end`` and its ``request_id`` is that of the start. Some gateways end a response with
type ``error`` in the same way; in a JSON response such a message is taken as a piece of the body.

Each request has an id of its own. A start with an earlier id repeats an earlier answer, and is refused: it does not
answer the request under way.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from httpx import Headers

from ..errors import ModelError, ProtocolViolation, RequestError, detail_text
from ..safety.redaction import Redaction


@dataclass(frozen=True)
class Start:
    """The start metadata: the HTTP status line and headers of the response."""

    request_id: str | None
    status: int
    headers: Headers


@dataclass(frozen=True)
class Data:
    """A piece of the HTTP body, cut anywhere."""

    data: bytes


@dataclass(frozen=True)
class End:
    """The end metadata; ``time_to_first_byte`` is the server's own measure, in seconds."""

    status: int
    time_to_first_byte: float | None


Event = Start | Data | End
_LONGEST_METADATA = 1_000_000  # characters; a longer message is taken as body, since parsing it would cost too much

_REMEMBERED_IDS = 100  # of answered requests: more than are sent ahead, in some 8 kB


class State(Enum):
    """What a connection waits for: nothing, the start of a response, or the rest of one."""

    IDLE = auto()
    SENT = auto()
    STREAMING = auto()


class Protocol:
    """The state of one connection. It does no I/O: its user moves the messages between it and the socket.

    Args:
        redaction: takes the key out of a message that an error will quote.
    """

    def __init__(self, redaction: Redaction | None = None) -> None:
        self._redaction = redaction or Redaction()
        self._unanswered = 0
        self._is_streaming = False
        self._request_id: Any = None
        self._answered_ids: dict[int, None] = {}  # hashes of the ids, the oldest first
        self._status = 0
        self._is_json = False

    @property
    def state(self) -> State:
        """Where the connection stands."""
        if self._is_streaming:
            return State.STREAMING
        return State.SENT if self._unanswered else State.IDLE

    @property
    def is_waiting(self) -> bool:
        """Whether a request was sent whose response has not begun."""
        return self._unanswered > 0

    @property
    def request_id(self) -> str | None:
        """The id that the server gave to the request under way, once its start has come."""
        name = self._request_id if isinstance(self._request_id, str) else _id_json(self._request_id)
        return None if self._request_id is None else self._redaction.text(name)

    def send(self, payload: str) -> str:
        """Take the arguments of one more request, encoded, and return the message to send."""
        self._unanswered += 1
        return payload

    def receive_all(self, messages: Iterable[str | bytes]) -> Iterator[Event]:
        """Take several messages and yield what they mean; pieces of one body come joined.

        Raises:
            ProtocolViolation, ModelError: as `receive` does, after the events before it were yielded.
        """
        pieces: list[bytes] = []
        for message in messages:
            if self._is_streaming and not isinstance(message, str):  # most messages are
                pieces.append(message)
                continue
            try:
                event = self.receive(message)
            except RequestError:
                yield from _joined(pieces)
                raise
            if isinstance(event, Data):
                pieces.append(event.data)
                continue
            yield from _joined(pieces)
            pieces = []
            yield event
        yield from _joined(pieces)

    def receive(self, message: str | bytes) -> Event:
        """Take one message of the server and return what it means.

        Raises:
            ProtocolViolation: the message has no place here. The connection cannot be used again.
            ModelError: the server answered the request with an error in place of the start or of the end.
        """
        if self._is_streaming:
            return self._receive_body(message)
        if self._unanswered:
            return self._receive_start(message)
        raise ProtocolViolation("a message came although no request was under way")

    def _receive_start(self, message: str | bytes) -> Start:
        metadata = _json_object(message)
        if metadata is None or metadata.get("type") not in ("start", "error"):
            raise ProtocolViolation(f"expected start metadata, got {self._excerpt(message)}")
        self._request_id = metadata.get("request_id")
        if self._is_repeated_id():
            raise ProtocolViolation("the answer to an earlier request came again", request_id=self.request_id)
        if metadata["type"] == "error":
            raise self._model_error(message, "refused")
        self._status = _status(metadata, default=200)
        self._unanswered -= 1
        self._is_streaming = True
        headers = _headers(metadata.get("headers"))
        self._is_json = "json" in headers.get("content-type", "json").lower()
        return Start(self.request_id, self._status, headers)

    def _is_repeated_id(self) -> bool:
        """Whether an earlier answer had the id of the one that begins. The id is remembered."""
        if self._request_id is None:
            return False
        name = hash(_id_json(self._request_id))
        is_repeated = name in self._answered_ids
        self._answered_ids[name] = None
        if len(self._answered_ids) > _REMEMBERED_IDS:
            del self._answered_ids[next(iter(self._answered_ids))]
        return is_repeated

    def _receive_body(self, message: str | bytes) -> Data | End:
        if isinstance(message, bytes):
            return Data(message)
        metadata = _json_object(message) if '"end"' in message or '"error"' in message else None
        kind = metadata.get("type") if metadata and _are_same_id(metadata.get("request_id"), self._request_id) else None
        if kind == "error" and not self._is_json:
            raise self._model_error(message, "failed")
        if metadata is None or kind != "end":
            return Data(message.encode())
        self._is_streaming, self._request_id = False, None
        seconds = metadata.get("time_to_first_byte_seconds")
        return End(
            _status(metadata, default=self._status),
            float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else None,
        )

    def _model_error(self, message: str | bytes, what: str) -> ModelError:
        metadata = self._redaction.value(_json_object(message) or {})
        return ModelError(f"{what}: {detail_text(metadata)}", detail=metadata.get("error"), request_id=self.request_id)

    def _excerpt(self, message: str | bytes) -> str:
        kind = "binary" if isinstance(message, bytes) else "text"
        said = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
        words = self._redaction.text(said)
        return f"{kind} {words[:80]!r}{'…' if len(words) > 80 else ''}"


def _joined(pieces: Iterable[bytes]) -> Iterator[Data]:
    data = b"".join(pieces)
    if data:
        yield Data(data)


def _json_object(message: str | bytes) -> dict[str, Any] | None:
    """The JSON object that a text message is, or None. Metadata is never binary."""
    if isinstance(message, bytes) or len(message) > _LONGEST_METADATA or not message.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _are_same_id(first: Any, second: Any) -> bool:
    """Whether two ids are the same in JSON. In Python, 1 equals True and 1.0, too."""
    return _id_json(first) == _id_json(second)


def _id_json(identity: Any) -> str:
    try:
        return json.dumps(identity)
    except RecursionError:
        return "[…]"


def _status(metadata: Mapping[str, Any], default: int) -> int:
    status = metadata.get("status")
    return status if isinstance(status, int) else default


def _headers(value: Any) -> Headers:
    """Headers whose names may come in any case and whose values are strings or lists of strings.

    A name with other characters than ASCII is not valid (RFC 9110, 5.1), and is left out.
    """
    pairs: list[tuple[str, str]] = []
    for name, content in value.items() if isinstance(value, dict) else ():
        contents: Iterable[Any] = content if isinstance(content, list) else [content]
        pairs += [(name, _encodable(str(each))) for each in contents if name.isascii()]
    return Headers(pairs, encoding="utf-8")


def _encodable(text: str) -> str:
    """The text without lone surrogates, which JSON can hold and no encoding can."""
    return text.encode("utf-8", "replace").decode()
