"""Stream fal.ai models into a notebook: ``%load_ext fal_notebook``, then ``%%falstream?``.

From Python, `run`, `stream` and `arun` send one request, `chat` begins a conversation, and `submit` puts a request into
fal's queue, to which `attach_request` comes back. `map` sends one for each row of a table, `attach` goes on with it
after a restart, and `pipeline` sends many short ones over one connection. `find` looks for endpoints, and `info` says
what one does, takes and costs. `session` returns the kernel's session, which keeps the connections. `AudioPlayer` plays
sound while it is still being generated, and `PromptWidget` is a prompt box in the notebook. Each name is imported when
it is first used, so that importing the package takes no time.
"""

try:
    # fal_client makes a thread pool, and Python refuses the import of this module once the main thread has ended.
    import concurrent.futures.thread  # noqa: F401
except RuntimeError as exc:
    raise ImportError("import fal_notebook before the main thread ends") from exc

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from . import errors
    from .client.api import pipeline, run, stream
    from .client.argument_check import EndpointWarning
    from .client.async_api import arun
    from .client.chat import Chat, chat
    from .client.endpoint_info import EndpointInfo, info
    from .client.endpoint_search import EndpointList, find
    from .client.metrics import Metrics
    from .client.queue import Submitted, attach_request, submit
    from .client.result import Result
    from .client.sessions import Session, session
    from .client.streaming import Stream
    from .client.usage import Usage
    from .display.player import AudioPlayer
    from .display.runs import LiveRun, attach, map  # noqa: A004 - the name of what it does
    from .errors import FalNotebookError
    from .media.media import Media
    from .prompt.widget import PromptWidget
    from .response.choices import Choice, Source, ToolCall
    from .response.updates import Json, Log, Piece, Preview, Progress, Reasoning, Text, Update

__version__ = "0.1.0"

_NAMES_OF_MODULE = {
    "client.api": ("pipeline", "run", "stream"),
    "client.argument_check": ("EndpointWarning",),
    "client.async_api": ("arun",),
    "client.chat": ("Chat", "chat"),
    "errors": ("FalNotebookError",),
    "media.media": ("Media",),
    "display.player": ("AudioPlayer",),
    "display.runs": ("LiveRun", "attach", "map"),
    "prompt.widget": ("PromptWidget",),
    "client.endpoint_info": ("EndpointInfo", "info"),
    "client.endpoint_search": ("EndpointList", "find"),
    "client.metrics": ("Metrics",),
    "client.queue": ("Submitted", "attach_request", "submit"),
    "client.result": ("Result",),
    "client.sessions": ("Session", "session"),
    "client.streaming": ("Stream",),
    "client.usage": ("Usage",),
    "response.choices": ("Choice", "Source", "ToolCall"),
    "response.updates": ("Json", "Log", "Piece", "Preview", "Progress", "Reasoning", "Text", "Update"),
}
_MODULE_OF_NAME = {name: module for module, names in _NAMES_OF_MODULE.items() for name in names}

__all__ = [
    "AudioPlayer",
    "Chat",
    "Choice",
    "EndpointInfo",
    "EndpointList",
    "EndpointWarning",
    "FalNotebookError",
    "Json",
    "LiveRun",
    "Log",
    "Media",
    "Metrics",
    "Piece",
    "Preview",
    "Progress",
    "PromptWidget",
    "Reasoning",
    "Result",
    "Session",
    "Source",
    "Stream",
    "Submitted",
    "Text",
    "ToolCall",
    "Update",
    "Usage",
    "arun",
    "attach",
    "attach_request",
    "chat",
    "errors",
    "find",
    "info",
    "load_ipython_extension",
    "map",
    "pipeline",
    "run",
    "session",
    "stream",
    "submit",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module(".errors", __name__)
    if name not in _MODULE_OF_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF_NAME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register ``%falstream`` and ``%%falstream``; ``%load_ext fal_notebook`` calls this."""
    from .magic.magics import load

    load(shell)


def unload_ipython_extension(shell: "InteractiveShell") -> None:
    """Remove the magics and close the connections; ``%unload_ext fal_notebook`` calls this."""
    from .magic.magics import unload

    unload(shell)
