"""Floor 0: what Tab offers on the line of ``%falstream``: its options, and endpoints that stream.

The prompt widget suggests the same endpoints, and models for those that take one.
"""

import re

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

ENDPOINTS = (
    "fal-ai/any-llm",
    "fal-ai/any-llm/stream",
    "fal-ai/flux/dev/stream",
    "openrouter/router/stream",
    "openrouter/router/openai/v1/chat/completions",
)
MODELS = (
    "google/gemini-flash-1.5",
    "google/gemini-2.5-flash",
    "anthropic/claude-3.5-sonnet",
    "openai/gpt-4o-mini",
)
_WITH_MODEL = ("fal-ai/any-llm", "openrouter/router")
OPTIONS = (
    "--autoplay",
    "--background",
    "--base-url",
    "--dry-run",
    "--field",
    "--format",
    "--help",
    "--input",
    "--models",
    "--out",
    "--play",
    "--quiet",
    "--raw",
    "--save",
    "--overwrite",
    "--timeout",
    "--widget",
)
_LINE = re.compile(r"\s*%{1,2}falstream\s")


def takes_model(endpoint: str) -> bool:
    """Whether an endpoint is known to take the argument ``model``."""
    return any(endpoint == each or endpoint.startswith(f"{each}/") for each in _WITH_MODEL)


@context_matcher()
def complete_falstream(context: CompletionContext) -> SimpleMatcherResult:
    """Match the word before the cursor on a line of the magic."""
    line = context.line_with_cursor
    if not _LINE.match(line):
        return SimpleMatcherResult(completions=[])
    word = line[: context.cursor_position].rpartition(" ")[2]
    known = OPTIONS if word.startswith("-") else ENDPOINTS if len(line.split()) <= 1 + bool(word) else ()
    word = word.rpartition(",")[2]
    return SimpleMatcherResult(
        completions=[SimpleCompletion(text=each, type="fal") for each in known if each.startswith(word)],
        matched_fragment=word,
        suppress=bool(known),
    )
