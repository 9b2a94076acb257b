"""Sans-I/O: what the JSON values of a response say, one after another.

fal's endpoints stream in a handful of shapes (fal's docs, "Streaming", and the endpoints' own pages):

=============================================  ==========================================
``{"output", "partial", "error", "reasoning"}``  cumulative: each holds the whole text so far
``{"text", …}``, ``{"output", …}``               cumulative, or what is new: the pieces tell
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
import json
from typing import Any

from ..media.media import SNIFF_BYTES, Media, is_data_uri, sniff
from .files_in_json import files_in
from .growing_text import Change, UnmarkedText
from .updates import Json, Piece, Preview, Progress, Reasoning, Text, Update

_PCM_RATE = 16_000
_NODE_EVENTS = ("submit", "completion")


class EventReader:
    """Reads the JSON values of one response and keeps what they add up to.

    Attributes:
        media: the files of the last value that had any.
        usage: what the endpoint said that the request used.
        error: the ``error`` that a value carried: a string or an object.
        model: the model that the endpoint said answered.
        note: what the user should know of how the values were read, such as that one was kept as text.
    """

    def __init__(self) -> None:
        self.media: tuple[Media, ...] = ()
        self.usage: dict[str, Any] | None = None
        self.error: Any = None
        self.model: str | None = None
        self.note = ""
        self._data: Any = None
        self._undecoded: str | None = None
        self._text = UnmarkedText()
        self._reasoning = UnmarkedText()

    @property
    def data(self) -> Any:
        """The last value."""
        if self._undecoded is not None:
            self._data, self._undecoded = json.loads(self._undecoded), None
        return self._data

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return str(self._text)

    @property
    def reasoning(self) -> str:
        """The reasoning's text so far."""
        return str(self._reasoning)

    @property
    def are_snapshots(self) -> bool:
        """Whether it is settled that words without a mark as deltas are the whole text so far."""
        return self._text.are_snapshots

    def read(self, value: Any, *, failed: bool = False) -> list[Update]:
        """Take the next value.

        Args:
            value: a JSON value.
            failed: whether the event that brought it is named ``error``.
        """
        self._data, self._undecoded = value, None
        if not isinstance(value, dict):
            if failed:
                self.error = value if isinstance(value, str) and value else "error"
            return [Json(value), *self._files(value)]
        self._facts(value, failed=failed)
        if "node_id" in value and value.get("type") in _NODE_EVENTS:
            return [Json(value)]
        return self._meaning(value) or [Json(value)]

    def read_words(self, words: str, undecoded: str, *, appended: bool) -> list[Update]:
        """Take the next value, of which only the words differ from the last.

        Args:
            words: its words.
            undecoded: the value as JSON.
            appended: whether the words are added to those before. If not, they replace these, which is allowed only
                where `are_snapshots` is true.
        """
        self._undecoded = undecoded
        change = self._text.append(words) if appended else self._text.take(words)
        return _update(Text, change) or [Json(self.data)]

    def _facts(self, value: dict[str, Any], *, failed: bool) -> None:
        error = value.get("error") or (value if failed else None)
        if isinstance(error, str | dict):
            self.error = error
        if isinstance(value.get("usage"), dict):
            self.usage = value["usage"]
        if isinstance(value.get("model"), str):
            self.model = value["model"]

    def _meaning(self, value: dict[str, Any]) -> list[Update]:
        updates = self._words(value)
        audio = value.get("audio")
        piece = _audio_piece(audio, value) if isinstance(audio, str) else None
        return [*updates, *([piece] if piece else self._files(value)), *_progress(value)]

    def _words(self, value: dict[str, Any]) -> list[Update]:
        choice = _first_choice(value)
        if choice is not None:
            return self._choice(choice)
        if str(value.get("type")).endswith("output_text.delta"):
            return _update(Text, self._text.append(_string(value.get("delta"))))
        output = value.get("output")
        if isinstance(output, dict):
            value, output = output, output.get("output")
        documented = isinstance(value.get("partial"), bool)
        thought = self._reasoning.take(_string(value.get("reasoning")), documented=documented)
        words = self._text.take(_string(output) or _string(value.get("text")), documented=documented)
        return _update(Reasoning, thought) + _update(Text, words)

    def _choice(self, choice: dict[str, Any]) -> list[Update]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            thought = delta.get("reasoning") or delta.get("reasoning_content")
            updates = _update(Reasoning, self._reasoning.append(_string(thought)))
            return updates + _update(Text, self._text.append(_string(delta.get("content"))))
        message = choice.get("message")
        whole = message.get("content") if isinstance(message, dict) else choice.get("text")
        return _update(Text, self._text.append(_string(whole)))

    def _files(self, value: Any) -> list[Update]:
        media = files_in(value)
        if not media:
            return []
        self.media = media
        return [Preview(media)]


def _first_choice(value: dict[str, Any]) -> dict[str, Any] | None:
    """The first choice of an OpenAI chunk, or an empty one where it has none; None where the value is no chunk."""
    choices = value.get("choices")
    if not isinstance(choices, list):
        return None
    first = next((each for each in choices if isinstance(each, dict) and not each.get("index")), {})
    return first if isinstance(first, dict) else {}


def _update(kind: type[Text | Reasoning], change: Change | None) -> list[Update]:
    return [] if change is None else [kind(*change)]


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


def _progress(value: dict[str, Any]) -> list[Update]:
    fraction = value.get("progress")
    message = _string(value.get("message"))
    if isinstance(fraction, int | float) and not isinstance(fraction, bool) and fraction == fraction:
        return [Progress(min(max(fraction, 0.0), 100.0) / (100 if fraction > 1 else 1), message)]
    return [Progress(None, message)] if message and "output" not in value else []
