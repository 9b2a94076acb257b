"""A body read whole, byte by byte and in two pieces, which is to mean the same."""

import json
from collections.abc import Iterable
from typing import Any

from fal_notebook.client.result import Result
from fal_notebook.response.content import Content
from fal_notebook.response.updates import Reasoning, Text, Update

SSE = "text/event-stream"


def events(*values: Any) -> bytes:
    """A stream of the values as events."""
    return "".join(f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n" for each in values).encode()


def streamed(*values: Any) -> Result:
    """What the events say, wherever they are cut."""
    return said(events(*values), SSE)


def whole(value: Any) -> Result:
    """What a JSON body says, wherever it is cut."""
    return said(json.dumps(value).encode(), "application/json")


def said(body: bytes, label: str) -> Result:
    """What a body says, wherever it is cut."""
    content, updates = _read([body], label)
    result = result_of(content)
    cuts = [[body[:place], body[place:]] for place in range(1, len(body), 1 + len(body) // 300)]
    for pieces in [[bytes([byte]) for byte in body], *cuts]:
        same, more = _read(pieces, label)
        assert result_of(same) == result
        assert (_folded(more, Text), same.error) == (result.text, content.error)
    assert (_folded(updates, Text), _folded(updates, Reasoning)) == (result.text, result.reasoning)
    return result


def error(*values: Any) -> Any:
    """The error that the events tell of."""
    return _read([events(*values)], SSE)[0].error


def shown(result: Result) -> str:
    """What is shown of it as plain text, without the last line."""
    return "\n".join(output["text/plain"] for output in result.body())


def _read(pieces: Iterable[bytes], label: str) -> tuple[Content, list[Update]]:
    content = Content(label)
    updates = [update for piece in pieces for update in content.feed(piece)]
    return content, updates + content.finish()


def result_of(content: Content) -> Result:
    """The result of all that has been read."""
    return Result(
        "a/b",
        text=content.text,
        reasoning=content.reasoning,
        data=content.data,
        media=list(content.media),
        events=content.events,
        usage=content.usage,
        model=content.model,
        finish_reason=content.finish_reason,
        sources=content.sources,
        choices=content.choices,
        note=content.note,
    )


def _folded(updates: Iterable[Update], kind: type[Text | Reasoning]) -> str:
    words = ""
    for update in updates:
        if isinstance(update, Text | Reasoning) and type(update) is kind:
            words = words[: update.offset] + update.new
    return words
