"""Brings the final answer to a page that was reloaded while the answer streamed; the page's part is reloaded_page.js.

Jupyter sends the outputs of a cell only to the page that ran it, and not to the same page after a reload. The reloaded
page shows what was saved, and asks the kernel for the live widgets; the kernel answers once it is free. So one of these
widgets is a messenger, which stays open for a while after the answer. If the page still shows the answer as live, the
messenger's script asks for the final outputs over a comm of its own, and puts them into the notebook. This works in
front ends whose widgets know their notebook: JupyterLab and Notebook 7.
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
_MOST_ANSWERS = 8
_MOST_CHARACTERS = 16_000_000


class RecentAnswers:
    """The final outputs of the last long-running answers, for reloaded pages: eight at most, and 16 MB at most."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    def keep(self, name: str, outputs: Sequence[Bundle], box: "Box") -> None:
        """Keep the outputs of an answer, and leave its widgets open for pages that look them up."""
        self._answers[name] = _Answer(list(outputs), box)
        while (
            len(self._answers) > _MOST_ANSWERS
            or sum(answer.size for answer in self._answers.values()) > _MOST_CHARACTERS
        ):
            self._forget_oldest()

    def clear(self) -> None:
        """Forget them all."""
        while self._answers:
            self._forget_oldest()

    def listen(self) -> None:
        """Answer pages that ask for an answer; without a kernel, do nothing."""
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
    """The recent answers of the kernel's session."""
    return session().companion(RecentAnswers)


@dataclass(frozen=True)
class _Answer:
    outputs: list[Bundle]
    box: "Box"

    @property
    def size(self) -> int:
        return sum(len(data) for bundle in self.outputs for data in bundle.values())


class Messenger:
    """The widget in a live output through which a reloaded page gets the final answer.

    Args:
        recent: the store that will hold the final answer.
        box: the widget that is displayed, right after the static output with the same text.

    Attributes:
        widget: the widget to display within the box.
    """

    def __init__(self, recent: RecentAnswers, box: "Box") -> None:
        self._box = box
        self._recent = recent
        self._name = uuid4().hex
        recent.listen()
        self.widget: AnyWidget = _widget_class()(answer=self._name, box=box.model_id)
        try:
            self.widget.send({"kind": "new"})  # a page that is loaded later does not get this message
        except BaseException:
            close_widget(self.widget)
            raise

    def end(self, outputs: Sequence[Bundle]) -> None:
        """Close all parts of the box but the messenger. Call it when the final outputs have been displayed.

        Args:
            outputs: the final outputs, in order.
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
