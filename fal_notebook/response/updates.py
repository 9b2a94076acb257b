"""What arrives while a response streams, each kind a value of its own."""

from dataclasses import dataclass
from typing import Any

from ..media.media import Media


class _Wordless:
    """What is not the answer's own text prints as nothing."""

    __slots__ = ()

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Text:
    """New text of the answer.

    The text so far is what stood before up to ``offset``, then ``new``. ``offset`` is the length of what stood
    before, unless the model rewrote some of it. ``str()`` of it is ``new``, so that
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
    """A JSON value of the response that is none of the others: an event, or the body."""

    value: Any


Update = Text | Reasoning | Preview | Piece | Progress | Json
