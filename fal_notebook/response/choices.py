"""What an endpoint says of an answer beside its words, as values that a `Result` keeps."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer cites: an http or https URL, and the title that the endpoint gives it."""

    url: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for.

    Attributes:
        name: of the tool.
        arguments: a JSON value; words where they are none.
        id: by which the tool's answer is to name the call.
    """

    name: str
    arguments: Any = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers of a response.

    Attributes:
        text: its words.
        reasoning: the model's reasoning before it.
        finish_reason: why it ended, in the endpoint's own word.
        refused: whether its words are a refusal.
        tool_calls: what the model asks to be called.
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    refused: bool = False
    tool_calls: list[ToolCall] = field(default_factory=list)
