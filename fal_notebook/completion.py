"""Floor 0: what Tab offers on the line of ``%falstream``: its options, and endpoints that stream."""

import re

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

ENDPOINTS = (
    "fal-ai/any-llm",
    "fal-ai/any-llm/stream",
    "fal-ai/flux/dev/stream",
    "openrouter/router/stream",
    "openrouter/router/openai/v1/chat/completions",
)
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
    "--timeout",
    "--widget",
)
_LINE = re.compile(r"\s*%{1,2}falstream\s")


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
