"""Sans-I/O: OpenAI's chat completions, and the many endpoints that speak alike.

A chunk of a stream has a ``delta`` for each of its choices, and JSON that comes whole a ``message``
(platform.openai.com/docs/api-reference/chat; what OpenRouter, Mistral and Perplexity add is in their documentation).
"""

from typing import Any

from .answers import Answer, Answers, index_of, string
from .files_in_json import files_in
from .sound_in_json import audio_piece
from .updates import Update

_RATE = 24_000  # of the samples of OpenAI's own voices
_CITED = ("annotations", "citations", "search_results")
"""Where sources stand, which are no files of the answer."""
_NAMES_CITED = frozenset(_CITED)
_REST = frozenset(("refusal", "audio", "tool_calls", "function_call", *_CITED))
"""What a message may have beside words and reasoning, which nearly none has."""


def read_chat(answers: Answers, value: dict[str, Any], choices: list[Any]) -> list[Update]:
    """Take a chunk, or all of a completion."""
    updates = answers.read_each(choices, lambda answer, choice: _choice(answers, answer, choice))
    if not _NAMES_CITED.isdisjoint(value):
        cite_all(answers, value)
    return updates + answers.show_more(files_in(value, without=_CITED))


def cite_all(answers: Answers, value: dict[str, Any]) -> None:
    """Take the sources that a message, or all of a response, names."""
    for name in _CITED:
        cited = value.get(name)
        for each in cited if isinstance(cited, list) else ():
            if isinstance(each, dict):
                inner = each.get("url_citation")
                source = inner if isinstance(inner, dict) else each
                answers.cite(source.get("url"), source.get("title"))
            else:
                answers.cite(each)


def parts(content: list[Any]) -> tuple[str, str]:
    """The words and the reasoning in content that comes as a list of parts."""
    words, thought = [], []
    for part in content:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, dict):
            thinking = part.get("thinking")
            if part.get("type") in ("thinking", "reasoning") or part.get("thought") is True:
                inner = parts(thinking)[0] if isinstance(thinking, list) else string(thinking)
                thought.append(inner or string(part.get("text")))
            else:
                words.append(string(part.get("text")))
    return "".join(words), "".join(thought)


def _choice(answers: Answers, answer: Answer, choice: dict[str, Any]) -> list[Update]:
    delta, message = choice.get("delta"), choice.get("message")
    updates: list[Update] = []
    if isinstance(delta, dict):
        updates = _message(answers, answer, delta, is_whole=False)
    if isinstance(message, dict) and not updates:
        updates = _message(answers, answer, message, is_whole=True)
    if not (delta or message):
        updates = answer.add(string(choice.get("text")))
    reason = choice.get("finish_reason")
    if reason:
        answer.end(reason)
    error = choice.get("error")
    if error and isinstance(error, str | dict):
        answers.error = error
    elif reason == "error":
        answers.error = answers.error or "the model's provider failed"
    return updates


def _message(answers: Answers, answer: Answer, said: dict[str, Any], *, is_whole: bool) -> list[Update]:
    content = said.get("content")
    words, thought = parts(content) if isinstance(content, list) else (string(content), "")
    thought = string(said.get("reasoning") or said.get("reasoning_content") or said.get("thinking")) or thought
    thought = thought or _details(said.get("reasoning_details"))
    add, add_thought = (answer.close, answer.close_thought) if is_whole else (answer.add, answer.add_thought)
    updates = (add_thought(thought) if thought else []) + add(words)
    if not _REST.isdisjoint(said):
        updates += _rest(answers, answer, said, is_whole=is_whole)
    return updates


def _rest(answers: Answers, answer: Answer, said: dict[str, Any], *, is_whole: bool) -> list[Update]:
    updates: list[Update] = []
    refusal, audio = said.get("refusal"), said.get("audio")
    if isinstance(refusal, str) and refusal:
        updates += answer.refuse(refusal, is_whole=is_whole)
    if isinstance(audio, dict):
        transcript = string(audio.get("transcript"))
        updates += answer.close(transcript) if is_whole else answer.add(transcript)
        piece = audio_piece(string(audio.get("data")), _RATE)
        updates += [piece] if piece else []
    calls = said.get("tool_calls")
    for place, each in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(each, dict):
            _call(answer, index_of(each, place), each, is_whole=is_whole)
    if isinstance(said.get("function_call"), dict):
        _call(answer, "function", {"function": said["function_call"]}, is_whole=is_whole)
    cite_all(answers, said)
    return updates


def _call(answer: Answer, place: object, call: dict[str, Any], *, is_whole: bool) -> None:
    function = call.get("function")
    function = function if isinstance(function, dict) else call
    take = answer.close_call if is_whole else answer.call
    take(place, function.get("name"), call.get("id"), function.get("arguments"))


def _details(details: Any) -> str:
    """The reasoning in OpenRouter's ``reasoning_details``: what is encrypted says nothing."""
    if not isinstance(details, list):
        return ""
    found = [each for each in details if isinstance(each, dict)]
    return "".join(string(each.get("text")) or string(each.get("summary")) for each in found)
