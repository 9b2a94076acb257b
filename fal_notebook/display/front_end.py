"""Who shows what the running cell displays, as far as a kernel can know.

A kernel is not told what its client can show. What tells is the request itself: a notebook page names the cell that
it asks for (``cellId``), and its messages have ids of their own; the clients that are written in Python (consoles,
nbclient, papermill) begin an id with that of their session (``jupyter_client.session``), and have no widgets.
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

    WIDGETS: widgets, and displays that are updated. LATER: widgets and what stays, in a page that comes when the cell
    has ended. TEXT: words that are printed. END: only what stays, once it is whole: a run without a page, or
    ``%%capture``.
    """

    WIDGETS = auto()
    LATER = auto()
    TEXT = auto()
    END = auto()


_CHOSEN = {"widgets": Screen.WIDGETS, "text": Screen.TEXT, "end": Screen.END}


def screen_of(shell: InteractiveShell, choice: str = "auto") -> Screen:
    """What shows the output of the cell that runs.

    Args:
        shell: the shell that runs it.
        choice: one of `CHOICES`; what is not ``auto`` is the user's word, where there is a kernel.
    """
    if getattr(shell, "kernel", None) is None:
        return Screen.TEXT
    if not hasattr(shell.display_pub, "set_parent"):  # %%capture puts another publisher in place
        return Screen.END
    if choice != "auto":
        return _CHOSEN[choice]
    request = _request(shell)
    if not _is_from_python(request) or _has_heard_widgets():
        return Screen.WIDGETS
    if is_voila():
        return Screen.LATER
    return Screen.TEXT if request.get("content", {}).get("allow_stdin") else Screen.END


def output_widget() -> "Output | None":
    """The ``ipywidgets.Output`` that takes what is displayed here and now, if there is one.

    It takes the messages that answer the request whose id it holds, from ``with output:`` on.
    """
    ipywidgets = sys.modules.get("ipywidgets")
    shell = get_ipython()
    if ipywidgets is None or shell is None or getattr(shell, "kernel", None) is None:
        return None
    request = _request(shell).get("header", {}).get("msg_id")
    entered = (each for each in _widgets(ipywidgets) if isinstance(each, ipywidgets.Output) and each.msg_id)
    return next((each for each in entered if each.msg_id == request), None)


def _request(shell: InteractiveShell) -> Mapping[str, Any]:
    """The message that the kernel is answering."""
    own = getattr(shell, "get_parent", None)
    request = own() if own else None
    return request or shell.kernel.get_parent() or {}  # type: ignore[attr-defined]  # the shell of a kernel has one


def _is_from_python(request: Mapping[str, Any]) -> bool:
    header, metadata = request.get("header", {}), request.get("metadata", {})
    session = header.get("session")
    names_its_cell = "cellId" in metadata or "cell_id" in metadata
    return bool(session) and str(header.get("msg_id")).startswith(f"{session}_") and not names_its_cell


def _has_heard_widgets() -> bool:
    """Whether a widget manager has called: it asks for the widgets that there are, over a comm of ipywidgets' own."""
    ipywidgets = sys.modules.get("ipywidgets")
    return ipywidgets is not None and getattr(ipywidgets.Widget, "_control_comm", None) is not None


def _widgets(ipywidgets: Any) -> list[Any]:
    """Every widget that is open."""
    registry = getattr(ipywidgets.widgets.widget, "_instances", None)  # where ipywidgets 8 has what 7 has at the class
    return list((ipywidgets.Widget.widgets if registry is None else registry).values())
