"""Collects an answer while it streams, and makes the messages that tell the page what is new."""

from collections.abc import Iterator, Sequence

from ..client.streaming import Stream
from ..display.live_reasoning import LiveReasoning
from ..response.updates import Piece, Preview, Progress, Update
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
        reasoning: the model's reasoning so far.
    """

    stream: Stream

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.status = ""
        self.reasoning = LiveReasoning()
        self._progress: Progress | None = None

    def feed(self, updates: Sequence[Update]) -> list[Piece]:
        """Collect updates; return the pieces of a recording, which are not collected here."""
        pieces: list[Piece] = []
        self.reasoning.take(updates)
        self.entry.words.collect(updates, self.stream)
        for update in updates:
            if isinstance(update, Preview):
                self.entry.pictures.feed(update)
            elif isinstance(update, Progress):
                self._progress = update
            elif isinstance(update, Piece):
                pieces.append(update)
        return pieces

    def news(self) -> Iterator[tuple[Message, list[bytes] | None]]:
        """The messages for the page, each with its buffers: reasoning, new words, a new preview, the progress."""
        number, stream = self.entry.number, self.stream
        if not stream.is_done:
            self.reasoning.watch(stream)
            if self.reasoning.has_news:
                yield page_messages.reasoning(number, self.reasoning.state(stream)), None
        words = self.entry.words.take(last=stream.is_done)
        status = status_of(stream)
        if words or (status != self.status and not stream.is_done):
            self.status = status
            yield page_messages.packed(page_messages.delta(number, words, status, stream.elapsed))
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
    if stream.transfer is not None:
        return one_line(" · ".join(filter(None, [f"uploading {stream.transfer.words}", stream.transfer.notice])))
    first = stream.first_byte_after
    parts = ["" if first is None else f"first token {first:.2f} s"]
    parts += [f"{stream.bytes:,} bytes" if stream.bytes else ""]
    return one_line(" · ".join(filter(None, parts)))
