"""Sans-I/O: what the JSON values of a response say, one after another.

fal's endpoints stream in a handful of shapes (fal's docs, "Streaming", and the endpoints' own pages):

=============================================  ==========================================
``{"output", "partial", "error", "reasoning"}``  cumulative: each holds the whole text so far
``{"text", …}``, ``{"output", …}``               cumulative, or what is new: the pieces tell
``{"choices": [{"delta": {"content"}}]}``        OpenAI's: each holds what is new (`chat`)
``{"type": "response.output_text.delta"}``       OpenAI's responses: each holds what is new (`responses_api`)
``{"type": "content_block_delta"}``, …           Anthropic's, Gemini's and Ollama's (`other_chats`)
``{"image": …}``, ``{"images": […]}``            previews: each replaces the one before
``{"progress", "message"}``                      how far the work is
``{"audio": "<base64>"}``                        pieces of sound, to append
=============================================  ==========================================

A JSON body is read as a stream of one event.
"""

import json
from typing import Any

from .answers import Answers, string, told
from .chat import read_chat
from .errors_in_json import error_in
from .files_in_json import files_in
from .other_chats import chunks_of_gemini, read_anthropic, read_gemini, read_ollama
from .responses_api import ResponsesReader
from .sound_in_json import audio_piece
from .updates import Json, Preview, Progress, Reasoning, Text, Update

_PCM_RATE = 16_000
_NODE_EVENTS = ("submit", "completion")
_UNDERSTOOD = frozenset(
    (
        *("output", "text", "reasoning", "error", "usage", "model", "progress", "message", "audio", "done", "partial"),
        *("status", "detail"),
    )
)
"""Of a value that has one of these names it is known what it says, be it nothing new."""
_SAYS_NOTHING = frozenset(("type", "event", "id", "request_id", "object", "index", "created", "timestamp"))


class EventReader(Answers):
    """Reads the JSON values of one response and keeps what they add up to.

    Attributes:
        note: what the user should know of how the values were read, such as that one was kept as text.
        others: the number of values of which nothing was understood.
    """

    def __init__(self) -> None:
        super().__init__()
        self.note = ""
        self.others = 0
        self._data: Any = None
        self._undecoded: str | None = None
        self._text = self.first.words
        self._reasoning = self.first.thought
        self._responses = ResponsesReader(self)

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
            chunks = chunks_of_gemini(value)
            if chunks:
                return [update for chunk in chunks for update in self._object(chunk)]
            if failed:
                self.error = value if isinstance(value, str) and value else "error"
            files = self._files(value)
            self.others += not (files or failed)
            return [Json(value), *files]
        return self._object(value, failed=failed)

    def _object(self, value: dict[str, Any], *, failed: bool = False) -> list[Update]:
        self._facts(value, failed=failed)
        if "node_id" in value and value.get("type") in _NODE_EVENTS:
            return [Json(value)]
        return self._meaning(value, failed=failed) or [Json(value)]

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
        return told(Text, change) or [Json(self.data)]

    def _facts(self, value: dict[str, Any], *, failed: bool) -> None:
        error = error_in(value, failed=failed)
        if error is not None:
            self.error = error
        if isinstance(value.get("usage"), dict) and value.get("type") != "message_delta":  # which has a part of it
            self.usage = value["usage"]
        if isinstance(value.get("model"), str):
            self.model = value["model"]

    def _meaning(self, value: dict[str, Any], *, failed: bool) -> list[Update]:
        choices = value.get("choices")
        if isinstance(choices, list):
            return read_chat(self, value, choices)
        updates = self._chat(value)
        if updates is not None:
            return updates
        updates = self._words(value)
        audio = value.get("audio")
        rate = value.get("sample_rate")
        known = rate if isinstance(rate, int) and rate > 0 else _PCM_RATE
        piece = audio_piece(audio, known) if isinstance(audio, str) else None
        updates = [*updates, *([piece] if piece else self._files(value)), *_progress(value)]
        self.others += (
            not updates and not failed and _UNDERSTOOD.isdisjoint(value) and not _SAYS_NOTHING.issuperset(value)
        )
        return updates

    def _chat(self, value: dict[str, Any]) -> list[Update] | None:
        """What a value of one of the usual chat interfaces says; None where it is none of them."""
        if "type" in value or "object" in value:
            updates = self._responses.read(value)
            if updates is not None:
                return updates
        if "done" in value:
            return read_ollama(self, value)
        if "candidates" in value or "promptFeedback" in value:
            return read_gemini(self, value)
        return read_anthropic(self, value) if "type" in value else None

    def _words(self, value: dict[str, Any]) -> list[Update]:
        output = value.get("output")
        if isinstance(output, dict):
            value, output = output, output.get("output")
        documented = isinstance(value.get("partial"), bool)
        thought = self._reasoning.take(string(value.get("reasoning")), documented=documented)
        words = self._text.take(string(output) or string(value.get("text")), documented=documented)
        return told(Reasoning, thought) + told(Text, words)

    def _files(self, value: Any) -> list[Update]:
        media = files_in(value)
        if not media:
            return []
        self.media = media
        return [Preview(media)]


def _progress(value: dict[str, Any]) -> list[Update]:
    fraction = value.get("progress")
    message = string(value.get("message"))
    if isinstance(fraction, int | float) and not isinstance(fraction, bool) and fraction == fraction:
        return [Progress(min(max(fraction, 0.0), 100.0) / (100 if fraction > 1 else 1), message)]
    return [Progress(None, message)] if message and "output" not in value else []
