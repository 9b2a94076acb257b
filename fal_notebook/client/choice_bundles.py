"""The bundles that stand below the words of an answer: tool calls, why it ended, further choices, sources."""

from collections.abc import Sequence

from ..render import bundles
from ..render.json_view import folded_json_bundle
from ..response.choices import Choice, Source, ToolCall
from .finish_reasons import finish_words

_MOST_LINKS = 50


def first_heading(choices: Sequence[Choice]) -> list[bundles.Bundle]:
    """The line above the first of several answers."""
    return [bundles.small_bundle(f"choice 1 of {len(choices)}")] if len(choices) > 1 else []


def end_of_first(choices: Sequence[Choice], reason: str | None) -> list[bundles.Bundle]:
    """The bundles directly below the first answer: its tool calls, and why it ended if it ended early."""
    return _end(choices[0] if choices else Choice(finish_reason=reason))


def other_choices(choices: Sequence[Choice], style: str) -> list[bundles.Bundle]:
    """The other answers, one below the other, each with its number above it; no more than a page can hold."""
    parts: list[bundles.Bundle] = []
    length = len(choices[0].text) if choices else 0
    for number, choice in enumerate(choices[1:], start=2):
        length += len(choice.text) + len(choice.reasoning)
        if length > bundles.LONGEST_TEXT:
            parts.append(bundles.small_bundle(f"… and more: {len(choices) - number + 1:,} of its choices"))
            break
        parts.append(bundles.small_bundle(f"choice {number} of {len(choices)}"))
        parts += [bundles.reasoning_bundle(choice.reasoning, style=style)] if choice.reasoning else []
        parts += [bundles.text_bundle(choice.text, style)] if choice.text else []
        end = _end(choice)
        length += sum(len(part["text/plain"]) for part in end)
        parts += end
    return parts


def links(sources: Sequence[Source]) -> list[bundles.Bundle]:
    """The sources as a list of links."""
    if not sources:
        return []
    more = len(sources) - _MOST_LINKS
    parts = [bundles.sources_bundle([(source.url, source.title) for source in sources[:_MOST_LINKS]])]
    return parts + ([bundles.small_bundle(f"… and more: {more:,} of its sources")] if more > 0 else [])


def _end(choice: Choice) -> list[bundles.Bundle]:
    said = finish_words(choice.finish_reason, refused=choice.refused)
    return _calls(choice.tool_calls) + ([bundles.small_bundle(said)] if said else [])


def _calls(calls: Sequence[ToolCall]) -> list[bundles.Bundle]:
    """The tool calls, each collapsed; no more than a page can hold."""
    parts: list[bundles.Bundle] = []
    length = 0
    for number, call in enumerate(calls):
        if length > bundles.LONGEST_TEXT:
            return [*parts, bundles.small_bundle(f"… and more: {len(calls) - number:,} of its tool calls")]
        parts.append(folded_json_bundle(f"calls {call.name or 'a tool'}", call.arguments))
        length += len(parts[-1]["text/plain"])
    return parts
