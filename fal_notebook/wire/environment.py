"""What the environment says: the only place that reads its variables, but for the key's, which fal-client reads."""

import os

BASE_URL_VARIABLE = "FAL_NOTEBOOK_URL"


def base_url() -> str:
    """The base URL of requests: our own variable names a whole one, fal's name the host; else it is fal."""
    return os.environ.get(BASE_URL_VARIABLE) or _fal_url()


def _fal_url() -> str:
    host = os.environ.get("FAL_WS_RUN_HOST") or f"ws.{os.environ.get('FAL_RUN_HOST') or 'fal.run'}"
    return f"wss://{host}"


def is_voila() -> bool:
    """Whether the kernel serves a page of Voilà, which runs the cells in Python before the page is there."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")
