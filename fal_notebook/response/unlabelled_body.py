"""Sans-I/O: the reader of a body whose content type is missing or says only that it is bytes."""

import codecs
import re
from io import BytesIO

from ..errors import InvalidResponse
from ..media.media import Media
from .bodies import Body, MediaBody, TextBody
from .event_stream_body import JSONBody
from .updates import Update

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")  # bytes that stand in no text


class UnlabelledBody(Body):
    """JSON, text, or a file.

    As soon as a byte comes that cannot be part of a text, the whole body is taken for a file. Only at the end is it
    certain that no such byte follows, so JSON and text are read only then.

    Args:
        label: the content type that the server gave, for the case that it is a file.
    """

    def __init__(self, label: str) -> None:
        super().__init__()
        self._label = label
        self._buffer = BytesIO()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._body: Body | None = None

    @property
    def is_file(self) -> bool:
        return self._body is not None and self._body.is_file

    @property
    def text(self) -> str:
        return self._body.text if self._body else ""

    @property
    def media(self) -> tuple[Media, ...]:
        return self._body.media if self._body else ()

    def feed(self, data: bytes) -> list[Update]:
        if self._body:
            return self._body.feed(data)
        self._buffer.write(data)
        return [] if self._are_words(data) else self._read_as(MediaBody(self._label))

    def finish(self) -> list[Update]:
        if self._body:
            return self._body.finish()
        if not self._are_words(b"", final=True):
            return self._read_as(MediaBody(self._label)) + self.finish()
        body = self._buffer.getvalue()
        try:
            return self._read_as(JSONBody()) + self.finish()
        except InvalidResponse:
            self._buffer.write(body)
            return self._read_as(TextBody()) + self.finish()

    def _are_words(self, data: bytes, *, final: bool = False) -> bool:
        """Whether the next bytes continue a text in UTF-8, without control characters."""
        try:
            self._decoder.decode(data, final)
        except UnicodeDecodeError:
            return False
        return not _CONTROLS.search(data)

    def _read_as(self, body: Body) -> list[Update]:
        """Give what has come to the reader for its kind, which reads the rest, too."""
        self._body, self.events, self.reader = body, body.events, body.reader
        data, self._buffer = self._buffer.getvalue(), BytesIO()
        return body.feed(data)
