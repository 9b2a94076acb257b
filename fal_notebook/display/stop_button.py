"""A Stop button in the page; its page's part is stop_button.js.

Whether a click is heard while a cell runs depends on the kernel and its front end. So nothing is guessed: the page
asks when the button is there, on the control channel and by a hello to the widget, and only an answer makes it
visible.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import Unicode

from .control_channel import CONTROL_SCRIPT, ignore, listen

if TYPE_CHECKING:
    from anywidget import AnyWidget

_SCRIPT = Path(__file__).with_name("stop_button.js")


class StopButton:
    """A button that calls ``stop``, on whichever thread the kernel hears the page.

    Attributes:
        widget: what to display.
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        self._stop = stop
        self.widget: AnyWidget = _widget_class()(_control=listen(self._take))
        try:
            self.widget.on_msg(self._hear)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Take the button away; what the page says afterwards is not heard."""
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

        _esm = "".join(path.read_text(encoding="utf-8") for path in (CONTROL_SCRIPT, _SCRIPT))
        _control = Unicode().tag(sync=True)

        def close(self) -> None:
            """Close, whoever asks for it, and hear no more of what the page says."""
            ignore(self._control)
            super().close()

    return StopWidget
