"""Interrupts are held, let through, and raised where an event loop's own handler would not stop a blocking call."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fal_notebook.client.interrupts import Interrupts, interruptible

from .. import endpoints
from ..conftest import wait_until

ROOT = Path(__file__).parents[2]


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_is_held_to_the_end_of_the_block() -> None:
    done = []

    def work() -> None:
        with Interrupts() as interrupts:
            interrupt()
            interrupt()
            done.append(interrupts.is_held)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_first_is_let_through_and_the_next_is_held() -> None:
    done = []

    def work() -> None:
        with Interrupts() as interrupts:
            try:
                with interrupts.let_through():
                    interrupt()
                    done.append("never")
            except KeyboardInterrupt:
                interrupt()
                done.append("held")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["held"]


def test_one_that_is_held_leaves_the_next_block_that_lets_it_through() -> None:
    with Interrupts() as interrupts:
        interrupt()
        with pytest.raises(KeyboardInterrupt), interrupts.let_through():
            pytest.fail("it was let in")
        assert not interrupts.is_held


def test_an_error_comes_before_an_interrupt_that_is_held() -> None:
    def work() -> None:
        with Interrupts():
            interrupt()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


def test_a_call_that_blocks_leaves_holding_to_the_block_around_it() -> None:
    done = []

    def work() -> None:
        with Interrupts(), interruptible():
            interrupt()
            done.append("held")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["held"]


def test_an_interrupt_wakes_what_it_may_not_cut_and_the_next_cuts_where_nothing_woke() -> None:
    woken = []

    def work() -> None:
        with Interrupts() as interrupts, interrupts.waking(lambda: woken.append(1)):
            interrupt()
            interrupt()
            woken.append(2)
            time.sleep(1.1)
            interrupt()
            woken.append(3)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert woken == [1, 2]


def test_one_within_another_leaves_the_raising_to_it() -> None:
    done = []

    def work() -> None:
        with Interrupts():
            with Interrupts():
                interrupt()
            done.append("outside of the first")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["outside of the first"]


def test_other_threads_and_ignored_interrupts_are_left_alone() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with Interrupts() as interrupts, interrupts.let_through(), interruptible():
                pass
        except BaseException as exc:  # noqa: BLE001 - told below
            failures.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts(), interruptible():
            interrupt()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


PROGRAM = """
import asyncio, sys, time
import fal_notebook as fal
fal.session().nested = sys.argv[1] == "nested"
async def blocks():
    fal.run("test/endless/stream", prompt="x")
try:
    asyncio.run(blocks())
except KeyboardInterrupt:
    until = time.monotonic() + 5
    while fal.session().connections and time.monotonic() < until:
        time.sleep(0.01)
    print("interrupted", fal.session().connections)
"""


@pytest.mark.parametrize("how", ["nested", "plain"])
def test_a_call_that_blocks_a_running_loop_is_stopped_by_the_first_interrupt(how: str, gateway: str) -> None:
    command = [sys.executable, "-c", PROGRAM, how]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as script:
        try:
            wait_until(lambda: endpoints.requests["x"] == 1)
            time.sleep(0.2)
            script.send_signal(signal.SIGINT)
            said, _ = script.communicate(timeout=20)
        finally:
            script.kill()
    assert said == "interrupted []\n"
