"""A session and its I/O thread, through interrupts, forks and the end of the interpreter."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from fal_notebook import Session, errors
from fal_notebook.client import io_thread
from fal_notebook.local.server import LocalServer
from fal_notebook.wire.pool import Limits

from ..conftest import KEY, wait_until
from ..faults import Fault, FaultyGateway, Place, words

ROOT = Path(__file__).parents[2]


def ask(own: Session, gateway: FaultyGateway, prompt: str, timeout: float = 10) -> str:
    return own.stream("a/b", {"prompt": prompt}, base_url=gateway.url, timeout=timeout).result().text


@pytest.fixture
def own() -> Iterator[Session]:
    session = Session(Limits(connections=1))
    yield session
    session.close()


@contextmanager
def interrupts(*delays: float) -> Iterator[None]:
    """Interrupt the block after each of these delays, in seconds. Interrupts after its end have no effect."""
    inside = False

    def interrupt(*_: object) -> None:
        if inside:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    main = threading.main_thread().ident
    assert main is not None
    timers = [threading.Timer(delay, signal.pthread_kill, (main, signal.SIGINT)) for delay in delays]
    try:
        for timer in timers:
            timer.start()
        inside = True
        yield
    finally:
        inside = False
        for timer in timers:
            timer.join()
        signal.signal(signal.SIGINT, before)


# Python can only report an interrupt in the callback of a weak reference, and pytest turns the report into a warning.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_at_any_moment_leaves_the_next_answer_its_own(
    own: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)  # without a key, fal-client takes a lock that an interrupt could leave held
    chance = random.Random(4)  # noqa: S311 - moments, not secrets
    interrupted = 0
    with FaultyGateway() as gateway:
        for number in range(150):
            moments = [chance.uniform(0, 0.003) for _ in range(1 + number % 2)]
            try:
                with interrupts(*moments):
                    ask(own, gateway, f"interrupted {number}")
                    time.sleep(0.01)
            except KeyboardInterrupt:
                interrupted += 1
            assert ask(own, gateway, f"next {number}") == words(f"next {number}")
        assert len(gateway.received) == len(set(gateway.received))
        assert len(gateway.open) <= 2
    assert interrupted > 100


def test_a_close_that_is_interrupted_can_be_repeated_and_leaves_no_thread() -> None:
    chance = random.Random(5)  # noqa: S311 - moments, not secrets
    with FaultyGateway(Place.IDLE, Fault.STALL) as gateway:
        for _ in range(30):
            own = Session()
            ask(own, gateway, "one")
            with suppress(KeyboardInterrupt), interrupts(chance.uniform(0, 0.001)):
                own.close()
            own.close()
            wait_until(lambda: all("I/O" not in thread.name for thread in threading.enumerate()))


@pytest.mark.parametrize("line", range(12))
def test_an_interrupt_while_the_thread_starts_leaves_no_thread_that_nobody_ends(line: int) -> None:
    own, lines = Session(), 0

    def trace(frame: FrameType, event: str, __: Any) -> Any:
        nonlocal lines
        if frame.f_code is not threading.Thread.start.__code__:
            return trace
        lines += event == "line"
        if event == "line" and lines == line + 1:
            signal.raise_signal(signal.SIGINT)
        return trace

    with FaultyGateway() as gateway:
        before, interval = sys.gettrace(), sys.getswitchinterval()
        sys.setswitchinterval(1)  # so that the new thread has hardly begun when it is looked at
        sys.settrace(trace)
        try:
            with suppress(KeyboardInterrupt):
                own.stream("a/b", {"prompt": "one"}, base_url=gateway.url)
        finally:
            sys.settrace(before)
        ask(own, gateway, "two")
        sys.setswitchinterval(interval)
        own.close()
        wait_until(lambda: all("I/O" not in thread.name for thread in threading.enumerate()))
        assert lines >= min(line, 8)


@pytest.mark.parametrize("step", range(12))
def test_an_interrupt_at_any_step_of_a_close_waits_until_the_thread_has_been_told_to_end(step: int) -> None:
    own, steps = Session(), 0

    def trace(frame: FrameType, _: str, __: Any) -> Any:
        nonlocal steps
        if frame.f_code not in (Session.close.__code__, io_thread.IOThread.end.__code__):
            return None
        steps += 1
        if steps == step + 3:  # steps 1 and 2 are the call and the entry into the `Interrupts` block
            signal.raise_signal(signal.SIGINT)
        return trace

    with FaultyGateway() as gateway:
        ask(own, gateway, "one")
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            with suppress(KeyboardInterrupt):
                own.close()
        finally:
            sys.settrace(before)
        wait_until(lambda: all("I/O" not in thread.name for thread in threading.enumerate()))


def test_a_close_beside_eight_threads_at_work_leaves_no_request_without_its_end_and_says_nothing() -> None:
    command = [sys.executable, "-X", "dev", "-m", "tests.session_soak", "4"]
    done = subprocess.run(command, capture_output=True, timeout=100, text=True, cwd=ROOT)
    ends = dict(line.split() for line in done.stdout.splitlines())
    assert (done.stderr, done.returncode) == ("", 0)
    assert set(ends) <= {"answered", "stopped"}
    assert int(ends["answered"]) > 50


def die(reason: BaseException) -> None:
    raise reason


@pytest.mark.parametrize(
    "reason", [SystemExit(), OSError("select failed"), RuntimeError()], ids=lambda each: repr(each)
)
def test_a_thread_whose_loop_breaks_ends_its_requests_with_one_error_and_the_next_are_answered(
    reason: BaseException, own: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultyGateway(Place.EVENT, Fault.STALL) as gateway:
        running = [own.stream("a/b", {"prompt": "one"}, base_url=gateway.url) for _ in range(2)]
        assert str(next(running[0])) == words("one", Place.EVENT)
        loop = own._io._loop
        assert loop is not None
        monkeypatch.setattr(loop._selector, "select", lambda *_: die(reason))  # type: ignore[attr-defined]
        loop.call_soon_threadsafe(lambda: None)
        first, second = (each.outcome() for each in running)
        assert isinstance(first.error, errors.ConnectionLost)
        assert first.text == words("one", Place.EVENT)
        assert isinstance(second.error, errors.ConnectError)
        assert type(reason).__name__ in str(second.error)
        assert ask(own, gateway, "two") == words("two")
        assert gateway.received == ["one", "two"]


@pytest.mark.parametrize(
    "limits",
    [{"connections": each} for each in (-1, 0, None, 1.5, True, "4")]
    + [{"idle_seconds": each} for each in (-1, None, float("nan"), float("inf"), "60")]
    + [{"max_body": each} for each in (0, None, 1e9)]
    + [{"open_timeout": each} for each in (0, -1, None, float("nan"))],
    ids=repr,
)
def test_invalid_limits_are_refused_at_once(limits: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequest, match=f"Limits: {next(iter(limits))} is a"):
        Limits(**limits)


def test_a_session_takes_limits_only(own: Session) -> None:
    with pytest.raises(errors.InvalidRequest, match="not 4"):
        Session(4)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidRequest, match="not None"):
        own.limits = None  # type: ignore[assignment]


def test_only_the_endpoints_used_last_keep_a_connection() -> None:
    own = Session(Limits(idle_seconds=0.2))
    with FaultyGateway() as gateway:
        for number in range(40):
            own.connect(f"a/{number}", gateway.url).result(10)
        wait_until(lambda: len(own.connections) == io_thread._KEPT_ENDPOINTS)
        assert [each.endpoint for each in own.connections] == [f"a/{number}" for number in range(32, 40)]
        own.connect("a/32", gateway.url).result(10)
        own.connect("a/40", gateway.url).result(10)
        wait_until(lambda: len(gateway.open) == io_thread._KEPT_ENDPOINTS)
        assert {each.endpoint for each in own.connections} == {f"a/{number}" for number in (32, *range(34, 41))}
        own.close()


def test_a_session_that_nothing_refers_to_ends_with_its_last_request() -> None:
    with FaultyGateway() as gateway:
        threads = threading.active_count()
        dropped = Session()
        assert ask(dropped, gateway, "one") == words("one")
        del dropped
        wait_until(lambda: not gateway.open and threading.active_count() == threads)
        request = Session().stream("a/b", {"prompt": "two"}, base_url=gateway.url)
        assert request.result().text == words("two")
        wait_until(lambda: not gateway.open and threading.active_count() == threads)


def test_a_request_that_is_stopped_before_it_began_ends(own: Session) -> None:
    with FaultyGateway() as gateway:
        for _ in range(200):
            request = own.stream("a/b", {"prompt": "x"}, base_url=gateway.url)
            request.cancel()
            result = request.result()
            assert result.stopped or result.text == words("x")
        assert ask(own, gateway, "next") == words("next")


def test_half_an_event_is_not_shown_when_a_request_breaks_off_inside_it(own: Session) -> None:
    with FaultyGateway(Place.EVENT, Fault.CUT) as gateway:
        request = own.stream("a/b", {"prompt": "one"}, base_url=gateway.url)
        said: list[str] = []
        with pytest.raises(errors.ConnectionLost):
            said.extend(str(update) for update in request)
        said.extend(str(update) for update in request.take())
        assert "".join(said) in ("", words("one", Place.EVENT))
        assert request.text == words("one", Place.EVENT)


def in_child(work: Callable[[], str]) -> str:
    """The value that a function returns in a forked process."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(work()))
    child.start()
    try:
        assert ours.poll(10)
        said: str = ours.recv()
        child.join(10)
        assert child.exitcode == 0
    finally:
        child.kill()
    return said


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@forks
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python warns that a fork loses the threads
def test_a_request_under_way_ends_in_a_forked_process_and_goes_on_in_its_own(own: Session) -> None:
    with FaultyGateway(Place.EVENT, Fault.STALL) as gateway:
        request = own.stream("a/b", {"prompt": "one"}, base_url=gateway.url)
        next(iter(request))
        for _ in range(3):
            assert in_child(lambda: type(request.outcome().error).__name__) == "ConnectionLost"
        assert not request.is_done
        request.cancel()
        assert request.outcome().stopped


def test_a_loop_that_others_stop_ends_its_requests(own: Session) -> None:
    with FaultyGateway(Place.EVENT, Fault.STALL) as gateway:
        request = own.stream("a/b", {"prompt": "one"}, base_url=gateway.url)
        next(iter(request))
        loop = own._io._loop
        assert loop is not None
        loop.call_soon_threadsafe(loop.stop)
        ended = threading.Thread(target=request.outcome, daemon=True)
        ended.start()
        ended.join(10)
        assert not ended.is_alive()
        assert isinstance(request.outcome().error, errors.ConnectionLost)
        assert request.outcome().text == words("one", Place.EVENT)


def test_a_session_can_be_closed_by_what_it_calls(own: Session) -> None:
    with FaultyGateway() as gateway:
        closed = threading.Event()
        own.connect("a/b", gateway.url).result(10)
        loop = own._io._loop
        assert loop is not None

        def close() -> None:
            own.close()
            closed.set()

        loop.call_soon_threadsafe(close)
        assert closed.wait(10)
        assert ask(own, gateway, "after") == words("after")


@forks
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_makes_connections_of_its_own(own: Session) -> None:
    with FaultyGateway() as gateway:
        assert ask(own, gateway, "before") == words("before")
        assert in_child(lambda: ask(own, gateway, "child")) == words("child")
        assert ask(own, gateway, "after") == words("after")
        assert gateway.handshakes == 2


PROGRAM = """
import os, sys, threading
import fal_notebook as fal
if sys.argv[2] != "streaming":
    fal.run("a/b", prompt="first", base_url=sys.argv[1])
if sys.argv[2] == "forked" and os.fork() == 0:
    fal.run("a/b", prompt="child", base_url=sys.argv[1])
    sys.exit()
if sys.argv[2] == "streaming":
    running = [fal.stream("a/b", prompt=f"under way {number}", base_url=sys.argv[1]) for number in range(3)]
    threading.Thread(target=running[0].outcome, daemon=True).start()
    running[1].wait(1)
print("ready", flush=True)
"""


@pytest.mark.parametrize("how", ["idle", "streaming", "forked"])
@pytest.mark.parametrize("is_stuck", [False, True], ids=["", "with a server that does not answer"])
def test_the_interpreter_ends_at_once_and_says_nothing(how: str, *, is_stuck: bool) -> None:
    with FaultyGateway(Place.EVENT if how == "streaming" else None, Fault.STALL) as gateway:
        quiet = "ignore:This process:DeprecationWarning"  # Python's own warning of the fork
        command = [sys.executable, "-W", quiet, "-c", PROGRAM, gateway.url, how]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            if is_stuck:
                gateway.fall_silent()
            began = time.monotonic()
            out, err = process.communicate(timeout=20)
            assert time.monotonic() - began < 4  # usually one second; waiting for a thread would take five
    assert (out, err, process.returncode) == ("", "", 0)


def said_by(code: str, url: str) -> str:
    """The output of a program in another process. It gets a URL with a host name, so that it has to resolve it."""
    command = [sys.executable, "-c", code, url.replace("127.0.0.1", "localhost")]
    return subprocess.run(command, check=True, capture_output=True, timeout=60, text=True).stdout


LATE = """
import asyncio, sys, threading, fal_notebook
url = sys.argv[1]

def late():
    threading.main_thread().join()
    print(fal_notebook.run("test/echo/stream", prompt="run", base_url=url).text)
    print(asyncio.run(fal_notebook.arun("test/echo/stream", prompt="arun", base_url=url)).text)

threading.Thread(target=late).start()
"""


# https://github.com/python/cpython/issues/113964
@pytest.mark.skipif((3, 12) <= sys.version_info < (3, 12, 3), reason="it starts no thread once the main one ended")
@pytest.mark.parametrize("before", ["", "\nfal_notebook.run('test/echo/stream', prompt='before', base_url=url)"])
def test_a_thread_that_outlives_the_main_one_is_answered(before: str, server: LocalServer) -> None:
    assert said_by(LATE + before, server.url).split() == ["run", "arun"]


def test_a_package_that_is_imported_too_late_says_so(server: LocalServer) -> None:
    code = LATE.replace(", fal_notebook", "").replace("join()", "join()\n    import fal_notebook")
    command = [sys.executable, "-c", code, server.url]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60, text=True)
    assert "ImportError: import fal_notebook before the main thread ends" in done.stderr


def test_the_first_use_may_be_on_another_thread(server: LocalServer) -> None:
    waited_for = "thread = threading.Thread(target=late); thread.start(); thread.join()"
    code = LATE.replace("threading.main_thread().join()", "").replace(
        "threading.Thread(target=late).start()", waited_for
    )
    assert said_by(code, server.url).split() == ["run", "arun"]


AT_EXIT = """
import atexit, sys, fal_notebook

def last():
    try:
        print(fal_notebook.run("test/echo/stream", prompt="answered", base_url=sys.argv[1]).text)
    except fal_notebook.errors.ConnectError as exc:
        print(exc)

"""
REGISTER = "atexit.register(last)"
USE = "fal_notebook.run('test/echo/stream', prompt='before', base_url=sys.argv[1])"


@pytest.mark.parametrize("steps", [(REGISTER,), (REGISTER, USE), (USE, REGISTER)])
def test_a_request_at_exit_is_answered_or_told_that_it_comes_too_late(
    steps: tuple[str, ...], server: LocalServer
) -> None:
    said = said_by(AT_EXIT + "\n".join(steps), server.url).strip()
    begins_threads = sys.version_info < (3, 12) or sys.version_info >= (3, 13)
    is_late = not begins_threads and steps != (USE, REGISTER)
    assert said == ("Python is ending and begins no thread (nothing was sent)" if is_late else "answered")
