"""Raises an exception at every step between the socket and the screen, and checks how the request ends: ``make fuzz``.

A step is a call that the package makes, of its own functions or of any other. A first run without exceptions records
all steps; then each step gets a run in which it raises. `sweep` does that for one way to send a request. A request
that was sent has to end within seconds, exactly once, with the text that has arrived. It may leave nothing behind: no
widget, no running request, no held interrupt. The next request has to be answered.
"""

import argparse
import ast
import asyncio
import base64
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

from IPython.core.getipython import get_ipython
from websockets.asyncio.server import ServerConnection

import fal_notebook
from fal_notebook import FalNotebookError, PromptWidget, Result, arun, pipeline, run, session, stream
from fal_notebook.client import follower
from fal_notebook.display import background, columns, live, live_widgets, notebook_live
from fal_notebook.display.reloaded_page import recent_answers

from .census import open_widgets
from .endpoints import PNG
from .kernels import kernel
from .scripted import ScriptedServer, end, start

ROOT = Path(__file__).parents[1]
HOUSE = str(Path(fal_notebook.__file__).parent)
SECONDS = 5.0
"""The time in which a request that takes a tenth of a second has to end, even on a busy machine."""
PAUSE = 0.05
"""Seconds between the events of an answer that is shown: time enough to open a widget."""
WORDS = "one two three four"
ERRORS: tuple[Callable[[], Exception], ...] = (
    lambda: RecursionError("too deep"),
    lambda: OverflowError("too large"),
    lambda: UnicodeEncodeError("ascii", "é", 0, 1, "not in range"),
    MemoryError,
    lambda: KeyError("gone"),
    lambda: ValueError("odd"),
    lambda: BrokenPipeError("closed"),
)
CANNOT_FAIL = (
    *("__exit__", "__aexit__", "release", "signal"),
    *("call_soon", "add_done_callback", "Future.done", "Future.set_result", "dict.items", "dict.pop"),
    *("_BaseExitStack.callback", "_BaseExitStack.pop_all"),
    *(" end_of", " show_safely"),
    *("__del__", "WeakSet.__init__.<locals>._remove"),
)
"""Functions in which nothing is raised: those that end a block, since a lock or an interrupt would be held for ever;
those of asyncio's and Python's own bookkeeping; those that handle every failure; and those that the garbage collector
calls, which could be anywhere."""
QUICK = (
    *((live, name, value) for name, value in (("REFRESHES", 200), ("_PATIENCE", 0.0))),
    (notebook_live, "WORTH_STOPPING", 0.03),
    *((background, name, value) for name, value in (("REFRESHES", 200), ("WORTH_STOPPING", 0.03))),
    *((columns, name, value) for name, value in (("_PAUSE", 0.005), ("_TICK", 0.01), ("_WORTH_AWAITING", 0.03))),
    (follower, "_REFRESHES", 200),
    (live_widgets, "_KEEP_SECONDS", 0.02),
)
"""Changed constants, with which an answer of a tenth of a second shows everything that one of a minute does."""


class Hung(BaseException):
    """A request did not end in time."""


@dataclass(frozen=True, order=True)
class Step:
    """One call that the package makes: its place, and the function that is called."""

    file: str
    line: int
    callee: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} calls {self.callee}"


@dataclass
class Walk:
    """A block in which all steps are recorded, on this thread and on those started in the block; one step may raise.

    Attributes:
        steps: the steps in order, with the number of times that each occurred.
        at: the step that raises, the first time that it occurs.
        error: makes the exception that it raises.
        was_raised: whether the exception was raised.
    """

    at: Step | None = None
    error: Callable[[], Exception] = ValueError
    steps: dict[Step, int] = field(default_factory=dict)
    was_raised: bool = False
    _is_over: bool = False

    def __enter__(self) -> "Walk":
        threading.setprofile(self._look)
        sys.setprofile(self._look)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True  # threads that still run keep the profile function until they end
        sys.setprofile(None)
        threading.setprofile(None)

    def _look(self, frame: FrameType, event: str, what: Any) -> None:
        if event == "call":
            caller, callee = frame.f_back, frame.f_code.co_qualname
        elif event == "c_call":
            caller, callee = frame, str(getattr(what, "__qualname__", what))
        else:
            return
        if caller is None or not caller.f_code.co_filename.startswith(HOUSE) or f" {callee}".endswith(CANNOT_FAIL):
            return
        step = Step(os.path.relpath(caller.f_code.co_filename, HOUSE), caller.f_lineno, callee)
        self.steps[step] = self.steps.get(step, 0) + 1
        if step == self.at and not self.was_raised and not self._is_over:
            self.was_raised = True
            raise self.error()


@dataclass
class End:
    """How one request ended, as its caller saw it.

    Attributes:
        results: the results of all requests that were sent, as far as the caller can know them.
        raised: the exception that the caller got.
        seen: the text that the caller got before.
    """

    results: list[Any] = field(default_factory=list)
    raised: BaseException | None = None
    seen: str = ""


def by_run(url: str) -> End:
    try:
        return End([run("a/b", prompt="quick", base_url=url)])
    except FalNotebookError as exc:
        return End([getattr(exc, "result", None)], exc)


def by_stream(url: str) -> End:
    updates = stream("a/b", prompt="quick", base_url=url)
    came = End()
    try:
        for update in updates:
            came.seen += str(update)
    except Exception as exc:  # noqa: BLE001 - what comes out is looked at later
        came.raised = exc
    came.results = [updates.outcome()]
    assert updates.outcome() is came.results[0], "it has two outcomes"
    return came


def by_arun(url: str) -> End:
    async def ask() -> End:
        try:
            return End([await arun("a/b", prompt="quick", base_url=url)])
        except FalNotebookError as exc:
            return End([getattr(exc, "result", None)], exc)

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(ask())
    finally:
        loop.close()


def by_pipeline(url: str) -> End:
    streams = pipeline("a/b", [{"prompt": "quick"}] * 3, base_url=url)
    return End([each.outcome() for each in streams])


def by_magic(url: str) -> End:
    return _by_cell(f"a/b --base-url {url} -o out")


def by_playing_magic(url: str) -> End:
    return _by_cell(f"a/b --base-url {url} -o out --play")


def by_columns(url: str) -> End:
    came = _by_cell(f"a/b,c/d --base-url {url} -o out")
    (results,) = came.results or [None]
    return End(list(results.values()) if isinstance(results, dict) else [], came.raised)


def by_background(url: str) -> End:
    came = _by_cell(f"a/b --base-url {url} -o out -b")
    (out,) = came.results or [None]
    if isinstance(out, background.BackgroundRun):
        with suppress(FalNotebookError):
            out.result()
        assert out.is_done
        came.results = [_namespace().get("out")]
    return came


def by_prompt_widget(url: str) -> End:
    look = sys.getprofile()
    sys.setprofile(None)  # only the steps of a run are recorded
    widget = PromptWidget("a/b", base_url=url)
    widget._is_shown = True
    came = End()
    try:
        sys.setprofile(look)
        try:
            widget.run("slow")
        except Exception as exc:  # noqa: BLE001 - what comes out is looked at later
            came.raised = exc
        sys.setprofile(None)
        widget.wait()
        came.results = list(widget.results)
        assert widget.state != "streaming", "the widget streams for ever"
        widget.run("quick")
        widget.wait()
        assert widget.results[-1].text == WORDS, "the widget does not run again"
    finally:
        widget.close()
    return came


def _by_cell(line: str) -> End:
    shell = get_ipython()
    assert shell is not None
    _namespace().pop("out", None)
    came = End()
    try:
        shell.run_cell_magic("falstream", line, "slow")
    except Exception as exc:  # noqa: BLE001 - what comes out is looked at later
        came.raised = exc
    if "out" in _namespace():
        came.results = [_namespace()["out"]]
    return came


def _namespace() -> dict[str, Any]:
    shell = get_ipython()
    assert shell is not None
    namespace: dict[str, Any] = shell.user_ns
    return namespace


PLAIN = {"run": by_run, "stream": by_stream, "arun": by_arun, "pipeline": by_pipeline}
"""The ways to send a request that show nothing."""
SHOWING = {
    "magic": by_magic,
    "playing magic": by_playing_magic,
    "columns": by_columns,
    "background": by_background,
    "prompt widget": by_prompt_widget,
}
"""The ways that show the answer, and so need a kernel."""
WAYS = {**PLAIN, **SHOWING}


def sweep(name: str, most: int | None = None) -> tuple[int, list[str]]:
    """Raise at each step of a way, or at ``most`` of them; return how many there were, and what was wrong."""
    found: list[str] = []
    with _serving() as server, _quick():
        _ask(WAYS[name], server)  # so that imports and caches make no steps later
        steps = sorted(_walk(WAYS[name], server).steps)
        chosen = steps if most is None else [steps[place * len(steps) // most] for place in range(most)]
        for step in chosen:
            found += [f"{name}, where {step}: {wrong}" for wrong in _raise_at(step, WAYS[name], server)]
    return len(chosen), found


def _walk(way: Callable[[str], End], server: ScriptedServer, walk: Walk | None = None) -> Walk:
    walk = walk or Walk()
    session().close()
    with walk:
        _ask(way, server)
    return walk


def _ask(way: Callable[[str], End], server: ScriptedServer) -> End:
    try:
        return way(server.url)
    except Exception as exc:  # noqa: BLE001 - what comes out is looked at later
        return End(raised=exc)


def _raise_at(step: Step, way: Callable[[str], End], server: ScriptedServer) -> Iterator[str]:
    """Raise at a step, and yield what was wrong then."""
    session().close()
    widgets, handler, sent = _open_widgets(), signal.getsignal(signal.SIGINT), len(server.messages)
    walk = Walk(step, ERRORS[_number_of(step) % len(ERRORS)])
    came = End()
    try:
        with _time_limit(), walk:
            came = _ask(way, server)
    except (Hung, AssertionError) as exc:
        yield f"{exc!r}"
        session().stop()
    if not walk.was_raised:
        return
    sys.setprofile(None)
    yield from _judge(came, was_sent=len(server.messages) > sent)
    if not _soon(lambda: not session()._io.requests):
        yield "a request is under way"
        session().stop()
    if not _soon(lambda: _open_widgets() == widgets):
        yield f"{len(open_widgets()) - len(widgets)} widgets are left"
    if signal.getsignal(signal.SIGINT) is not handler:
        yield "interrupts are held"
        signal.signal(signal.SIGINT, handler)
    try:
        with _time_limit():
            is_answered = run("a/b", prompt="quick", base_url=server.url).text == WORDS
    except (Hung, FalNotebookError):
        is_answered = False
    if not is_answered:
        yield "the next request gets no answer"
        session()._renew(session()._io)


def _judge(came: End, *, was_sent: bool) -> Iterator[str]:
    if not was_sent:
        return
    if not came.results and came.raised is None:
        yield "it ended without a word"
    for result in came.results:
        if not isinstance(result, Result):
            yield f"there is no result, but {result!r}; raised was {came.raised!r}"
        elif not WORDS.startswith(result.text) or (result.error and not result.text.startswith(came.seen)):
            yield f"it has the words {result.text!r}, and {came.seen!r} were seen"
        elif result.error is None and not result.stopped and result.text != WORDS:
            yield f"it looks whole and has the words {result.text!r}"
        elif isinstance(result.error, fal_notebook.errors.RequestError) and result.error.result is None:
            yield f"{result.error!r} has no result"


def _open_widgets() -> list[str]:
    """The open widgets, apart from the messengers that wait for reloaded pages."""
    recent_answers().clear()
    return open_widgets()


def _number_of(step: Step) -> int:
    """A number for a step that is the same in every run."""
    return sum(map(ord, str(step)))


def _soon(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


@contextmanager
def _time_limit() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _quick() -> Iterator[None]:
    patches = [patch.object(module, name, value) for module, name, value in QUICK]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


@contextmanager
def _serving() -> Iterator[ScriptedServer]:
    async def answer(connection: ServerConnection) -> None:
        number = 0
        with suppress(Exception):  # a client may disconnect at any time
            async for message in connection:
                server.messages.append(message)
                number += 1
                await connection.send(start(f"r{number}", content_type="text/event-stream"))
                for event in EVENTS:
                    await connection.send(f"data: {json.dumps(event)}\n\n".encode())
                    await asyncio.sleep(PAUSE if "slow" in str(message) else 0)
                await connection.send(end(f"r{number}"))

    with ScriptedServer(answer) as server:
        yield server


_PICTURE = "data:image/png;base64," + base64.b64encode(PNG).decode()
EVENTS: tuple[dict[str, Any], ...] = (
    {"output": "one", "partial": True, "reasoning": "because"},
    {"progress": 0.25, "message": "half way"},
    {"audio": base64.b64encode(bytes(3200)).decode()},
    {"output": "one two", "partial": True},
    {"images": [{"url": _PICTURE, "content_type": "image/png"}]},
    {"output": "one two three", "partial": True},
    {
        "output": WORDS,
        "partial": False,
        "model": "m",
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "cost": 0.1},
    },
)


def sweep_in_kernel(names: Collection[str], most: int | None) -> tuple[int, list[str]]:
    """Sweep several ways, in a real kernel."""
    count = 0
    found: list[str] = []
    with kernel({"PYTHONPATH": str(ROOT)}) as lab:
        for name in names:
            cell = lab.run(f"from tests.exception_sweep import sweep\nprint('found', sweep({name!r}, {most!r}))")
            assert cell.status == "ok", cell.error
            tried, wrong = ast.literal_eval(cell.printed.split("found")[-1])
            count, found = count + tried, found + wrong
    return count, found


def main(arguments: list[str]) -> bool:
    """Sweep, print what was wrong, and return whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.exception_sweep", description=__doc__)
    parser.add_argument("ways", nargs="*", default=list(WAYS), help=f"of {', '.join(WAYS)}; else all")
    parser.add_argument("--most", type=int, help="how many steps of each way are tried; else all")
    options = parser.parse_args(arguments)
    is_wrong = False
    for name in options.ways:
        in_kernel = name not in PLAIN
        count, found = sweep_in_kernel([name], options.most) if in_kernel else sweep(name, options.most)
        print(f"{name}: {count} steps, {len(found)} wrong", *found, sep="\n", flush=True)  # noqa: T201 - the answer
        is_wrong = is_wrong or bool(found)
    return is_wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
