"""The endpoints and models that completion offers, on the magic's line and in the prompt widget."""

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
_SUCCESSORS = {"fal-ai/any-llm": "openrouter/router"}
"""What takes the place of endpoints that still answer; schemas do not say it."""
_WITH_MODEL = ("fal-ai/any-llm", "openrouter/router")


def successor_of(endpoint: str) -> str:
    """The endpoint that takes the place of a deprecated one; empty if none is known."""
    found = _SUCCESSORS.get(endpoint.removesuffix("/stream"), "")
    return f"{found}/stream" if found and endpoint.endswith("/stream") else found


def takes_model(endpoint: str) -> bool:
    """Whether an endpoint is known to take the argument ``model``."""
    return any(endpoint == each or endpoint.startswith(f"{each}/") for each in _WITH_MODEL)


def takes_messages(endpoint: str) -> bool:
    """Whether an endpoint takes a conversation as ``messages``, by its name: as OpenAI's chat completions do."""
    return endpoint.rstrip("/").endswith("chat/completions")
