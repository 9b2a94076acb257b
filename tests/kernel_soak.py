"""Runs mixed cells and faults in one real kernel, as in a kernel that is left open for days.

The cells have the same text each time and are not kept in the history, since the memory that IPython keeps of a new
cell is not ours.
"""

import ast
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from . import endpoints
from .census import BYTES_A_CELL, Soak
from .faults import Fault, FaultyGateway, Place, words
from .kernels import Execution, Kernel, kernel
from .session_soak import FAULTS

ROOT = Path(__file__).parents[1]
SETUP = """
import base64, itertools
from fal_notebook import PromptWidget, session
from tests.census import census
from tests.endpoints import gif
questions = map("question {}.".format, itertools.count(1))
"""
NEXT = "question = next(questions)\n"
PROMPT = f"{NEXT}%falstream test/echo/stream prompt={{{{question}}}} -o answer"
SPEECH = f"""{NEXT}sound = base64.b64encode(question.encode() * 2000).decode()
%falstream test/body base64={{{{sound}}}} content_type=audio/mpeg --play -o answer
print(answer.media[0].data == question.encode() * 2000, question)"""
PICTURE = f"""{NEXT}picture = base64.b64encode(gif(7, question.encode())).decode()
%falstream test/body base64={{{{picture}}}} content_type=image/gif -o answer
print(answer.media[0].data == gif(7, question.encode()), question)"""
PREVIEWS = f"{NEXT}%falstream test/previews/stream prompt=x count:=6 rate:=20 message={{{{question}}}} -o answer"
COLUMNS = f"{NEXT}%falstream test/echo/stream prompt={{{{question}}}} --models a,b -o answer"
BACKGROUND = f"{NEXT}%falstream test/echo/stream prompt={{{{question}}}} -b -o answer"
WIDGET = f"""{NEXT}box = PromptWidget('test/echo/stream', play=True)
display(box)
box.run(question)
box.wait()
print([each.text for each in box.results])
box.close()"""
ENDLESS = f"""{NEXT}events = [{{'output': question, 'partial': True}}]
%falstream test/held/stream events={{{{events}}}} -o answer"""


class Cells:
    """The kinds of cells. Each method runs one, and checks what the front end gets."""

    def __init__(self, lab: Kernel, gateway: FaultyGateway, chance: random.Random) -> None:
        self._lab, self._gateway, self._chance = lab, gateway, chance
        self._faulty = f"{NEXT}%falstream a/b prompt={{{{question}}}} --base-url {gateway.url} -o answer"
        self._number = 0

    def pick(self) -> Callable[[], None]:
        """A random kind of cell."""
        return self._chance.choice(
            [
                self.prompt,
                self.speech,
                self.picture,
                self.previews,
                self.columns,
                self.background,
                self.widget,
                self.interrupted,
                self.fault,
                self.closed,
            ]
        )

    def forget(self) -> None:
        """Drop everything that was recorded."""
        self._lab.displayed.clear()
        for kept in (endpoints.requests, endpoints.authorizations):
            kept.clear()
        for heard in (self._gateway.received, self._gateway.authorizations):
            heard.clear()

    def prompt(self) -> None:
        cell, question = self._ask(PROMPT)
        assert question in cell.plain

    def speech(self) -> None:
        cell, question = self._ask(SPEECH)
        assert cell.printed == f"True {question}\n"

    def picture(self) -> None:
        cell, question = self._ask(PICTURE)
        assert cell.printed == f"True {question}\n"

    def previews(self) -> None:
        cell, question = self._ask(PREVIEWS)
        assert question in str(cell.messages)
        assert "image/gif" in cell.plain

    def columns(self) -> None:
        cell, question = self._ask(COLUMNS)
        assert cell.plain.count(question) == 2

    def background(self) -> None:
        _, question = self._ask(BACKGROUND)
        self._lab.wait_for(question)

    def widget(self) -> None:
        cell, question = self._ask(WIDGET)
        assert cell.printed == f"{[f'{question} ']}\n"

    def interrupted(self) -> None:
        self._number += 1
        cell = self._lab.run_interrupted(ENDLESS, after=self._question)
        assert cell.reply["ename"] == "KeyboardInterrupt", cell.error
        assert self._question in cell.plain

    def fault(self) -> None:
        self._gateway.arm(*self._chance.choice(FAULTS))
        self._ask(f"{self._faulty} --timeout 0.5", "error")
        self._gateway.mend()  # on a busy machine the cell may time out before the fault happens
        self._answered()

    def closed(self) -> None:
        self._answered()
        fault = self._chance.choice((Fault.CUT, Fault.CLOSE, Fault.GOING_AWAY, Fault.UNASKED))
        self._gateway.arm(Place.IDLE, fault)
        self._gateway.fail_while_idle()
        self._answered()

    @property
    def _question(self) -> str:
        """The question of the cell that was sent last."""
        return f"question {self._number}."

    def _ask(self, code: str, status: str = "ok") -> tuple[Execution, str]:
        self._number += 1
        cell = self._lab.run(code)
        assert cell.status == status, cell.error
        return cell, self._question

    def _answered(self) -> None:
        cell, question = self._ask(self._faulty)
        assert words(question) in cell.plain


def soak_kernel(seconds: float, seed: int = 4) -> Soak:
    """Run cells for so many seconds, and return what was found."""
    run, chance = Soak(allowed=BYTES_A_CELL), random.Random(seed)  # noqa: S311 - an order of work, no secret
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with (
        LocalServer(HTTPOverWebSocket(endpoints.create_app())) as server,
        FaultyGateway() as gateway,
        kernel({"FAL_NOTEBOOK_URL": server.url, "PYTHONPATH": path}) as started,
    ):
        lab = Kernel(started.manager, started.client, keeps_history=False)
        assert lab.run(SETUP).status == "ok"
        cells = Cells(lab, gateway, chance)
        began, pause = time.monotonic(), min(60.0, seconds / 30)
        while time.monotonic() < began + seconds:
            _work(run, cells, until=time.monotonic() + pause)
            run.take(time.monotonic() - began, ast.literal_eval(lab.value("census()")))
    return run


def _work(run: Soak, cells: Cells, until: float) -> None:
    while time.monotonic() < until:
        run.do(cells.pick())
        cells.forget()
