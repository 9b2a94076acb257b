"""A real kernel through interrupts, restarts, reloads of the extension, forks, many requests, and its own end."""

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import fal_notebook
from fal_notebook.local.server import LocalServer

from . import endpoints
from .conftest import KEY, wait_until
from .faults import Fault, FaultyGateway, Place, words
from .kernels import Kernel, kernel, left_open

pytestmark = pytest.mark.beside

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def lab(server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY, "PYTHONPATH": str(ROOT)}) as running:
        assert (
            running.run(
                "import asyncio, os, signal, threading, time\nimport fal_notebook as fal\n"
                "from fal_notebook.client.interrupts import Interrupts"
            ).status
            == "ok"
        )
        yield running


INTERRUPT_AT_EVERY_STEP = """
import sys, ipywidgets
from fal_notebook.display.front_end import _widgets
from IPython.core.magic import Magics

shell = get_ipython()
FILES = ("cell.py", "live.py", "parts.py", "result.py", "render.py", "columns.py")

def run_interrupted_at(steps, line):
    "Run a cell with an interrupt at each of these lines of ours; say how it ended and whether all steps came."
    count, ended = 0, "ok"
    def trace(frame, event, _):
        nonlocal count
        name = frame.f_code.co_filename
        if "fal_notebook" not in name or not name.endswith(FILES):
            return None
        if event == "line":
            count += 1
            if count in steps:
                signal.raise_signal(signal.SIGINT)
        return trace
    shell.user_ns["_fal"] = None
    sys.settrace(trace)
    try:
        shell.run_line_magic("falstream", line)
    except KeyboardInterrupt:
        ended = "interrupted"
    finally:
        sys.settrace(None)
    return ended, count >= max(steps)

def interrupt_at_every_step(line, stride):
    wrong, step = [], 5  # before that nothing has been sent
    while True:
        ended, came = run_interrupted_at({step, step + 1, step + 7}, line)
        if not came and ended == "ok":
            return step, wrong
        left = _widgets(ipywidgets)
        result = shell.user_ns["_fal"]
        if ended != "interrupted" or left or fal.session()._io.requests or result is None:
            wrong.append((step, ended, len(left), repr(result)))
            for each in left:
                each.close()
        step += stride
"""


@pytest.mark.parametrize("more", ["", " --models a,b", " --play"])
def test_interrupts_at_any_step_of_a_run_leave_no_widget_and_no_request_and_the_result(more: str, lab: Kernel) -> None:
    sound, text = "tone/stream prompt=x seconds:=0.3 speed:=10", "paced/stream prompt=x count:=3 rate:=100"
    line = f"test/{sound if 'play' in more else text}{more}"
    assert lab.run(f"{INTERRUPT_AT_EVERY_STEP}\n%falstream {line}").status == "ok"
    steps, wrong = ast.literal_eval(lab.value(f"interrupt_at_every_step({line!r}, 7)"))
    assert wrong == []
    assert steps > 100
    assert "own answer" in lab.run("%%falstream test/echo/stream\nown answer").plain


MANY_INTERRUPTS = """
big = "\\n".join(f"{{number}}. *some* `words` and $x^{{number}}$" for number in range(2000))
def interrupt_again_and_again():
    while not ({begun}):
        time.sleep(0.001)
    until = time.monotonic() + 5
    while time.monotonic() < until and isinstance(signal.getsignal(signal.SIGINT), Interrupts):
        os.kill(os.getpid(), signal.SIGINT)
        sent.append(1)
        time.sleep({pause})
_fal, sent = None, []
interrupting = threading.Thread(target=interrupt_again_and_again)
interrupting.start()
try:
    %falstream {line} -o answer
finally:
    interrupting.join()  # else it goes on into the next cell
"""


@pytest.mark.parametrize("pause", [0.001, 0.02])
def test_many_interrupts_in_quick_succession_leave_a_long_answer_rendered(pause: float, lab: Kernel) -> None:
    line = "test/body text={{big}} content_type=text/markdown"
    cell = lab.run(MANY_INTERRUPTS.format(begun="_fal", pause=pause, line=line))
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert left_open(cell) == set()
    assert all(types == {"text/plain", "text/html"} for types in cell.types())
    assert "<em>some</em>" in cell.outputs[0]["data"]["text/html"]
    assert lab.value("answer.text == big, answer.stopped, len(sent) > 3") == "(True, False, True)"
    assert "own answer" in lab.run("%%falstream test/echo/stream\nown answer").plain


def test_many_interrupts_in_quick_succession_while_it_streams(lab: Kernel, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    line = "test/endless/stream prompt=x"
    code = MANY_INTERRUPTS.format(begun=f"os.path.exists({str(begun)!r})", pause=0.0001, line=line)
    request = lab.send(code, stop_on_error=False)
    cell = lab.read(request, until="first words")
    begun.touch()
    lab.read_on(request, cell)
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert left_open(cell) == set()
    assert cell.types() == [{"text/plain", "text/html"}] * 2
    assert "what came by then is in answer" in cell.error
    assert lab.value("answer.text, answer.stopped") == "('first words', True)"


FINALIZING = """
class Slow:
    def __del__(self):
        time.sleep(0.01)  # what is raised in here is lost
async def finalizing():
    while True:
        Slow()
        await asyncio.sleep(0)
task = asyncio.get_running_loop().create_task(finalizing())
"""


def test_no_interrupt_is_lost_among_tasks_of_the_users_that_are_never_idle(lab: Kernel) -> None:
    lab.run(FINALIZING)
    try:
        for _ in range(5):
            cell = lab.run_interrupted("%falstream test/endless/stream prompt=x --timeout 5", after="first words")
            assert cell.reply["ename"] == "KeyboardInterrupt"
    finally:
        lab.run("task.cancel()")


@pytest.mark.parametrize("nested", [True, False])
def test_a_cell_that_awaits_too_is_stopped_while_it_blocks(lab: Kernel, *, nested: bool) -> None:
    lab.run(f"%config FalMagics.nested = {nested}")
    try:
        magic = "await asyncio.sleep(0)\n%falstream test/endless/stream prompt=x -o partial"
        cell = lab.run_interrupted(magic, after="first words")
        assert cell.reply["ename"] == "KeyboardInterrupt"
        assert "what came by then is in partial" in cell.error
        request = lab.send(
            "await asyncio.sleep(0)\nfal.run('test/endless/stream', prompt='blocks')", stop_on_error=False
        )
        wait_until(lambda: endpoints.requests["blocks"] == 1)
        time.sleep(0.3)
        lab.interrupt()
        assert lab.read(request).reply["ename"] == "KeyboardInterrupt"
        assert "own answer" in lab.run("%%falstream test/echo/stream\nown answer").plain
    finally:
        lab.run("%config FalMagics.nested = True")


@pytest.mark.parametrize("now", [False, True], ids=["asked to end", "killed"])
def test_a_restart_with_a_stream_under_way_leaves_nothing_of_the_old(*, now: bool) -> None:
    with FaultyGateway(Place.EVENT, Fault.STALL) as gateway, kernel({"FAL_NOTEBOOK_URL": gateway.url}) as lab:
        lab.read(lab.send("%falstream a/b prompt=before"), until="“before”")
        old = lab.manager.provisioner.pid  # type: ignore[union-attr]
        lab.restart(now=now)
        assert not psutil.pid_exists(old)
        wait_until(lambda: not gateway.open)
        assert words("after") in lab.run("%falstream a/b prompt=after").plain
        assert gateway.received == ["before", "after"]


def test_a_kernel_that_ends_with_streams_under_way_is_quick_and_says_nothing(tmp_path: Path) -> None:
    with (
        FaultyGateway(Place.EVENT, Fault.STALL) as gateway,
        (tmp_path / "said").open("w+") as said,
        kernel({"FAL_NOTEBOOK_URL": gateway.url}, stderr=said) as lab,
    ):
        lab.run("%falstream a/b prompt=one -b")
        lab.wait_for("“one”")
        lab.run("from fal_notebook import PromptWidget\nw = PromptWidget('c/d'); w.run('two')")
        lab.run("w")
        before = (tmp_path / "said").read_text()
        process = psutil.Process(lab.manager.provisioner.pid)  # type: ignore[union-attr]
        began = time.monotonic()
        lab.client.shutdown()
        process.wait(10)
        assert time.monotonic() - began < 2  # the kernel's shutdown by itself takes half a second
        assert (tmp_path / "said").read_text() == before
        wait_until(lambda: not gateway.open)


def test_ipython_ends_with_streams_under_way_at_once_and_says_nothing() -> None:
    with FaultyGateway(Place.EVENT, Fault.STALL) as gateway:
        code = f"import fal_notebook as fal; s = fal.stream('a/b', prompt='x', base_url='{gateway.url}'); s.wait(9)"
        command = [sys.executable, "-m", "IPython", "--no-banner", "-c", f"{code}; import time; print(time.time())"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=20, check=True)
        ended = float(done.stdout.rpartition("\a")[2])  # IPython 7 first sets the terminal's title
        assert time.time() - ended < 1.5
        assert done.stderr == ""


def test_a_reload_while_a_run_is_in_the_background_stops_it_and_the_next_is_answered(lab: Kernel) -> None:
    lab.displayed.clear()
    lab.run("%falstream test/endless/stream prompt=x -b -o running")
    lab.wait_for("first words")
    assert lab.run("%reload_ext fal_notebook").error == ""
    lab.wait_for("stopped ·")
    assert lab.value("running.text, running.stopped") == "('first words', True)"
    assert "own answer" in lab.run("%%falstream test/echo/stream\nown answer").plain


def test_modules_that_change_are_reloaded_beneath_an_open_connection(server: LocalServer, tmp_path: Path) -> None:
    copy = tmp_path / "fal_notebook"
    shutil.copytree(Path(fal_notebook.__file__).parent, copy)
    with kernel({"FAL_NOTEBOOK_URL": server.url, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path) as lab:
        assert lab.value("__import__('fal_notebook').__file__").strip("'") == str(copy / "__init__.py")
        lab.run("%load_ext autoreload\n%autoreload 2")
        assert "before" in lab.run("%%falstream test/echo/stream\nbefore").plain
        for module in sorted(copy.glob("*.py")):
            later = time.time() + 10
            os.utime(module, (later, later))
        for words_ in ("after", "again"):
            cell = lab.run(f"%%falstream test/echo/stream -o answer\n{words_}")
            assert cell.error == ""
            assert words_ in cell.plain
        assert left_open(cell) == set()
        assert lab.value("len(__import__('fal_notebook').session().connections)") == "1"
        io_threads = "sum('I/O' in each.name for each in __import__('threading').enumerate())"
        assert lab.value(io_threads) == "1"


FORK = """
import multiprocessing
def in_child(pipe):
    pipe.send(fal.run("a/b", prompt="child").text)
context = multiprocessing.get_context("fork")
ours, theirs = context.Pipe()
child = context.Process(target=in_child, args=(theirs,))
child.start()
said = ours.recv() if ours.poll(20) else None
child.join(20)
"""
SUBPROCESS = """
import subprocess, sys
code = "import fal_notebook as fal; print(fal.run('a/b', prompt='child').text)"
said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20).stdout.strip()
"""


@pytest.mark.parametrize("code", [FORK, SUBPROCESS], ids=["fork", "subprocess"])
def test_a_child_makes_its_own_connection_and_leaves_the_parents(code: str) -> None:
    environment = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore::DeprecationWarning"}
    with FaultyGateway() as gateway, kernel({"FAL_NOTEBOOK_URL": gateway.url, **environment}) as lab:
        assert words("before") in lab.run("import fal_notebook as fal\n%falstream a/b prompt=before").plain
        cell = lab.run(code)
        assert cell.error == ""
        assert lab.value("said") == repr(words("child"))
        assert words("after") in lab.run("%falstream a/b prompt=after").plain
        assert gateway.received == ["before", "child", "after"]
        assert gateway.handshakes == 2
        wait_until(lambda: len(gateway.open) == 1)


def test_many_threads_and_many_tasks_use_one_session_at_once(lab: Kernel) -> None:
    cell = lab.run(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def ask(number): return fal.run('test/echo/stream', prompt=f'thread {number}.').text\n"
        "async def aask(number): return (await fal.arun('test/echo/stream', prompt=f'task {number}.')).text\n"
        "with ThreadPoolExecutor(20) as pool:\n"
        "    threads = [pool.submit(ask, number) for number in range(60)]\n"
        "    tasks = await asyncio.gather(*map(aask, range(60)))\n"
        "    threads = [each.result() for each in threads]\n"
        "blocking = fal.run('test/echo/stream', prompt='the cell').text"
    )
    assert cell.error == ""
    assert lab.value("threads == [f'thread {n}. ' for n in range(60)]") == "True"
    assert lab.value("tasks == [f'task {n}. ' for n in range(60)]") == "True"
    assert lab.value("blocking, len(fal.session().connections) <= 4") == "('the cell ', True)"


def test_calls_within_calls_get_their_own_answers(lab: Kernel) -> None:
    cell = lab.run(
        "async def within():\n"
        "    said = []\n"
        "    async for word in fal.stream('test/echo/stream', prompt='outer words'):\n"
        "        said.append((str(word), fal.run('test/echo/stream', prompt=f'inner {word}').text))\n"
        "    return said\n"
        "awaited = await within()\n"
        "looped = [\n"
        "    (str(word), ''.join(map(str, fal.stream('test/echo/stream', prompt=f'inner {word}'))))\n"
        "    for word in fal.stream('test/echo/stream', prompt='outer words')\n"
        "]\n"
        "called = []\n"
        "def callback(): called.append(fal.run('test/echo/stream', prompt='called back').text)\n"
        "asyncio.get_running_loop().call_later(0.1, callback)\n"
        "%falstream test/paced/stream prompt=x count:=60 rate:=100 -o outer\n"
    )
    assert cell.error == ""
    for pairs in ast.literal_eval(lab.value("awaited, looped")):
        assert "".join(word for word, _ in pairs) == "outer words "
        assert all(answer.split() == ["inner", *word.split()] for word, answer in pairs)
    assert lab.value("called, len(outer.text.split())") == "(['called back '], 60)"


@pytest.mark.parametrize("trait", ["state", "results", "reason", "endpoint"])
def test_an_observer_that_fails_stops_no_run_and_is_told_of(trait: str, lab: Kernel) -> None:
    cell = lab.run(
        "from fal_notebook import PromptWidget\n"
        "w = PromptWidget('test/echo/stream')\n"
        "def fails(change): raise ValueError(f'this observer fails at {change.name}')\n"
        f"w.observe(fails, {trait!r})\n"
        "w._receive(w, {'kind': 'run', 'view': 'v', 'prompt': 'x', 'endpoint': 'test/late/stream', 'rows': []}, [])\n"
        "w.wait()\n"
        "while w.state == 'streaming': time.sleep(0.01)\n"
        "time.sleep(0.1)"
    )
    assert cell.error == ""
    if trait != "reason":  # it has a value only when the connection is lost
        assert f"ValueError: this observer fails at {trait}" in cell.printed
    assert lab.value("w.state, [r.text for r in w.results]") == "('ready', ['half an'])"
    assert lab.run("w.run('again'); w.wait(); w.close()").error == ""
    assert lab.value("len(w.results)") == "2"


def test_two_kernels_use_one_key_and_each_its_own_connection() -> None:
    with FaultyGateway(asks_for_key=True) as gateway:
        environment = {"FAL_NOTEBOOK_URL": gateway.url, "FAL_KEY": KEY}
        with kernel(environment) as first, kernel(environment) as second:
            for lab, word in ((first, "one"), (second, "two"), (first, "three")):
                assert words(word) in lab.run(f"%falstream a/b prompt={word}").plain
            assert first.run("%falstream close").plain == "closed 1 connection"
            assert words("four") in second.run("%falstream a/b prompt=four").plain
            assert gateway.handshakes == 2
            assert set(gateway.authorizations) == {f"Key {KEY}"}
