"""An answer of fifty megabytes is cut in a real page, with a note, while it streams and at its end."""

import asyncio
import threading

import pytest
from playwright.sync_api import Browser, expect
from websockets.asyncio.server import ServerConnection

from fal_notebook.render.bundles import CUT_NOTE, LONGEST_TEXT

from ..scripted import ScriptedServer, end, start
from .lab import Server, notebook
from .test_prompt_widget import ask

pytestmark = pytest.mark.front_end  # for what it takes

MEGABYTES = 50
SHOWN = "answer => [answer.textContent.length, answer.textContent.slice(-200)]"


def test_a_huge_answer_is_cut_in_the_prompt_widget_and_the_page_lives(browser: Browser, jupyter_server: Server) -> None:
    seen = threading.Event()

    async def script(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(content_type="text/plain"))
            for _ in range(MEGABYTES):
                await connection.send("many words " * 90_909 + "x")
            await asyncio.get_running_loop().run_in_executor(None, seen.wait)
            await connection.send(end())

    with ScriptedServer(script) as server:
        cells = [
            f"from fal_notebook import PromptWidget\nbox = PromptWidget('a/b', base_url='{server.url}'); box",
            "len(box.results[0].text)",
        ]
        with notebook(browser, jupyter_server, cells, "huge.ipynb") as page:
            page.run(0)
            shown = page.output(0).locator(".fal-root")
            ask(shown, "say much")
            answer = shown.locator(".fal-answer")
            expect(answer).to_contain_text(CUT_NOTE.strip(), timeout=60_000)
            assert LONGEST_TEXT + len(CUT_NOTE) - answer.evaluate(SHOWN)[0] in (0, 1)  # a line end between two blocks
            seen.set()
            expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1, timeout=60_000)
            length, last = answer.evaluate(SHOWN)
            assert length < LONGEST_TEXT + 500
            assert f"… cut here: {MEGABYTES * 1_000_000:,} characters in all" in last
            (output,) = page.run(1)
            assert output["data"]["text/plain"] == str(MEGABYTES * 1_000_000)
