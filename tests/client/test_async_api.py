"""Requests that are awaited: on asyncio they work, and elsewhere nothing is sent and the error says what to do."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from fal_notebook import arun, errors, run, stream

from .. import endpoints

FIRST = """
import asyncio, sys, threading
import fal_notebook

class Watch:
    def find_spec(self, name, *_):
        if name.startswith("fal_notebook."):
            threads.setdefault(name, threading.current_thread())

async def main():
    return await fal_notebook.arun("test/echo/stream", prompt="x")

threads = {}
sys.meta_path.insert(0, Watch())
print(asyncio.run(main()).text)
main_thread = threading.main_thread()
print(sorted(name for name, thread in threads.items() if thread is main_thread))
print(threads["fal_notebook.wire.websocket"].name, threads["fal_notebook.errors"].name)
"""


def test_what_a_request_needs_is_not_imported_on_the_loop(gateway: str) -> None:
    done = subprocess.run([sys.executable, "-c", FIRST], check=True, capture_output=True, timeout=60, text=True)
    text, on_the_loop, *others = done.stdout.splitlines()
    assert text == "x "
    awaited = ["", ".async_api", ".inbox", ".interrupts", ".off_loop", ".waiting"]
    assert on_the_loop == str([f"fal_notebook.client{name}" for name in awaited])
    assert others == ["fal_notebook work fal_notebook work"]


def test_a_request_is_awaited(gateway: str) -> None:
    assert asyncio.run(arun("test/echo/stream", {"prompt": "two"}, timeout=60)).text == "two "


def test_without_asyncio_nothing_is_sent() -> None:
    with pytest.raises(errors.InvalidRequest, match="can be awaited on asyncio only"):
        arun("test/echo/stream", prompt="x").send(None)


def test_on_trio_nothing_is_sent_and_the_error_says_what_to_do(gateway: str) -> None:
    trio: Any = pytest.importorskip("trio")

    async def main() -> str:
        with pytest.raises(errors.InvalidRequest, match=r"await trio.to_thread.run_sync\(lambda: run"):
            await arun("test/echo/stream", prompt="x")
        assert not endpoints.requests
        with pytest.raises(errors.InvalidRequest, match="on asyncio only"):
            await stream("test/echo/stream", prompt="x")
        answer = await trio.to_thread.run_sync(lambda: run("test/echo/stream", prompt="thread"))
        return f"{answer.text}{run('test/echo/stream', prompt='blocking').text}"

    assert trio.run(main) == "thread blocking "


def test_trio_within_a_running_asyncio_loop_is_recognised_as_trio(gateway: str) -> None:
    trio: Any = pytest.importorskip("trio")

    async def main() -> None:  # as in a kernel with %autoawait trio
        with pytest.raises(errors.InvalidRequest, match="on asyncio only"):
            trio.run(lambda: arun("test/echo/stream", prompt="x"))
        assert (await arun("test/echo/stream", prompt="x")).text == "x "

    asyncio.run(main())
