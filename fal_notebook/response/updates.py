"""The updates that arrive while a response streams, a class for each kind."""

from dataclasses import dataclass
from typing import Any

from ..media.media import Media


class _Wordless:
    """An update that is not text of the answer, and so prints as nothing."""

    __slots__ = ()

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Text:
    """New text of the answer.

    The text so far is the earlier text up to ``offset``, then ``new``. ``offset`` is the length of the earlier text,
    unless the model rewrote some of it. ``str()`` of the update is ``new``, so that
    ``for update in stream: print(update, end="")`` prints an answer.
    """

    new: str
    offset: int

    def __str__(self) -> str:
        return self.new


@dataclass(frozen=True, slots=True)
class Reasoning(_Wordless):
    """New text of the model's reasoning, which some endpoints give beside the answer. Like `Text`."""

    new: str
    offset: int


@dataclass(frozen=True, slots=True)
class Preview(_Wordless):
    """Pictures or other files that replace those before them."""

    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Piece(_Wordless):
    """Bytes to append to a recording, a picture or another file.

    ``content_type`` may have parameters: ``audio/pcm;rate=16000;channels=1`` is 16-bit little-endian samples.
    """

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Progress(_Wordless):
    """How far the work is: a fraction from 0 to 1 and what the server says of it, each where it was sent."""

    fraction: float | None
    message: str

    @property
    def words(self) -> str:
        """Both as words: ``25% two passes``."""
        percent = "" if self.fraction is None else f"{self.fraction:.0%} "
        return percent + self.message


@dataclass(frozen=True, slots=True)
class Json(_Wordless):
    """A JSON value of the response, an event or the body, that is no other kind of update."""

    value: Any


@dataclass(frozen=True, slots=True)
class Log(_Wordless):
    """A line that the model logged while it worked, from fal's queue, and its level, such as ``INFO``."""

    message: str
    level: str = ""


Update = Text | Reasoning | Preview | Piece | Progress | Json | Log
