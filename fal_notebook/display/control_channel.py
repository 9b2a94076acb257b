"""What the page says on the kernel's control channel; its page's part is control_channel.js.

The control channel has a thread of its own in every ipykernel since 6. A message to a widget mostly waits for the
cell that runs: without subshells always, and in ipykernel 7.4, which hands it to the shell that spoke last through
that widget, as soon as a thread has spoken through it meanwhile, for a thread speaks in the name of the running cell.
"""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONTROL_SCRIPT = Path(__file__).with_name("control_channel.js")
"""The page's part, which stands before that of each widget that uses it."""

_REQUEST = "fal_notebook_request"  # a type of our own: no handler of the kernel's is replaced
_listeners: dict[str, Callable[[dict[str, Any]], object]] = {}


def listen(hear: Callable[[dict[str, Any]], object]) -> str:
    """Have ``hear`` called with what the page says, each time on a thread of its own.

    Returns:
        The address that the page needs, to be given to `ignore` at the end. Empty where the kernel has no control
        channel that can be listened to.
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
    """Hear no more of what the page says to this address; an empty one does nothing."""
    _listeners.pop(address, None)


def _handle(_: object, __: object, message: dict[str, Any]) -> None:
    """Hand a message on: interrupts come on the kernel's thread, too, which must not wait for what is done."""
    match message["content"]:
        case {"to": str(address), "content": dict(content)} if address in _listeners:
            hear = _listeners[address]
            threading.Thread(target=hear, args=(content,), name="fal_notebook control", daemon=True).start()
