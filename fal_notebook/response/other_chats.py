"""Sans-I/O: the answers of Anthropic, of Gemini and of Ollama, as some endpoints hand them on.

Their shapes are in docs.anthropic.com (Streaming messages), ai.google.dev (GenerateContentResponse) and in Ollama's
``docs/api.md``.
"""

from typing import Any

from .answers import Answer, Answers, number, string
from .base64_media import media_in_base64
from .chat import parts
from .updates import Update

_MOST_CHUNKS = 20_000  # that are read at once
_STEPS = ("content_block_stop", "message_stop", "ping")


def read_anthropic(answers: Answers, value: dict[str, Any]) -> list[Update] | None:
    """Take an event of a message, or a whole message; None where it is neither."""
    kind = value.get("type")
    if kind == "content_block_delta":
        return _block(answers, number(value.get("index")), value.get("delta"), is_whole=False)
    if kind == "content_block_start":
        return _block(answers, number(value.get("index")), value.get("content_block"), is_whole=False)
    if kind == "message_start":
        return _message(answers, value.get("message"))
    if kind == "message_delta":
        _add_usage(answers, value.get("usage"))
        delta = value.get("delta")
        if isinstance(delta, dict):
            _first(answers).end(delta.get("stop_reason"))
        return []
    if kind == "message" and isinstance(value.get("content"), list):
        return _message(answers, value)
    return [] if isinstance(kind, str) and kind in _STEPS else None


def read_gemini(answers: Answers, value: dict[str, Any]) -> list[Update] | None:
    """Take a chunk, or a whole answer; None where it is none of Gemini's."""
    candidates, feedback = value.get("candidates"), value.get("promptFeedback")
    if not isinstance(candidates, list) and not isinstance(feedback, dict):
        return None
    updates = answers.read_each(
        candidates if isinstance(candidates, list) else (),
        lambda answer, candidate: _candidate(answers, answer, candidate),
    )
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        _first(answers).end(feedback["blockReason"])
    _add_usage(answers, value.get("usageMetadata"))
    answers.model = string(value.get("modelVersion")) or answers.model
    return updates


def chunks_of_gemini(value: Any) -> list[dict[str, Any]]:
    """The chunks of a stream of Gemini's that comes as one JSON list; none where a value is no such list."""
    if not isinstance(value, list) or len(value) > _MOST_CHUNKS:
        return []
    are_chunks = all(isinstance(each, dict) and ("candidates" in each or "promptFeedback" in each) for each in value)
    return value if are_chunks else []


def read_ollama(answers: Answers, value: dict[str, Any]) -> list[Update] | None:
    """Take a line, or a whole answer; None where it is none of Ollama's."""
    message, words = value.get("message"), value.get("response")
    is_done = value.get("done")
    if not isinstance(is_done, bool) or not isinstance(message if isinstance(message, dict) else words, dict | str):
        return None
    answer = _first(answers)
    said = message if isinstance(message, dict) else value
    updates = answer.add_thought(string(said.get("thinking")))
    updates += answer.add(string(said.get("content")) or string(words))
    calls = said.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():  # each is whole, and has no number
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            answer.add_call(function.get("name"), None, function.get("arguments"))
    answer.end(value.get("done_reason"))
    _add_usage(answers, {name: value[name] for name in ("prompt_eval_count", "eval_count") if name in value})
    return updates


def _first(answers: Answers) -> Answer:
    answer = answers.answer()
    assert answer is not None  # noqa: S101 - there is always a first
    return answer


def _add_usage(answers: Answers, usage: Any) -> None:
    """Take counts beside those before: some come at the start and some at the end."""
    if isinstance(usage, dict) and usage:
        answers.usage = {**(answers.usage or {}), **usage}


def _message(answers: Answers, message: Any) -> list[Update]:
    """A message of Anthropic's: as it begins, or all of it."""
    if not isinstance(message, dict):
        return []
    _add_usage(answers, message.get("usage"))
    answers.model = string(message.get("model")) or answers.model
    _first(answers).end(message.get("stop_reason"))
    updates: list[Update] = []
    content = message.get("content")
    for place, block in enumerate(content if isinstance(content, list) else ()):
        updates += _block(answers, place, block, is_whole=True)
    return updates


def _block(answers: Answers, place: int, block: Any, *, is_whole: bool) -> list[Update]:
    """A block of a message, or a piece of one."""
    if not isinstance(block, dict):
        return []
    answer = _first(answers)
    for each in _dicts(block.get("citations")) + _dicts([block.get("citation")]):
        answers.cite(each.get("url"), each.get("title"))
    match block.get("type"):
        case "text" | "text_delta":
            return answer.add(string(block.get("text")))
        case "thinking" | "thinking_delta":
            return answer.add_thought(string(block.get("thinking")))
        case "input_json_delta":
            if answer.has_call(place):
                answer.call(place, arguments=string(block.get("partial_json")))
        case "tool_use":  # begun, its input is empty, and comes in pieces
            answer.call(place, block.get("name"), block.get("id"), block.get("input") if is_whole else None)
        case "image":
            source = block.get("source")
            media = media_in_base64(source.get("data")) if isinstance(source, dict) else None
            return answers.show([(place, media)]) if media else []
    return []


def _candidate(answers: Answers, answer: Answer, candidate: dict[str, Any]) -> list[Update]:
    answer.end(candidate.get("finishReason"))
    grounding, citing = candidate.get("groundingMetadata"), candidate.get("citationMetadata")
    for chunk in _dicts(grounding.get("groundingChunks")) if isinstance(grounding, dict) else ():
        web = chunk.get("web")
        if isinstance(web, dict):
            answers.cite(web.get("uri"), web.get("title"))
    for name in ("citations", "citationSources"):
        for cited in _dicts(citing.get(name)) if isinstance(citing, dict) else ():
            answers.cite(cited.get("uri"), cited.get("title"))
    content = candidate.get("content")
    updates: list[Update] = []
    for part in _dicts(content.get("parts")) if isinstance(content, dict) else ():
        words, thought = parts([part])
        updates += answer.add_thought(thought) + answer.add(words)
        call, inline = part.get("functionCall"), part.get("inlineData") or part.get("inline_data")
        if isinstance(call, dict):
            answer.add_call(call.get("name"), call.get("id"), call.get("args"))
        media = media_in_base64(inline.get("data")) if isinstance(inline, dict) else None
        updates += answers.show_more([media]) if media else []
    return updates


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
