"""Why an answer ended, in words for its reader."""

from ..safety.plain_text import one_line

_AS_WANTED = frozenset(
    (
        *("stop", "stop_sequence", "end_turn", "eos", "eos_token", "complete", "completed", "finished", "done"),
        *("load", "tool_calls", "tool_use", "function_call", "finish_reason_unspecified", "error"),
    )
)
"""Reasons of which nothing is said: the answer is complete, or its tool calls or its error are shown."""
_TOO_LONG = frozenset(
    ("length", "max_length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded")
)
_FILTERED = frozenset(
    (
        *("content_filter", "content_filtered", "safety", "image_safety", "recitation", "blocklist", "spii"),
        *("prohibited_content", "image_prohibited_content", "guardrail_intervened", "moderation"),
    )
)
_REFUSED = "the model refused"
_LONGEST = 60


def finish_words(reason: str | None, *, refused: bool = False) -> str:
    """What a reader should know of how an answer ended; empty if it is complete.

    Args:
        reason: the endpoint's own word.
        refused: whether the endpoint called its words a refusal.
    """
    word = (reason or "").strip().lower()
    if word in _TOO_LONG:
        return "cut off at the length limit: raise max_tokens"
    if word in _FILTERED:
        return "ended by the endpoint's content filter"
    if refused or word == "refusal":
        return _REFUSED
    return f"ended early: {one_line(word, _LONGEST)}" if word and word not in _AS_WANTED else ""
