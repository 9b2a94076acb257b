"""What stands beneath an answer's words: other answers, what the model asks to be called, why it ended, its sources."""

from collections.abc import Iterator, Sequence

from ..render import bundles
from ..response.choices import Choice, Source, ToolCall
from .endings import ending

_MOST_LINKS = 50


def first_heading(choices: Sequence[Choice]) -> list[bundles.Bundle]:
    """The line above the first of several answers."""
    return [bundles.small_bundle(f"choice 1 of {len(choices)}")] if len(choices) > 1 else []


def end_of_first(choices: Sequence[Choice], reason: str | None) -> list[bundles.Bundle]:
    """What stands directly beneath the first answer: its calls, and why it ended where that was early."""
    first = choices[0] if choices else Choice(finish_reason=reason)
    return list(_end(first))


def other_choices(choices: Sequence[Choice], style: str) -> list[bundles.Bundle]:
    """The other answers, one below the other, each beneath a line that names it; so many as a page bears."""
    parts: list[bundles.Bundle] = []
    length = len(choices[0].text) if choices else 0
    for number, choice in enumerate(choices[1:], start=2):
        length += len(choice.text) + len(choice.reasoning)
        if length > bundles.LONGEST_TEXT:
            parts.append(bundles.small_bundle(f"… and {len(choices) - number + 1:,} choices more, in its choices"))
            break
        parts.append(bundles.small_bundle(f"choice {number} of {len(choices)}"))
        parts += [bundles.reasoning_bundle(choice.reasoning)] if choice.reasoning else []
        parts += [bundles.text_bundle(choice.text, style)] if choice.text else []
        parts += _end(choice)
    return parts


def links(sources: Sequence[Source]) -> list[bundles.Bundle]:
    """The sources as a list of links."""
    if not sources:
        return []
    more = len(sources) - _MOST_LINKS
    parts = [bundles.sources_bundle([(source.url, source.title) for source in sources[:_MOST_LINKS]])]
    return parts + ([bundles.small_bundle(f"… and {more:,} sources more, in its sources")] if more > 0 else [])


def _end(choice: Choice) -> Iterator[bundles.Bundle]:
    for call in choice.tool_calls:
        yield _call(call)
    said = ending(choice.finish_reason, refused=choice.refused)
    if said:
        yield bundles.small_bundle(said)


def _call(call: ToolCall) -> bundles.Bundle:
    return bundles.folded_json_bundle(f"calls {call.name or 'a tool'}", call.arguments)
