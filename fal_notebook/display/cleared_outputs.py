"""Notes when the user's own code clears the output in which a live answer stands.

What is cleared cannot be replaced by its display id any more, so a live view has to display itself anew. IPython calls
no one when an output is cleared. So while an answer is live, its display publisher's method is wrapped; code in any
thread is noted, and clears as before.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython

from .front_end import output_widget, request_id

if TYPE_CHECKING:
    from ipywidgets import Output

_METHOD = "clear_output"
_watches: "list[ClearedWatch]" = []


class ClearedWatch:
    """Watches the place where something is displayed now: the running cell, or the Output widget that captures it.

    Attributes:
        is_cleared: whether the place was cleared since this was last set to false.
    """

    def __init__(self) -> None:
        self.is_cleared = False
        self._place = _place()
        self._thread = threading.get_ident()
        if not _watches:
            _wrap()
        _watches.append(self)

    @property
    def is_here(self) -> bool:
        """Whether what is displayed now comes to this place, and certainly so.

        What another thread displays comes to the cell that runs at that moment, which may be this one only by chance.
        """
        return _place() == self._place and threading.get_ident() == self._thread

    def note(self) -> None:
        """Note that what is displayed now was cleared."""
        self.is_cleared = self.is_cleared or _place() == self._place

    def end(self) -> None:
        """Watch no longer; may be called more than once."""
        if self in _watches:
            _watches.remove(self)
            if not _watches:
                _unwrap()


def _place() -> "tuple[str | None, Output | None]":
    return request_id(), output_widget()


def _wrap() -> None:
    publisher: Any = getattr(get_ipython(), "display_pub", None)
    original: Callable[..., object] | None = getattr(publisher, _METHOD, None)
    if original is None:
        return

    def clear_output(*args: Any, **options: Any) -> None:
        original(*args, **options)
        for watch in [*_watches]:
            watch.note()

    setattr(clear_output, "is_ours", True)  # noqa: B010 - mypy knows no attributes of functions
    vars(publisher)[_METHOD] = clear_output


def _unwrap() -> None:
    publisher = getattr(get_ipython(), "display_pub", None)
    if publisher is not None and hasattr(vars(publisher).get(_METHOD), "is_ours"):
        del vars(publisher)[_METHOD]
