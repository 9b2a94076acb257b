"""Sans-I/O: the states of a row, and which may follow which.

::

    new ──► intent ──► submitted ──► done
     │        │            ├───────► failed
     │        │            ├───────► cancelled
     │        └────────────┴───────► unknown
     └──────────────────────────────► cancelled

``intent`` is on the disk before a request is sent, so that a row which is still ``new`` was certainly not sent. A row
goes back from ``intent`` to ``new`` only where certainly nothing was received: there was no connection, or the server
refused. ``unknown`` is a row that may have been received and whose answer cannot be had. It is never sent again unless
the user asks for it. A row that is ``done`` stays so.
"""

from typing import Literal, get_args

State = Literal["new", "intent", "submitted", "done", "failed", "cancelled", "unknown"]
STATES: tuple[State, ...] = get_args(State)
BEFORE: dict[State, tuple[State, ...]] = {
    "new": ("intent", "failed", "cancelled", "unknown"),
    "intent": ("new",),
    "submitted": ("intent", "unknown"),
    "done": ("intent", "submitted", "unknown"),
    "failed": ("intent", "submitted", "unknown"),
    "cancelled": ("new", "intent", "submitted"),
    "unknown": ("intent", "submitted"),
}
"""For each state, those from which a row may come to it."""
OPEN: tuple[State, ...] = ("new", "intent", "submitted")
"""The states in which something is still to be done for a row."""
