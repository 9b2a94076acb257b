"""Blocking work on a thread keeps an event loop free."""

import asyncio
import socket
import threading

import pytest

from fal_notebook.client.off_loop import IOLoop, on_thread


def test_work_is_done_on_a_thread_while_the_loop_goes_on() -> None:
    gate = threading.Event()

    def work() -> threading.Thread:
        assert gate.wait(10)
        return threading.current_thread()

    async def main() -> threading.Thread:
        working = asyncio.create_task(on_thread(work))
        await asyncio.sleep(0)
        gate.set()  # a blocked loop would not reach this line
        return await working

    assert asyncio.run(main()).daemon


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(on_thread(lambda: 1 // 0))


def test_work_that_nobody_waits_for_any_more_is_left_to_itself() -> None:
    gate = threading.Event()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(on_thread(gate.wait), 0.01)

    asyncio.run(main())
    gate.set()


def test_names_are_looked_up_as_the_system_does() -> None:
    loop = IOLoop()
    found = loop.run_until_complete(loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM))
    assert found == socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)
    with pytest.raises(socket.gaierror):
        loop.run_until_complete(loop.getaddrinfo("name.invalid", 80))
    loop.close()
