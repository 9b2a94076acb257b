"""Floor 0: a Stop button in the page; its page's part is stop.js.

Whether a click is heard while a cell runs depends on the kernel and its front end. So nothing is guessed: the page
says hello when the button is there, and only an answer makes it visible.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anywidget import AnyWidget

_SCRIPT = Path(__file__).with_name("stop.js")


class StopButton:
    """A button that calls ``stop``, on whichever thread the kernel hears the page.

    Attributes:
        widget: what to display.
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        self.widget: AnyWidget = _widget_class()()
        self._stop = stop
        self.widget.on_msg(self._hear)

    def close(self) -> None:
        """Take the button away; what the page says afterwards is not heard."""
        self.widget.layout.close()
        self.widget.close()

    def _hear(self, _: object, content: Any, __: object) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "hello":
            self.widget.send({"kind": "heard"})
        elif kind == "stop":
            self._stop()


@cache
def _widget_class() -> "type[AnyWidget]":
    from anywidget import AnyWidget  # imported with the first button: loading the extension stays quick

    class StopWidget(AnyWidget):
        """The page's part is stop.js."""

        _esm = _SCRIPT.read_text(encoding="utf-8")

    return StopWidget
