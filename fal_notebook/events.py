"""Floor 4, sans-I/O: what the JSON values of a response say, one after another.

fal's endpoints stream in a handful of shapes (fal's docs, "Streaming", and the endpoints' own pages):

=============================================  ==========================================
``{"output", "partial", "error", "reasoning"}``  cumulative: each holds the whole text so far
``{"text", …}``                                  cumulative too (speech to text)
``{"choices": [{"delta": {"content"}}]}``        OpenAI's: each holds what is new
``{"type": "response.output_text.delta"}``       OpenAI's responses: each holds what is new
``{"image": …}``, ``{"images": […]}``            previews: each replaces the one before
``{"progress", "message"}``                      how far the work is
``{"audio": "<base64>"}``                        pieces of sound, to append
=============================================  ==========================================

A JSON body is read as a stream of one event.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from .files import files_in
from .media import SNIFF_BYTES, Media, is_data_uri, sniff
from .updates import Json, Piece, Preview, Progress, Reasoning, Text, Update

_PCM_RATE = 16_000
_NODE_EVENTS = ("submit", "completion")


class GrowingText:
    """Text that grows by deltas or is replaced by snapshots; its cost is linear in what arrives."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0

    def __str__(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def append(self, new: str) -> tuple[str, int] | None:
        """Add what is new; return it and where it begins, or None where it is nothing."""
        if not new:
            return None
        offset, self._length = self._length, self._length + len(new)
        self._pieces.append(new)
        return new, offset

    def replace(self, snapshot: str) -> tuple[str, int] | None:
        """Take the whole text so far; return what is new and where it begins, or None where nothing changed."""
        before = str(self)
        if snapshot == before:
            return None
        offset = len(before) if snapshot.startswith(before) else _common_length(before, snapshot)
        self._pieces, self._length = [snapshot], len(snapshot)
        return snapshot[offset:], offset


def _common_length(first: str, second: str) -> int:
    """How many first characters two different texts share, found by halving."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class EventReader:
    """Reads the JSON values of one response and keeps what they add up to.

    Attributes:
        data: the last value.
        media: the files of the last value that had any.
        usage: what the endpoint said that the request used.
        error: the ``error`` that a value carried: a string or an object.
        model: the model that the endpoint said answered.
    """

    def __init__(self) -> None:
        self.data: Any = None
        self.media: tuple[Media, ...] = ()
        self.usage: dict[str, Any] | None = None
        self.error: Any = None
        self.model: str | None = None
        self._text = GrowingText()
        self._reasoning = GrowingText()

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return str(self._text)

    @property
    def reasoning(self) -> str:
        """The reasoning's text so far."""
        return str(self._reasoning)

    def read(self, value: Any, *, failed: bool = False) -> list[Update]:
        """Take the next value.

        Args:
            value: a JSON value.
            failed: the event that brought it is named ``error``.
        """
        self.data = value
        if not isinstance(value, dict):
            if failed:
                self.error = value if isinstance(value, str) and value else "error"
            return [Json(value), *self._files(value)]
        self._facts(value, failed=failed)
        if "node_id" in value and value.get("type") in _NODE_EVENTS:
            return [Json(value)]
        return list(self._meaning(value)) or [Json(value)]

    def _facts(self, value: dict[str, Any], *, failed: bool) -> None:
        error = value.get("error") or (value if failed else None)
        if isinstance(error, str | dict):
            self.error = error
        if isinstance(value.get("usage"), dict):
            self.usage = value["usage"]
        if isinstance(value.get("model"), str):
            self.model = value["model"]

    def _meaning(self, value: dict[str, Any]) -> Iterator[Update]:
        yield from self._words(value)
        audio = value.get("audio")
        piece = _audio_piece(audio, value) if isinstance(audio, str) else None
        if piece:
            yield piece
        else:
            yield from self._files(value)
        yield from _progress(value)

    def _words(self, value: dict[str, Any]) -> Iterator[Update]:
        choice = _first_choice(value)
        output = value.get("output")
        if isinstance(output, dict):
            value, output = output, output.get("output")
        if choice is not None:
            yield from self._choice(choice)
        elif str(value.get("type")).endswith("output_text.delta"):
            yield from _update(Text, self._text.append(_string(value.get("delta"))))
        elif isinstance(words := output if isinstance(output, str) else value.get("text"), str):
            yield from self._thought(value)
            yield from _update(Text, self._text.replace(words))
        else:
            yield from self._thought(value)

    def _thought(self, value: dict[str, Any]) -> Iterator[Update]:
        if isinstance(value.get("reasoning"), str):
            yield from _update(Reasoning, self._reasoning.replace(value["reasoning"]))

    def _choice(self, choice: dict[str, Any]) -> Iterator[Update]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            thought = delta.get("reasoning") or delta.get("reasoning_content")
            yield from _update(Reasoning, self._reasoning.append(_string(thought)))
            yield from _update(Text, self._text.append(_string(delta.get("content"))))
            return
        message = choice.get("message")
        whole = message.get("content") if isinstance(message, dict) else choice.get("text")
        if isinstance(whole, str):
            yield from _update(Text, self._text.append(whole))

    def _files(self, value: Any) -> Iterator[Update]:
        media = files_in(value)
        if media:
            self.media = media
            yield Preview(media)


def _first_choice(value: dict[str, Any]) -> dict[str, Any] | None:
    """The first of OpenAI's choices; an empty choice where the value is such a chunk and has none."""
    choices = value.get("choices")
    if not isinstance(choices, list):
        return None
    first = next((each for each in choices if isinstance(each, dict) and not each.get("index")), {})
    return first if isinstance(first, dict) else {}


def _update(kind: type[Text | Reasoning], change: tuple[str, int] | None) -> Iterator[Update]:
    if change is not None:
        yield kind(*change)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _audio_piece(audio: str, value: dict[str, Any]) -> Piece | None:
    """The sound in ``{"audio": "<base64>"}``: a file's bytes, or samples in 16 bits."""
    if is_data_uri(audio) or "://" in audio[:10]:
        return None
    try:
        data = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        return None
    rate = value.get("sample_rate")
    known = rate if isinstance(rate, int) and rate > 0 else _PCM_RATE
    return (
        Piece(data, sniff(data[:SNIFF_BYTES], samples=True) or f"audio/pcm;rate={known};channels=1") if data else None
    )


def _progress(value: dict[str, Any]) -> Iterator[Progress]:
    fraction = value.get("progress")
    message = _string(value.get("message"))
    if isinstance(fraction, int | float) and not isinstance(fraction, bool) and fraction == fraction:
        yield Progress(min(max(fraction, 0.0), 100.0) / (100 if fraction > 1 else 1), message)
    elif message and "output" not in value:
        yield Progress(None, message)
