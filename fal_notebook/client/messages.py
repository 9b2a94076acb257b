"""Sans-I/O: the messages of a conversation, in the form of OpenAI's chat completions.

A message is a plain dict with ``role`` (``system``, ``user`` or ``assistant``) and ``content``: words, or a list of
parts, each with its ``type``. So a conversation can be read, edited, and saved as JSON by whatever tool a user has.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import InvalidRequest
from ..media.at_hand import file_at_hand
from ..media.data_uris import FileAddress
from ..media.media import Media
from .known_endpoints import takes_messages
from .plain_values import words_of_table
from .result import Result

Message = dict[str, Any]

_SPEAKERS = {"user": "User", "assistant": "Assistant"}
_TOKEN_CHARACTERS = 3  # of text for a token, on the safe side: English has about four, other scripts fewer
_PART_TOKENS = 1_000  # for a picture or another file, which a model reads as some hundred tokens or more
_MESSAGE_TOKENS = 4  # for the marks that a chat template puts around a message
_AUDIO_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}


def system_message(words: str) -> Message:
    """The message that tells the model what holds for the whole conversation."""
    return {"role": "system", "content": words}


def user_message(*parts: Any, may_be_empty: bool = False) -> Message:
    """The message of a user.

    Args:
        parts: words and files: a `Media`, or whatever else can stand for a file in arguments; a `Result` for its words
            and its files; a data frame for its words as CSV; a dict for a part in OpenAI's own form.
        may_be_empty: whether it may have no words, for an endpoint that takes no prompt.

    Raises:
        InvalidRequest: nothing was given, or something that is no part of a message, or cannot be read.
    """
    found = [part for given in parts for part in _parts(given)]
    if not found and not may_be_empty:
        raise InvalidRequest("a message needs words or a file")
    if all(part["type"] == "text" for part in found):
        return {"role": "user", "content": "\n\n".join(part["text"] for part in found)}
    return {"role": "user", "content": found}


def as_messages(endpoint: str, arguments: Mapping[str, Any], *, may_be_empty: bool = False) -> dict[str, Any]:
    """The arguments of a request, in which a prompt is the only message where the endpoint takes a conversation.

    Args:
        endpoint: the endpoint.
        arguments: its arguments; a text ``prompt``, and what the model is told before it in ``system``.
        may_be_empty: whether a prompt without words, or None, is a message, which the endpoint may refuse.

    Raises:
        InvalidRequest: the prompt has no words.
    """
    prompt, system = arguments.get("prompt"), arguments.get("system")
    if may_be_empty and prompt is None and "prompt" in arguments:
        prompt = ""
    if not takes_messages(endpoint) or not isinstance(prompt, str) or "messages" in arguments:
        return dict(arguments)
    before = [system_message(system)] if isinstance(system, str) else []
    others = {name: value for name, value in arguments.items() if name != "prompt" and (name != "system" or not before)}
    return {**others, "messages": [*before, user_message(prompt, may_be_empty=may_be_empty)]}


def assistant_message(result: Result) -> Message:
    """The message of the model: its words, and the calls of tools that it asks for."""
    message: Message = {"role": "assistant", "content": result.text}
    calls = [call for choice in result.choices[:1] for call in choice.tool_calls]
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _as_text(call.arguments)}}
            for call in calls
        ]
    return message


def checked(messages: Any) -> list[Message]:
    """Messages that came from elsewhere, such as a file, as a new list.

    Raises:
        InvalidRequest: one of them is no message; its number is in the error.
    """
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Iterable):
        raise InvalidRequest(f"messages are a list, not {type(messages).__name__}")
    found = list(messages)
    for number, message in enumerate(found):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str) or "content" not in message:
            raise InvalidRequest(
                f"messages[{number}] is no message", hint='a message is {"role": "user", "content": "words"}'
            )
    return [dict(message) for message in found]


def words_of(message: Mapping[str, Any]) -> str:
    """The words of a message, without its other parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def has_files(message: Mapping[str, Any]) -> bool:
    """Whether a message has a part other than words."""
    content = message.get("content")
    return isinstance(content, list) and any(isinstance(part, dict) and part.get("type") != "text" for part in content)


def tokens(messages: Iterable[Mapping[str, Any]]) -> int:
    """Roughly how many tokens a model reads for these messages, rather too many than too few."""
    return sum(map(_tokens_of, messages))


def without_system(messages: Iterable[Message]) -> list[Message]:
    """The messages but for those of the system."""
    return [message for message in messages if message.get("role") != "system"]


def newest_within(messages: Sequence[Message], most: int) -> list[Message]:
    """The messages without the oldest turns, so that they take ``most`` tokens or fewer.

    System messages stay, and so does the last message. What is left begins with a message of the user, since many chat
    templates demand that.
    """
    system = [message for message in messages if message.get("role") == "system"]
    turns = without_system(messages)
    left = most - tokens(system)
    start = len(turns) - 1
    left -= tokens(turns[start:])
    while start > 0 and (left := left - _tokens_of(turns[start - 1])) >= 0:
        start -= 1
    while start < len(turns) - 1 and turns[start].get("role") != "user":
        start += 1
    return [*system, *turns[start:]]


def one_prompt(messages: Sequence[Message]) -> str:
    """The turns as one prompt, for an endpoint that takes no messages: earlier turns first, each with its speaker."""
    *earlier, last = without_system(messages)
    if not earlier:
        return words_of(last)
    turns = [f"{_SPEAKERS.get(message['role'], message['role'])}: {words_of(message)}" for message in earlier]
    return "\n\n".join(["The conversation so far:", *turns, f"Reply to this: {words_of(last)}"])


def system_words(messages: Iterable[Mapping[str, Any]]) -> str:
    """The words of all system messages."""
    return "\n\n".join(words_of(message) for message in messages if message.get("role") == "system")


def _parts(given: Any) -> list[dict[str, Any]]:
    if isinstance(given, str):
        return [{"type": "text", "text": given}] if given.strip() else []
    if isinstance(given, Result):
        return [*_parts(given.text), *(part for media in given.media for part in _parts(media))]
    if isinstance(given, Media):
        return [_file_part(given)]
    if isinstance(given, Mapping) and isinstance(given.get("type"), str):
        return [dict(given)]
    file, table = file_at_hand(given), words_of_table(given)
    if file is not None:
        return [_file_part(file)]
    if table is not None:
        return _parts(table)
    raise InvalidRequest(
        f"{type(given).__name__} is no part of a message", hint="give words, a file, a Result, or a part as a dict"
    )


def _file_part(media: Media) -> dict[str, Any]:
    address = FileAddress(media)
    if media.kind == "image":
        return {"type": "image_url", "image_url": {"url": address}}
    kind = _AUDIO_FORMATS.get(media.content_type)
    if kind is not None and media.data is not None:
        return {"type": "input_audio", "input_audio": {"data": media.data_uri().partition(",")[2], "format": kind}}
    return {"type": "file", "file": {"filename": f"file{media.extension}", "file_data": address}}


def _as_text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _tokens_of(message: Mapping[str, Any]) -> int:
    content: Any = message.get("content")
    characters, files = len(words_of(message)), 0
    if isinstance(content, list):
        files = sum(isinstance(part, dict) and part.get("type") != "text" for part in content)
    elif not isinstance(content, str):
        characters = len(json.dumps(content, default=str))
    return _MESSAGE_TOKENS + characters // _TOKEN_CHARACTERS + files * _PART_TOKENS
