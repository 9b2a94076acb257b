"""Sans-I/O: OpenAI's responses, streamed and whole (platform.openai.com/docs/api-reference/responses-streaming).

A response is a list of items: messages, reasoning, calls, pictures. Each grows by events of its own, which say by their
``output_index`` to which item they belong, and the last event has all of it once more.
"""

from collections.abc import Callable
from typing import Any

from .answers import Answer, Answers, number, string
from .base64_media import media_in_base64
from .chat import cite_all
from .sound_in_json import audio_piece
from .updates import Update

_PREFIX = "response."
_RATE = 24_000  # of the samples of OpenAI's own voices
_STATES = ("created", "queued", "in_progress", "completed", "incomplete", "failed", "cancelled", "done")
_ENDS = ("completed", "incomplete", "failed", "cancelled", "done")
_STEPS = (".added", ".done", ".in_progress", ".generating", ".searching", ".interpreting", ".completed")
"""How events end that tell of a step: what the step brought comes in others, and in the item that is done."""
_BETWEEN = "\n\n"  # the messages of one response, and the parts of its reasoning


class ResponsesReader:
    """Reads the events of one response.

    Args:
        answers: take what they say.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._place: dict[str, tuple[int, int]] = {}  # of the item, and of the part, that came last, by their kind

    def read(self, value: dict[str, Any]) -> list[Update] | None:
        """Take an event, or a whole response; None where it is neither, or one of another kind."""
        kind = string(value.get("type"))
        if kind.endswith("output_text.delta"):
            return self._grow("text", value, self._first.add, "delta")
        if kind.startswith(_PREFIX):
            return self._event(kind[len(_PREFIX) :], value)
        if value.get("object") == "response":
            return self._whole(value, is_end=True)
        return None

    @property
    def _first(self) -> Answer:
        answer = self._answers.answer()
        assert answer is not None  # noqa: S101 - there is always a first
        return answer

    def _event(self, kind: str, value: dict[str, Any]) -> list[Update] | None:
        if kind in _STATES:
            response = value.get("response")
            return self._whole(response, is_end=kind in _ENDS) if isinstance(response, dict) else []
        what, _, step = kind.rpartition(".")
        if what.startswith("reasoning"):  # reasoning_text, reasoning_summary_text, reasoning_summary, reasoning
            return self._reasoning(step, value)
        read = self._readers().get(kind)
        if read:
            return read(value)
        return [] if kind.endswith(_STEPS) else None

    def _readers(self) -> dict[str, Callable[[dict[str, Any]], list[Update]]]:
        return {
            "output_text.done": lambda value: self._end("text", value, self._first.add, "text"),
            "output_text.annotation.added": self._cite,
            "refusal.delta": lambda value: self._grow("text", value, self._first.refuse, "delta"),
            "refusal.done": lambda value: self._end("text", value, self._first.refuse, "refusal"),
            "function_call_arguments.delta": lambda value: self._call(value, "delta"),
            "function_call_arguments.done": lambda value: self._call(value, "arguments"),
            "output_item.added": self._item,
            "output_item.done": self._item,
            "image_generation_call.partial_image": self._partial_picture,
            "audio.delta": self._sound,
            "audio.transcript.delta": lambda value: self._first.add(string(value.get("delta"))),
        }

    def _grow(
        self, kind: str, value: dict[str, Any], take: Callable[[str], list[Update]], name: str, index: str = ""
    ) -> list[Update]:
        """Take new words, set off from those of the message or part before."""
        words = string(value.get(name))
        place = (number(value.get("output_index")), number(value.get(index)) if index else 0)
        before = self._place.get(kind, place)
        if words:
            self._place[kind] = max(place, before)
        return take(_BETWEEN + words if words and place > before else words)

    def _end(
        self, kind: str, value: dict[str, Any], take: Callable[[str], list[Update]], name: str, index: str = ""
    ) -> list[Update]:
        """Take all words of a message or part of which none has come before."""
        place = (number(value.get("output_index")), number(value.get(index)) if index else 0)
        before = self._place.get(kind)
        return [] if before is not None and place <= before else self._grow(kind, value, take, name, index)

    def _reasoning(self, step: str, value: dict[str, Any]) -> list[Update]:
        index = "summary_index" if "summary_index" in value else "content_index"
        if step == "delta":
            return self._grow("reasoning", value, self._first.add_thought, "delta", index)
        return self._end("reasoning", value, self._first.add_thought, "text", index) if step == "done" else []

    def _cite(self, value: dict[str, Any]) -> list[Update]:
        cite_all(self._answers, {"annotations": [value.get("annotation")]})
        return []

    def _call(self, value: dict[str, Any], name: str) -> list[Update]:
        take = self._first.call if name == "delta" else self._first.close_call
        take(number(value.get("output_index")), value.get("name"), None, string(value.get(name)) or None)
        return []

    def _sound(self, value: dict[str, Any]) -> list[Update]:
        piece = audio_piece(string(value.get("delta")), _RATE)
        return [piece] if piece else []

    def _partial_picture(self, value: dict[str, Any]) -> list[Update]:
        return self._picture(number(value.get("output_index")), value.get("partial_image_b64"))

    def _picture(self, place: int, text: Any) -> list[Update]:
        media = media_in_base64(text)
        return self._answers.show([(place, media)]) if media else []

    def _item(self, value: dict[str, Any]) -> list[Update]:
        """An item as it begins or ends. The words of a message come in events of their own."""
        item = value.get("item")
        if not isinstance(item, dict) or item.get("type") in ("message", "reasoning"):
            return []
        return self._item_at(number(value.get("output_index")), item)

    def _item_at(self, place: int, item: dict[str, Any]) -> list[Update]:
        match item.get("type"):
            case "function_call":
                self._first.close_call(place, item.get("name"), item.get("call_id"), item.get("arguments") or None)
            case "custom_tool_call":
                self._first.close_call(place, item.get("name"), item.get("call_id"), item.get("input") or None)
            case "image_generation_call":
                return self._picture(place, item.get("result"))
        return []

    def _whole(self, response: dict[str, Any], *, is_end: bool) -> list[Update]:
        """A response with all its items, or as far as it has come."""
        answers = self._answers
        for name, kind in (("usage", dict), ("model", str)):
            if isinstance(response.get(name), kind):
                setattr(answers, name, response[name])
        error = response.get("error")
        if error and isinstance(error, str | dict):
            answers.error = error
        if not is_end:
            return []
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        self._first.end(reason or response.get("status"))
        if response.get("status") == "failed" or (answers.error is None and response.get("status") == "cancelled"):
            answers.error = answers.error or f"the response is {response['status']}"
        return self._items(response.get("output"))

    def _items(self, output: Any) -> list[Update]:
        updates: list[Update] = []
        words, thoughts = [], []
        for place, item in enumerate(output if isinstance(output, list) else ()):
            if not isinstance(item, dict):
                continue
            if item.get("type") == "message":
                words.append(self._message(item.get("content")))
            elif item.get("type") == "reasoning":
                thoughts += [string(part.get("text")) for name in ("summary", "content") for part in _parts(item, name)]
            else:
                updates += self._item_at(place, item)
        return [
            *self._first.close_thought(_BETWEEN.join(filter(None, thoughts))),
            *self._first.close(_BETWEEN.join(filter(None, words))),
            *updates,
        ]

    def _message(self, content: Any) -> str:
        """The words of a message, whose sources are taken."""
        words = []
        for part in _parts({"content": content}, "content"):
            refusal = string(part.get("refusal"))
            self._first.refused = self._first.refused or bool(refusal)
            words.append(string(part.get("text")) or refusal)
            cite_all(self._answers, part)
        return "".join(words)


def _parts(item: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts = item.get(name)
    return [each for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []
