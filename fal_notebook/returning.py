"""Floor 5: the end of an answer, for a page that was loaded while it streamed; the page's part is returning.js.

Jupyter carries what a cell displays to the page that ran it and to no other, and a page that was loaded again is
another. It has what was saved, and the live widgets, for those are looked up in the kernel. So one of them is its
messenger: when the widget goes and the page still shows it as live, the page asks for what stays, over a comm of its
own, and puts it into the notebook. It needs a front end whose widgets know their notebook: JupyterLab, Notebook 7.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from IPython.core.getipython import get_ipython

from .render import Bundle

if TYPE_CHECKING:
    from anywidget import AnyWidget

_TARGET = "fal_notebook.answers"
_SCRIPT = Path(__file__).with_name("returning.js")
_STYLE = Path(__file__).with_name("returning.css")
_ANSWERS = 8
_CHARACTERS = 16_000_000


class RecentAnswers:
    """What stays of the last answers that streamed for long enough to be left: eight at the most, and 16 MB."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, list[Bundle]] = OrderedDict()

    def keep(self, name: str, outputs: Sequence[Bundle]) -> None:
        """Keep the outputs of an answer."""
        self._answers[name] = list(outputs)
        while len(self._answers) > _ANSWERS or sum(map(_size, self._answers.values())) > _CHARACTERS:
            self._answers.popitem(last=False)

    def listen(self) -> None:
        """Answer the pages that ask, where there is a kernel."""
        kernel = getattr(get_ipython(), "kernel", None)
        if kernel is not None:
            kernel.comm_manager.register_target(_TARGET, self._hear)

    def _hear(self, comm: Any, message: dict[str, Any]) -> None:
        asked = message["content"]["data"]
        outputs = self._answers.get(str(asked.get("answer"))) if isinstance(asked, dict) else None
        comm.send({"outputs": outputs or []})
        comm.close()


class Messenger:
    """The widget of one live output that a page which comes back learns the end from.

    Args:
        recent: where the end will be.
        box: the id of the widget that is displayed, right behind the output that says the same in words.

    Attributes:
        widget: what to display within the live output.
    """

    def __init__(self, recent: RecentAnswers, box: str) -> None:
        self._recent = recent
        self._name = uuid4().hex
        recent.listen()
        self.widget: AnyWidget = _widget_class()(answer=self._name, box=box)
        self.widget.send({"kind": "new"})  # no page that comes later hears it

    def end(self, outputs: Sequence[Bundle]) -> None:
        """Take what stays in the place of the live output, in order. Call it before the widget is closed."""
        self._recent.keep(self._name, outputs)


def _size(outputs: Sequence[Bundle]) -> int:
    return sum(len(data) for bundle in outputs for data in bundle.values())


@cache
def _widget_class() -> "type[AnyWidget]":
    from anywidget import AnyWidget  # imported with the first messenger: loading the extension stays quick
    from traitlets import Unicode

    class MessengerWidget(AnyWidget):
        """The page's part is returning.js."""

        _esm = _SCRIPT.read_text(encoding="utf-8")
        _css = _STYLE.read_text(encoding="utf-8")
        answer = Unicode().tag(sync=True)
        box = Unicode().tag(sync=True)

    return MessengerWidget
