"""Floor 6, sans-I/O: what the body of a response means, whatever its content type and wherever it is cut.

The content type decides how a body is read, with one exception: a body that is plainly media by its first bytes
is media whatever its label. So nothing is decided before those bytes are there.
"""

from typing import Any

from .bodies import Body, EventStreamBody, JSONBody, MediaBody, TextBody
from .event_log import EventLog
from .events import EventReader
from .media import SNIFF_BYTES, Media, needs_more, normal_type, sniff
from .updates import Update


class Content:
    """The meaning of one response's body, which grows as its bytes are fed.

    Args:
        content_type: the ``Content-Type`` header of the response, with its parameters.
    """

    def __init__(self, content_type: str | None = None) -> None:
        self._label = content_type or ""
        self._held = b""
        self._body: Body | None = None

    @property
    def text(self) -> str:
        """The answer's text so far; of a body that is neither JSON nor media, the body."""
        return self._body.text if self._body else ""

    @property
    def reasoning(self) -> str:
        """The reasoning's text so far, where the endpoint gives it."""
        return self._reader.reasoning

    @property
    def data(self) -> Any:
        """The JSON value: the body, or the last event."""
        return self._reader.data

    @property
    def media(self) -> tuple[Media, ...]:
        """The files: the body itself, or those that its JSON holds. Those that grow are there after `finish`."""
        return self._body.media if self._body else ()

    @property
    def events(self) -> EventLog:
        """The server-sent events, where the body is a stream of them."""
        return self._body.events if self._body else EventLog()

    @property
    def usage(self) -> dict[str, Any] | None:
        """What the endpoint said that the request used: tokens, cost."""
        return self._reader.usage

    @property
    def error(self) -> Any:
        """The ``error`` inside the body: a string or an object; None where there is none."""
        return self._reader.error

    @property
    def model(self) -> str | None:
        """The model that the endpoint said answered."""
        return self._reader.model

    def feed(self, data: bytes) -> list[Update]:
        """Take the next bytes of the body and return what they bring."""
        if self._body is None:
            data = self._held + data if self._held else data
            if needs_more(data):
                self._held = data
                return []
            self._body, self._held = self._choose(data), b""
        return self._body.feed(data)

    def finish(self) -> list[Update]:
        """Take the end of the body, whole or not, and return what it brings.

        Raises:
            InvalidResponse: the body says that it is JSON and is not; `text` has it as it came.
        """
        updates: list[Update] = []
        if self._body is None:
            self._body = self._choose(self._held)
            updates = self._body.feed(self._held)
        return updates + self._body.finish()

    @property
    def _reader(self) -> EventReader:
        return self._body.reader if self._body else EventReader()

    def _choose(self, head: bytes) -> Body:
        kind = normal_type(self._label)
        is_file = kind.startswith(("audio/", "image/", "video/"))
        plainly = sniff(head[:SNIFF_BYTES])
        if is_file or plainly:
            return MediaBody(self._label if is_file else plainly or "")
        if kind == "text/event-stream":
            return EventStreamBody()
        if kind == "application/json" or kind.endswith("+json"):
            return JSONBody()
        if kind.startswith("text/"):
            return TextBody(self._label)
        return MediaBody(self._label)
