"""A conversation as a file: Markdown for people, or the messages as JSON, with which another conversation can begin."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..client.messages import Message
from ..client.usage import Usage
from ..errors import InvalidRequest
from ..media.disk import write_whole
from ..media.media import Media
from ..safety.plain_text import one_line, plain_text
from .entry import Entry

TYPES = {".md": "text/markdown", ".json": "application/json"}
"""The content types of the files, by the ends of their names."""
_LONGEST_TITLE = 80  # characters


def exported(kind: str, entries: Sequence[Entry], messages: Sequence[Message], usage: Usage) -> str:
    """The text of a file.

    Args:
        kind: how the file's name ends: ``.md``, or ``.json``.
        entries: what the box shows.
        messages: what the next prompt would be sent with.
        usage: what all answers together have cost.

    Raises:
        InvalidRequest: the name ends otherwise.
    """
    if kind == ".json":
        return json.dumps(list(messages), ensure_ascii=False, indent=1)
    if kind == ".md":
        return _markdown(entries, usage)
    raise InvalidRequest("a conversation is exported as .md or .json", hint='name the file "conversation.md"')


def write(path: str | Path, entries: Sequence[Entry], messages: Sequence[Message], usage: Usage) -> Path:
    """Write a conversation into a file, and return its path. An existing file is replaced.

    Raises:
        InvalidRequest: the name ends neither in ``.md`` nor in ``.json``.
        OSError: the file could not be written.
    """
    target = Path(path)
    text = exported(target.suffix.lower(), entries, messages, usage)
    return write_whole(target, text.encode("utf-8", "replace"), overwrite=True)


def in_all(usage: Usage) -> str:
    """What all answers together have cost, in a few words; empty if no endpoint has told."""
    tokens = (usage.tokens_in or 0) + (usage.tokens_out or 0)
    parts = [f"{tokens:,} tokens"] if tokens else []
    return " · ".join([*parts, *([] if usage.cost is None else usage.words[-1:])])


def _markdown(entries: Sequence[Entry], usage: Usage) -> str:
    title = one_line(entries[0].prompt, _LONGEST_TITLE) if entries else ""
    total = in_all(usage)
    parts = [f"# {title or 'Conversation'}", *([f"*{total} in all*"] if total else [])]
    for entry in entries:
        parts += ["## You", plain_text(entry.asked), f"## {_speaker(entry)}", *_answer(entry)]
    return "\n\n".join(parts) + "\n"


def _speaker(entry: Entry) -> str:
    model = entry.result.model if entry.result is not None else None
    return one_line(model or str(entry.arguments.get("model") or "") or entry.endpoint, _LONGEST_TITLE)


def _answer(entry: Entry) -> Iterable[str]:
    result = entry.result
    if result is None:
        yield "*streaming*"
        return
    if result.text:
        yield plain_text(result.text).rstrip()
    yield from map(_file, result.media)
    if result.stopped:
        yield "*stopped*"
    elif result.error is not None:
        yield f"*failed: {one_line(result.error.message)}*"
    elif not (result.text or result.media):
        yield "*no words*"


def _file(media: Media) -> str:
    return f"*{media.content_type}*" if media.url is None else f"*{media.content_type}*: <{one_line(media.url, 2_000)}>"
