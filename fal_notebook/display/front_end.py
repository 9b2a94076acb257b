"""Finds out which kind of front end shows the output of the running cell.

A kernel is not told what its client can display, so this is guessed from the execute request. A notebook page names the
cell in its metadata (``cellId``). Clients written in Python (consoles, nbclient, papermill) do not, and their message
ids begin with the id of their session (``jupyter_client.session``); such clients have no widgets.
"""

import sys
from collections.abc import Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from ..wire.environment import is_voila

if TYPE_CHECKING:
    from ipywidgets import Output

CHOICES = ("auto", "widgets", "text", "end")


class Screen(Enum):
    """What can be shown while a request streams.

    WIDGETS: a page that shows widgets and updates displays. LATER: such a page, but it opens only when the cell has
    ended (Voilà). TEXT: a console, which shows printed text. END: only the final answer can be shown, as in a run
    without a page or under ``%%capture``.
    """

    WIDGETS = auto()
    LATER = auto()
    TEXT = auto()
    END = auto()


_CHOSEN = {"widgets": Screen.WIDGETS, "text": Screen.TEXT, "end": Screen.END}


def screen_of(shell: InteractiveShell, choice: str = "auto") -> Screen:
    """The kind of screen that shows the output of the running cell.

    Args:
        shell: the shell that runs the cell.
        choice: one of `CHOICES`. In a kernel, any choice but ``auto`` overrides what would be found out.
    """
    if getattr(shell, "kernel", None) is None:
        return Screen.TEXT
    if not hasattr(shell.display_pub, "set_parent"):  # %%capture replaces the publisher
        return Screen.END
    if choice != "auto":
        return _CHOSEN[choice]
    request = _request_message(shell)
    if not _is_from_python(request) or _has_widget_manager():
        return Screen.WIDGETS
    if is_voila():
        return Screen.LATER
    return Screen.TEXT if request.get("content", {}).get("allow_stdin") else Screen.END


def is_terminal() -> bool:
    """Whether IPython runs, and a terminal shows its output."""
    shell = get_ipython()
    return shell is not None and screen_of(shell) is Screen.TEXT


def output_widget() -> "Output | None":
    """The ``ipywidgets.Output`` that captures what is displayed now, if there is one.

    Within ``with output:``, such a widget holds the id of the current request, and captures the messages that answer
    this request.
    """
    ipywidgets = sys.modules.get("ipywidgets")
    shell = get_ipython()
    if ipywidgets is None or shell is None or getattr(shell, "kernel", None) is None:
        return None
    request = request_id()
    entered = (each for each in _widgets(ipywidgets) if isinstance(each, ipywidgets.Output) and each.msg_id)
    return next((each for each in entered if each.msg_id == request), None)


def request_id() -> str | None:
    """The id of the request that the kernel is answering; None without a kernel."""
    shell = get_ipython()
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    name: str | None = _request_message(shell).get("header", {}).get("msg_id")
    return name


def _request_message(shell: InteractiveShell) -> Mapping[str, Any]:
    """The message that the kernel is answering."""
    own = getattr(shell, "get_parent", None)
    request = own() if own else None
    return request or shell.kernel.get_parent() or {}  # type: ignore[attr-defined]  # the shell of a kernel has one


def _is_from_python(request: Mapping[str, Any]) -> bool:
    header, metadata = request.get("header", {}), request.get("metadata", {})
    session = header.get("session")
    names_its_cell = "cellId" in metadata or "cell_id" in metadata
    return bool(session) and str(header.get("msg_id")).startswith(f"{session}_") and not names_its_cell


def _has_widget_manager() -> bool:
    """Whether a page's widget manager has opened ipywidgets' control comm, by which it asks for existing widgets."""
    ipywidgets = sys.modules.get("ipywidgets")
    return ipywidgets is not None and getattr(ipywidgets.Widget, "_control_comm", None) is not None


def _widgets(ipywidgets: Any) -> list[Any]:
    """Every open widget."""
    registry = getattr(ipywidgets.widgets.widget, "_instances", None)  # ipywidgets 8; in 7 the class has the registry
    return list((ipywidgets.Widget.widgets if registry is None else registry).values())
