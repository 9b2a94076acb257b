"""Sans-I/O: a body of which no label says what it is."""

import codecs
import re
from io import BytesIO

from ..errors import InvalidResponse
from ..media.media import Media
from .bodies import Body, MediaBody, TextBody
from .event_stream_body import JSONBody
from .updates import Update

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")  # that no words hold


class UnlabelledBody(Body):
    """JSON, words, or else a file.

    It is a file from the first byte on that no words hold, and what came before is a part of it. Words could still
    become one with each byte, so they are read at the end.

    Args:
        label: of the file.
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
        try:
            self._decoder.decode(data, final)
        except UnicodeDecodeError:
            return False
        return not _CONTROLS.search(data)

    def _read_as(self, body: Body) -> list[Update]:
        self._body, self.events, self.reader = body, body.events, body.reader
        data, self._buffer = self._buffer.getvalue(), BytesIO()
        return body.feed(data)
