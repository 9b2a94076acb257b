"""The end of an answer, for a page that was loaded while it streamed; the page's part is reloaded_page.js.

Jupyter carries what a cell displays to the page that ran it and to no other, and a page that was loaded again is
another. It has what was saved, and looks up the live widgets in the kernel, which hears it once it is free. So one of
them is a messenger, which outlives the answer for a while: through it a page that still shows an answer as live asks
for what stays, over a comm of its own, and puts it into the notebook. It needs a front end whose widgets know their
notebook: JupyterLab and Notebook 7.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from IPython.core.getipython import get_ipython

from ..client.sessions import session
from ..render.bundles import Bundle
from .outputs import close_widget, replace_parts

if TYPE_CHECKING:
    from anywidget import AnyWidget
    from ipywidgets import Box

_TARGET = "fal_notebook.answers"
_SCRIPT = Path(__file__).with_name("reloaded_page.js")
_STYLE = Path(__file__).with_name("reloaded_page.css")
_ANSWERS = 8
_CHARACTERS = 16_000_000


class RecentAnswers:
    """What stays of the last answers that streamed for long enough to be left: eight at the most, and 16 MB."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    def keep(self, name: str, outputs: Sequence[Bundle], box: "Box") -> None:
        """Keep the outputs of an answer, and open the widget that a page may look up."""
        self._answers[name] = _Answer(list(outputs), box)
        while len(self._answers) > _ANSWERS or sum(answer.size for answer in self._answers.values()) > _CHARACTERS:
            self._forget_oldest()

    def clear(self) -> None:
        """Forget them all."""
        while self._answers:
            self._forget_oldest()

    def listen(self) -> None:
        """Answer the pages that ask, where there is a kernel."""
        kernel = getattr(get_ipython(), "kernel", None)
        if kernel is not None:
            kernel.comm_manager.register_target(_TARGET, self._hear)

    def _hear(self, comm: Any, message: dict[str, Any]) -> None:
        asked = message["content"]["data"]
        answer = self._answers.get(str(asked.get("answer"))) if isinstance(asked, dict) else None
        comm.send({"outputs": answer.outputs if answer else []})
        comm.close()

    def _forget_oldest(self) -> None:
        _, answer = self._answers.popitem(last=False)
        close_widget(answer.box)


def recent_answers() -> RecentAnswers:
    """Those of the kernel's session."""
    return session().companion(RecentAnswers)


@dataclass(frozen=True)
class _Answer:
    outputs: list[Bundle]
    box: "Box"

    @property
    def size(self) -> int:
        return sum(len(data) for bundle in self.outputs for data in bundle.values())


class Messenger:
    """The widget of one live output that a page which comes back learns the end from.

    Args:
        recent: where the end will be.
        box: the widget that is displayed, right behind the output that says the same in words.

    Attributes:
        widget: what to display within the live output.
    """

    def __init__(self, recent: RecentAnswers, box: "Box") -> None:
        self._box = box
        self._recent = recent
        self._name = uuid4().hex
        recent.listen()
        self.widget: AnyWidget = _widget_class()(answer=self._name, box=box.model_id)
        try:
            self.widget.send({"kind": "new"})  # no page that comes later hears it
        except BaseException:
            close_widget(self.widget)
            raise

    def end(self, outputs: Sequence[Bundle]) -> None:
        """Close all of the box but the messenger. Call it when what stays has been displayed.

        Args:
            outputs: what stays, in order.
        """
        parts = self._box.children
        try:
            replace_parts(self._box, [self.widget])
            self._recent.keep(self._name, outputs, self._box)
            self.widget.send({"kind": "end"})
        except BaseException:
            for part in (*parts, self._box):
                close_widget(part)
            raise


@cache
def _widget_class() -> "type[AnyWidget]":
    from anywidget import AnyWidget  # imported with the first messenger: loading the extension stays quick
    from traitlets import Unicode

    class MessengerWidget(AnyWidget):
        """The page's part is reloaded_page.js."""

        _esm = _SCRIPT.read_text(encoding="utf-8")
        _css = _STYLE.read_text(encoding="utf-8")
        answer = Unicode().tag(sync=True)
        box = Unicode().tag(sync=True)

    return MessengerWidget
