import asyncio
import threading
import time

import pytest

from fal_notebook.local.event_loop import run_to_its_end


async def leave() -> None:
    raise SystemExit(3)


def test_sys_exit_in_a_task_ends_that_task_only() -> None:
    ended = []

    async def main() -> None:
        task = asyncio.create_task(leave())
        await asyncio.sleep(0.01)
        ended.append(type(task.exception()))

    assert run_to_its_end(main())
    assert ended == [SystemExit]


def test_sys_exit_of_the_server_ends_it_without_an_error() -> None:
    assert run_to_its_end(leave())


def test_an_error_of_the_server_is_raised() -> None:
    async def main() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run_to_its_end(main())


def test_work_that_ends_when_it_is_cancelled_has_ended() -> None:
    cancelled = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def main() -> None:
        tasks.append(asyncio.create_task(work()))
        await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []
    assert run_to_its_end(main())
    assert cancelled.is_set()


def test_work_that_ignores_its_cancellation_and_threads_are_left_alone() -> None:
    enough = threading.Event()

    async def work() -> None:
        while not enough.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loops.append(loop)
        tasks.append(asyncio.create_task(work()))
        loop.run_in_executor(None, enough.wait)
        await asyncio.sleep(0.1)

    loops: list[asyncio.AbstractEventLoop] = []
    tasks: list[asyncio.Task[None]] = []
    began = time.monotonic()
    assert not run_to_its_end(main())
    assert time.monotonic() - began < 10
    enough.set()
    loops[0].run_until_complete(tasks[0])
    loops[0].close()
