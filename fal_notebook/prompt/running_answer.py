"""Collects an answer while it streams, and makes the messages that tell the page what is new."""

from collections.abc import Iterator, Sequence

from ..client.streaming import Stream
from ..response.updates import Piece, Preview, Progress, Text, Update
from ..safety.plain_text import one_line
from . import page_messages
from .entry import Entry
from .page_messages import Message


class RunningAnswer:
    """An entry and its stream.

    Args:
        entry: the prompt; the words and pictures of the answer are collected in it.

    Attributes:
        stream: the stream of the answer; set by the caller as soon as the request was made.
        status: what the page was last told about the stream, besides the words.
    """

    stream: Stream

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.status = ""
        self._progress: Progress | None = None

    def feed(self, updates: Sequence[Update]) -> list[Piece]:
        """Collect updates; return the pieces of a recording, which are not collected here."""
        pieces: list[Piece] = []
        for update in updates:
            if isinstance(update, Text):
                self.entry.text.feed(update)
            elif isinstance(update, Preview):
                self.entry.pictures.feed(update)
            elif isinstance(update, Progress):
                self._progress = update
            elif isinstance(update, Piece):
                pieces.append(update)
        return pieces

    def news(self) -> Iterator[tuple[Message, list[bytes] | None]]:
        """The messages for the page, each with its buffers: new words, a new preview, the progress."""
        number, stream = self.entry.number, self.stream
        patch = self.entry.text.take(last=stream.is_done)
        status = status_of(stream)
        if patch or (status != self.status and not stream.is_done):
            self.status = status
            yield page_messages.delta(number, patch, status, stream.elapsed), None
        if stream.is_done:
            return
        if picture := self.entry.pictures.take():
            content_type, data = picture
            yield page_messages.preview(number, content_type), [data]
        if self._progress is not None:
            yield page_messages.progress(number, self._progress), None
            self._progress = None


def status_of(stream: Stream) -> str:
    """What is known about a stream, in one line. The page itself counts the seconds."""
    first = stream.first_byte_after
    parts = ["" if first is None else f"first token {first:.2f} s"]
    parts += [f"{stream.bytes:,} bytes" if stream.bytes else ""]
    return one_line(" · ".join(filter(None, parts)))
