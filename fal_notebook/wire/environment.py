"""The environment variables: no other module reads any, and fal-client reads those of the key."""

import os

BASE_URL_VARIABLE = "FAL_NOTEBOOK_URL"
SCHEMAS_VARIABLE = "FAL_NOTEBOOK_SCHEMAS"


def base_url() -> str:
    """The base URL of requests: that of our own variable, else one with the host of fal's variables, else fal's."""
    return os.environ.get(BASE_URL_VARIABLE) or _fal_url()


def _fal_url() -> str:
    host = os.environ.get("FAL_WS_RUN_HOST") or f"ws.{os.environ.get('FAL_RUN_HOST') or 'fal.run'}"
    return f"wss://{host}"


def is_fal(url: str) -> bool:
    """Whether a base URL is fal's own."""
    return url == _fal_url()


def is_fals(url: str | None) -> bool:
    """Whether requests with this base URL, or without any, go to fal."""
    return is_fal(url or base_url())


def is_public_fal(url: str | None) -> bool:
    """Whether requests with this base URL, or without any, go to the host that everybody's go to."""
    return (url or base_url()) == "wss://ws.fal.run"


def queue_url() -> str:
    """The base URL of fal's queue, with the host of fal's variables."""
    host = os.environ.get("FAL_QUEUE_RUN_HOST") or f"queue.{os.environ.get('FAL_RUN_HOST') or 'fal.run'}"
    return f"https://{host}"


def fetches_schemas() -> bool:
    """Whether the schemas of endpoints may be fetched; ``FAL_NOTEBOOK_SCHEMAS=off`` says no."""
    return os.environ.get(SCHEMAS_VARIABLE, "").lower() != "off"


def is_voila() -> bool:
    """Whether the kernel runs for Voilà, which executes all cells before the page is there."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")
