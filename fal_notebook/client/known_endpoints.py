"""The endpoints and models that completion offers, on the magic's line and in the prompt widget."""

CHAT = "openrouter/router/openai/v1/chat/completions"
"""The endpoint that takes a whole conversation, whichever model answers."""
ENDPOINTS = (
    CHAT,
    "fal-ai/any-llm/stream",
    "fal-ai/any-llm",
    "openrouter/router/stream",
    "fal-ai/flux/dev/stream",
)
MODELS = (
    "google/gemini-2.5-flash",
    "google/gemini-2.5-pro",
    "anthropic/claude-sonnet-4.5",
    "openai/gpt-4.1",
    "openai/gpt-4o-mini",
)
_SUCCESSORS = {"fal-ai/any-llm": "openrouter/router"}
"""What takes the place of endpoints that still answer; schemas do not say it."""
_WITH_MODEL = ("fal-ai/any-llm", "openrouter/router")
_ONLY_WITH_MODEL = ("openrouter/router",)


def successor_of(endpoint: str) -> str:
    """The endpoint that takes the place of a deprecated one; empty if none is known."""
    found = _SUCCESSORS.get(endpoint.removesuffix("/stream"), "")
    return f"{found}/stream" if found and endpoint.endswith("/stream") else found


def takes_model(endpoint: str) -> bool:
    """Whether an endpoint is known to take the argument ``model``."""
    return any(endpoint == each or endpoint.startswith(f"{each}/") for each in _WITH_MODEL)


def requires_model(endpoint: str) -> bool:
    """Whether an endpoint is known to refuse a request without the argument ``model``."""
    return any(endpoint == each or endpoint.startswith(f"{each}/") for each in _ONLY_WITH_MODEL)


def takes_messages(endpoint: str) -> bool:
    """Whether an endpoint takes a conversation as ``messages``, by its name: as OpenAI's chat completions do."""
    return endpoint.rstrip("/").endswith("chat/completions")
