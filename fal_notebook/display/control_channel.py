"""Receives messages from the page on the kernel's control channel; the page's part is control_channel.js.

Every ipykernel since 6 serves the control channel on a thread of its own, so that it hears the page while a cell runs.
A comm message to a widget usually has to wait until the cell has ended: always in kernels without subshells, and often
with them. ipykernel 7.4 hands a comm message to the shell that last sent something through the widget. If a background
thread did so, that is the main shell, because a thread's messages count as those of the running cell.
"""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONTROL_SCRIPT = Path(__file__).with_name("control_channel.js")
"""The page's part. Each widget that uses it puts this script before its own."""

_REQUEST = "fal_notebook_request"  # a message type of our own, so that no handler of the kernel is replaced
_listeners: dict[str, Callable[[dict[str, Any]], object]] = {}


def listen(hear: Callable[[dict[str, Any]], object]) -> str:
    """Call ``hear`` with each message of the page, each time on a new thread.

    Returns:
        The address to which the page sends its messages; call `ignore` with it at the end. It is empty if the kernel
        has no control channel to which a handler can be added.
    """
    from IPython.core.getipython import get_ipython  # imported when first used: importing the package stays quick

    handlers = getattr(getattr(get_ipython(), "kernel", None), "control_handlers", None)
    if not isinstance(handlers, dict):
        return ""
    handlers[_REQUEST] = _handle
    address = uuid.uuid4().hex
    _listeners[address] = hear
    return address


def ignore(address: str) -> None:
    """Stop listening to an address; an empty address does nothing."""
    _listeners.pop(address, None)


def _handle(_: object, __: object, message: dict[str, Any]) -> None:
    """Hand a message to its listener on a new thread: the control thread also takes interrupts, and must stay free."""
    match message["content"]:
        case {"to": str(address), "content": dict(content)} if address in _listeners:
            hear = _listeners[address]
            threading.Thread(target=hear, args=(content,), name="fal_notebook control", daemon=True).start()
