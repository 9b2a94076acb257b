"""A Stop button in the page; the page's part is stop_button.js.

Whether the kernel gets a click while a cell runs depends on the kernel and the front end. So the page tries it out: it
asks on the control channel, and sends a "hello" to the widget. Only an answer makes the button visible.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Unicode

from .control_channel import CONTROL_SCRIPT, ignore, listen
from .copying import COPYING_SCRIPT

if TYPE_CHECKING:
    from anywidget import AnyWidget

_SCRIPT = Path(__file__).with_name("stop_button.js")


class StopButton:
    """A button that calls ``stop``, on whichever thread the kernel receives the click.

    Attributes:
        widget: the widget to display.
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        self._stop = stop
        self.widget: AnyWidget = _widget_class()(_control=listen(self._take), _dom_classes=("fal-stop",))
        try:
            self.widget.on_msg(self._hear)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the button. Later messages of the page are ignored."""
        self.widget.layout.close()
        self.widget.close()

    def _hear(self, _: object, content: Any, __: object) -> None:
        self._take(content)

    def _take(self, content: Any) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "hello":
            self.widget.send({"kind": "heard"})
        elif kind == "stop":
            self._stop()


@cache
def _widget_class() -> "type[AnyWidget]":
    from anywidget import AnyWidget  # imported with the first button: loading the extension stays quick

    class StopWidget(AnyWidget):
        """The page's part is stop_button.js."""

        _esm = "".join(path.read_text(encoding="utf-8") for path in (COPYING_SCRIPT, CONTROL_SCRIPT, _SCRIPT))
        _control = Unicode().tag(sync=True)

        def close(self) -> None:
            """Close the widget, whoever calls this, and stop listening to the page."""
            ignore(self._control)
            super().close()

    return StopWidget
